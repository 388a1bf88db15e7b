internal import Credentials

/// A cargo index is a registry's index URL as cargo asks its providers for it (cargo 1.95): in the
/// form that the crate `url` writes (WHATWG URL Standard). Only http and https are special schemes
/// there; with `sparse+https` and all others the host is not changed.
enum CargoIndex {
    /// The URL by which cargo asks for crates.io, over every protocol.
    static var cratesIO: Text { "https://github.com/rust-lang/crates.io-index" }

    /// The other names of crates.io.
    static let namesOfCratesIO = ["crates-io", "crates.io", "sparse+https://index.crates.io/"]

    /// Returns the normal form; nil if the URL cannot be parsed.
    static func normalForm(of url: Text) -> Text? {
        let bytes = url.bytes.filter { $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        var rest = bytes.drop { $0 <= 0x20 }
        while let last = rest.last, last <= 0x20 { rest.removeLast() }
        guard let colon = rest.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let scheme = rest[..<colon].map(\.lowerCased)
        rest = rest[(colon + 1)...]
        let port = ["http": 80, "https": 443][String(decoding: scheme, as: UTF8.self)]
        guard rest.starts(with: "//".utf8) else { return nil }
        rest = port == nil ? rest.dropFirst(2) : rest.drop { $0 == 0x2F || $0 == 0x5C }
        let ends = port == nil ? "/?#" : "/\\?#"
        let end = rest.firstIndex { ends.utf8.contains($0) } ?? rest.endIndex
        guard let authority = authority(rest[..<end], defaultPort: port) else { return nil }
        return Text(
            validating: scheme + "://".utf8 + authority + path(rest[end...], isSpecial: port != nil)
        )
    }

    private static func authority(_ bytes: ArraySlice<UInt8>, defaultPort: Int?) -> [UInt8]? {
        var (user, host, port): ([UInt8], ArraySlice<UInt8>, ArraySlice<UInt8>) = ([], bytes, [])
        if let at = bytes.lastIndex(of: UInt8(ascii: "@")) {
            let parts = bytes[..<at].split(
                separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            user = encoded(parts[0], besides: userSet)
            if parts.count > 1, !parts[1].isEmpty {
                user += [UInt8(ascii: ":")] + encoded(parts[1], besides: userSet)
            }
            if !user.isEmpty { user.append(UInt8(ascii: "@")) }
            host = bytes[(at + 1)...]
        }
        if host.last != UInt8(ascii: "]"), let colon = host.lastIndex(of: UInt8(ascii: ":")) {
            (host, port) = (host[..<colon], host[(colon + 1)...])
            guard port.allSatisfy({ $0.isDigit }) else { return nil }
        }
        guard let text = Text(validating: host), !text.isEmpty else { return nil }
        guard let name = defaultPort == nil ? text : WebHost.normalForm(of: text) else {
            return nil
        }
        guard !port.isEmpty else { return user + name.bytes }
        guard let number = UInt16(String(decoding: port, as: UTF8.self)) else { return nil }
        return user + name.bytes + (Int(number) == defaultPort ? "" : ":\(number)").utf8
    }

    private static func path(_ bytes: ArraySlice<UInt8>, isSpecial: Bool) -> [UInt8] {
        let end = bytes.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
        var segments: [[UInt8]] = []
        let whole = bytes[..<(end ?? bytes.endIndex)]
        let parts = whole.split(omittingEmptySubsequences: false) {
            $0 == UInt8(ascii: "/") || isSpecial && $0 == UInt8(ascii: "\\")
        }.dropFirst()
        for (index, part) in zip(parts.indices, parts) {
            let isLast = index == parts.endIndex - 1
            switch dots(part) {
            case 2:
                if !segments.isEmpty { segments.removeLast() }
                if isLast { segments.append([]) }
            case 1: if isLast { segments.append([]) }
            default: segments.append(encoded(part, besides: pathSet))
            }
        }
        if segments.isEmpty, isSpecial { segments.append([]) }
        let path = segments.flatMap { [UInt8(ascii: "/")] + $0 }
        return path
            + encoded(bytes[(end ?? bytes.endIndex)...], besides: isSpecial ? " \"<>'" : " \"<>")
    }

    /// Returns the number of dots of a segment that means this folder or the one above; 0 for any
    /// other.
    private static func dots(_ segment: ArraySlice<UInt8>) -> Int {
        let name = String(decoding: segment.map(\.lowerCased), as: UTF8.self)
            .replacing("%2e", with: ".")
        return name == "." ? 1 : name == ".." ? 2 : 0
    }

    private static let pathSet = " \"#<>?`{}"
    private static let userSet = pathSet + "/:;=@[\\]^|"

    private static func encoded(_ bytes: ArraySlice<UInt8>, besides set: String) -> [UInt8] {
        bytes.flatMap { byte in
            guard byte < 0x20 || byte > 0x7E || set.utf8.contains(byte) else { return [byte] }
            let digits = String(byte, radix: 16, uppercase: true)
            return Array(("%" + (digits.count < 2 ? "0" : "") + digits).utf8)
        }
    }
}
