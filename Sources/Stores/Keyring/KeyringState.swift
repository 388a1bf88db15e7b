package import Credentials
internal import Files

/// A keyring's state is what can be told of it without a question to anybody: who provides it, and
/// whether it can be used.
package struct KeyringState: Hashable, Sendable {
    /// The provider's program, as its process is called; nil where that is not known.
    package let provider: String?
    /// The label of the collection that new logins go to; nil if there is none.
    package let collection: String?
    /// Whether there is any collection at all.
    package let hasCollections: Bool
    /// Whether a collection that holds logins, or may hide some, or that new ones go to is locked.
    package let isLocked: Bool
    /// Whether items are locked in a collection that is not: the provider asks for each access.
    package let asksForAccess: Bool
}

extension KeyringStore {
    /// How the keyring is now. Throws `absent` where there is none.
    package func state() throws(StoreError) -> KeyringState {
        try open { keyring throws(StoreError) in
            let service = keyring.service
            // The first thing that a provider is sent is a search.
            let hits = try service.search(Schema.allCases.map { $0.pattern })
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
            let isLocked = collections.contains { collection in
                collection.isLocked
                    && (collection.path == target || !service.findsLockedItems
                        || hits.contains { $0.path.hasPrefix(collection.path + "/") })
            }
            // An alias may be the path of the collection under another name.
            let label = collections.first { $0.path == target }?.label?.string
            return KeyringState(
                provider: service.providerProcess.flatMap(processName),
                collection: target == nil ? nil : label ?? options.collection,
                hasCollections: !collections.isEmpty, isLocked: isLocked, asksForAccess: asks)
        }
    }
}

/// What the system calls a process; nil if it does not tell.
private func processName(_ number: UInt32) -> String? {
    guard let file = try? Descriptor.ofFile("/proc/\(number)/comm"),
        let name = try? file.start(atMost: 64), name.count > 1
    else { return nil }
    return String(decoding: name.dropLast(), as: UTF8.self)
}
