package import Credentials
internal import Files
internal import TextEditing

/// A plaintext target is a client's own file to which Keyfob can write a login as the client does.
package protocol PlaintextTarget: PlaintextFile {
    /// Returns the content with a login in it, where the client looks for it and in the client's
    /// form. The login replaces every other one for the same server and account; every other byte
    /// is kept. An empty content stands for a missing file. The content is returned unchanged if it
    /// has the login already.
    ///
    /// Throws if the file cannot hold such a login.
    func adding(_ login: Credential, to content: Secret) throws(StoreError) -> Secret
}

extension PlaintextTarget {
    package var isEdited: Bool { true }

    /// Puts a login into the file, which only its owner can read from then on, and reads it back.
    /// `replaces` says that it may take the place of another login for the same server and account.
    /// With `dryRun` it only returns what it would do.
    package func add(
        _ login: Credential, replaces: Bool, dryRun: Bool = false
    ) throws(StoreError) -> PlaintextAddition {
        guard !dryRun else {
            return try content(try file.read(), with: login, replaces: replaces).addition
        }
        var addition = PlaintextAddition.known
        try file.edit(isPrivate: true) { before throws(StoreError) in
            let after: Secret
            (after, addition) = try content(before, with: login, replaces: replaces)
            return after == before ? nil : after
        }
        if case .refused = addition { return addition }
        guard try contents().hasOnly(login) else {
            throw StoreError(.notReadBack, "it was gone after it had been written")
        }
        return addition
    }

    private func content(
        _ before: Secret?, with login: Credential, replaces: Bool
    ) throws(StoreError) -> (after: Secret, addition: PlaintextAddition) {
        let before = before ?? "".secret
        let logins = try contents(of: before).logins
        let others = logins.filter {
            $0.isForSame(as: login) && !$0.isSame(as: login) && !$0.isBare
        }
        // No helper could return this login, so it would be lost.
        if let other = others.first(where: { !$0.isShadowed && $0.obstacle != nil }) {
            throw StoreError(
                .anotherLogin,
                "the file has another one, under \(other.spelling?.string ?? other.entry.spelling), "
                    + "which would be lost: \(other.obstacle ?? "")")
        }
        if let other = others.first, !replaces { return (before, .refused(other.entry)) }
        let after = try adding(login, to: before)
        let found = try contents(of: after)
        func rest(_ logins: [PlaintextLogin]) -> [PlaintextLogin] {
            logins.filter { !$0.isForSame(as: login) }
        }
        guard found.hasOnly(login),
            rest(found.logins).elementsEqual(
                rest(logins),
                by: { $0.entry.attributes == $1.entry.attributes && $0.secret == $1.secret })
        else {
            throw StoreError(
                .unfitForFile, "the file cannot hold it: the client would misread it")
        }
        return (after, after == before ? .known : others.isEmpty ? .added : .replaced)
    }
}

/// The result of adding a login to a plaintext file.
package enum PlaintextAddition: Hashable, Sendable {
    case added
    /// The file had the login already.
    case known
    /// The login replaced another one.
    case replaced
    /// The file has this other login, and keeps it.
    case refused(Entry)
}
