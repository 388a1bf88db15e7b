package import Credentials

/// The other helpers that a client asks, in docker's protocol.
package struct OtherHelpers: Sendable {
    /// Docker Hub, as the client names it.
    let hub: Text
    /// Those that it asks for every registry, in their order.
    package var ofAll: [Text] = []
    /// Those that it asks for one registry; nil stands for Keyfob or the client's own file.
    package var ofOne: [(registry: Text, helper: Text?)] = []
    /// True if its configuration names none, and it chooses the one of all registries by itself.
    package var areChosen = false
    /// True if it asks the one of a registry instead of the others, and not also.
    var isInstead = false

    /// Adds the helpers that a setup has replaced, for one registry or (nil) for all of them, but not
    /// those that the client asked after its own files.
    package mutating func add(former: String?, for registry: String?) {
        let all = (former ?? "").split(separator: ",").map { String($0.drop { $0 == " " }) }
        let names = all.prefix { $0 != Podman.builtIn }.compactMap { Text($0) }
            .filter { !$0.isOurHelper }
        guard let registry = registry.flatMap({ Text($0) }) else { return ofAll = names }
        ofOne += names.map { (registry, $0) }
    }

    /// Returns the helpers that are asked for a login, and the key that they are given.
    package func asked(for entry: Entry) -> [(helper: OtherHelper, key: Text)] {
        guard entry.schema.family == .docker, let key = entry["server"]?.asked(hub: hub) else {
            return []
        }
        let own = ofOne.filter { $0.registry == key }
        let all = isInstead && !own.isEmpty ? [] : ofAll
        return (own.compactMap(\.helper) + all).map { (OtherHelper($0.string), key) }
    }
}
