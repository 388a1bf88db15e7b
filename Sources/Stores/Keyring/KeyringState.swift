package import Credentials
internal import Files

/// A keyring's state says which program provides it, and whether it can be used. It is found out
/// without asking the user.
package struct KeyringState: Hashable, Sendable {
    /// The name of the provider's process; nil if that is not known.
    package let provider: String?
    /// The label of the collection that new logins go to; nil if there is none.
    package let collection: String?
    /// True if there is any collection at all.
    package let hasCollections: Bool
    /// The locked collections that hold logins, may hide some, or are the one for new logins.
    package let locked: [Collection]
    /// True if the provider takes the password of a collection from a program.
    package let takesPassword: Bool
    /// True if items are locked in an unlocked collection: the provider asks for each access.
    package let asksForAccess: Bool

    /// A collection of the keyring.
    package struct Collection: Hashable, Sendable {
        let path: String
        /// Its label, or its path if it has none.
        package let label: String
    }

    package var isLocked: Bool { !locked.isEmpty }
}

extension KeyringStore {
    /// Returns the state of the keyring now. Throws `absent` if there is no keyring.
    package func state() throws(StoreError) -> KeyringState {
        try open { keyring throws(StoreError) in
            let service = keyring.service
            // A provider's first call must be a search.
            let hits = try service.search(Schema.patternsOfAll)
            let collections = try service.collections()
            let target: String?
            do throws(StoreError) {
                target = try keyring.collection()
            } catch let error where error.outcome == .absent {
                target = nil
            }
            let unlocked = collections.filter { !$0.isLocked }.map { $0.path + "/" }
            let asks = hits.contains { hit in
                hit.isLocked && unlocked.contains { hit.path.hasPrefix($0) }
            }
            let locked = collections.filter { collection in
                collection.isLocked
                    && (collection.path == target || !service.findsLockedItems
                        || hits.contains { $0.path.hasPrefix(collection.path + "/") })
            }
            // An alias may be the path of the collection under another name.
            let label = collections.first { $0.path == target }?.label?.string
            return KeyringState(
                provider: service.providerProcess.flatMap(processName),
                collection: target == nil ? nil : label ?? options.collection,
                hasCollections: !collections.isEmpty,
                locked: locked.map { .init(path: $0.path, label: $0.label?.string ?? $0.path) },
                takesPassword: service.findsLockedItems, asksForAccess: asks)
        }
    }
}

/// Returns the system's name of a process; nil if it does not tell.
private func processName(_ number: UInt32) -> String? {
    guard let file = try? Descriptor.ofFile("/proc/\(number)/comm"),
        let name = try? file.start(atMost: 64), name.count > 1
    else { return nil }
    return String(decoding: name.dropLast(), as: UTF8.self)
}
