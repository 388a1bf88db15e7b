package import Credentials

/// A helper setting is the place in a client's configuration where it is told which program keeps
/// its logins.
package protocol HelperSetting: Sendable {
    var file: ClientFile { get }

    /// What the client calls it.
    var name: String { get }

    /// What stands there now, as the client writes it; nil if nothing does.
    func value(in content: Secret?) throws(StoreError) -> String?

    /// Whether Keyfob is what stands there.
    func isOurs(_ value: String) -> Bool

    /// How the content is changed so that Keyfob stands there. Throws `failed` if that cannot be done
    /// without losing something.
    func splice(into content: Secret?) throws(StoreError) -> Splice

    /// How it is undone where the client has written the file anew since; `before` is the text that
    /// the splice removed. Nil if Keyfob does not stand there, or that cannot be told.
    func restoration(of content: Secret, before: String) throws(StoreError) -> Splice?
}

extension HelperSetting {
    package func restoration(of content: Secret, before: String) throws(StoreError) -> Splice? {
        nil
    }
}

/// A splice is one change of a text: what it takes out and what it puts there.
package struct Splice: Hashable, Sendable {
    /// Where, in the text as it was.
    package let range: Range<Int>
    /// What it puts there.
    package let inserted: String

    package init(_ range: Range<Int>, _ inserted: String) {
        self.range = range
        self.inserted = inserted
    }

    /// What it takes out. It is configuration, and no secret.
    package func removed(from text: Secret?) -> String {
        guard let text else { return "" }
        return text[range].expose { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }

    package func applied(to text: Secret?) -> Secret {
        var edits = Edits()
        edits.replace(range, with: inserted)
        return edits.applied(to: text ?? Secret(capacity: 0) { _ in 0 })
    }

    /// What puts `removed` back where `inserted` stands; nil unless it stands there exactly once.
    package static func undoing(_ inserted: String, _ removed: String, in text: Secret) -> Splice? {
        let wanted = Array(inserted.utf8)
        guard !wanted.isEmpty else { return nil }
        let places = text.expose { bytes in
            bytes.indices.filter { start in
                start + wanted.count <= bytes.count
                    && wanted.indices.allSatisfy { bytes[start + $0] == wanted[$0] }
            }
        }
        guard places.count == 1 else { return nil }
        return Splice(places[0]..<places[0] + wanted.count, removed)
    }

    /// The change that makes the one text of the other.
    package init?(from before: Secret?, to after: Secret) {
        func bytes(_ text: Secret?) -> [UInt8] {
            text?.expose { bytes in bytes.indices.map { bytes[$0] } } ?? []
        }
        let (old, new) = (bytes(before), bytes(after))
        guard old != new else { return nil }
        let most = min(old.count, new.count)
        let start = (0..<most).first { old[$0] != new[$0] } ?? most
        let tail = (0..<most - start).first { old[old.count - 1 - $0] != new[new.count - 1 - $0] }
        let end = tail ?? most - start
        self.init(
            start..<old.count - end,
            String(decoding: new[start..<new.count - end], as: UTF8.self))
    }
}
