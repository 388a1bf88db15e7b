internal import Credentials

/// A git address is what a person calls a place of git's: `[protocol://][user@]host[:port][/path]`, https where no
/// protocol is named.
struct GitAddress {
    let query: Query

    init?(_ text: Text) {
        var facts: [String: Text] = ["protocol": "https"]
        var rest = text.bytes[...]
        if let colon = rest.firstIndex(of: UInt8(ascii: ":")),
            rest[colon...].starts(with: "://".utf8)
        {
            facts["protocol"] = Text(validating: rest[..<colon].map(\.lowerCased))
            rest = rest[(colon + 3)...]
        }
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        var authority = rest[..<slash]
        let path = rest[slash...].dropFirst()
        if !path.isEmpty { facts["object"] = Text(validating: path) }
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            facts["user"] = Text(validating: authority[..<at])
            authority = authority[(at + 1)...]
        }
        if let colon = authority.lastIndex(of: UInt8(ascii: ":")), authority.last != 0x5D {
            facts["port"] = Text(validating: authority[(colon + 1)...])
            authority = authority[..<colon]
        }
        // The password of a certificate's file has no host: cert:////home/alice/client.pem
        let mayLackHost = facts["protocol"] == "cert" && facts["object"] != nil
        guard !authority.isEmpty || mayLackHost, facts["protocol"]?.isEmpty == false
        else { return nil }
        facts["server"] = Text(validating: authority)
        query = Query(.git, facts)
    }
}
