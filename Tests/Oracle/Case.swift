import Foundation

/// A case is what a client finds on a machine, and what it is then asked for.
///
/// In the texts of files and helpers `{PORT}` is the port of the loopback server, `{ROOT}` the
/// sandbox's folder and `{UID}` the user's number; `«user:password»` becomes base64 after its
/// percent codes are decoded, and `‹E4›` the bytes of that hexadecimal number.
struct Case: Codable, Sendable {
    /// What the case shows.
    var about: String?
    var client: String
    /// The servers, as the client's user names them.
    var ask: [String]
    /// The laws to check; all that every client keeps if it says nothing.
    var laws: [Law]?
    /// `--prefer` of the import.
    var prefer: String?
    /// True if the client is set up for Keyfob, and Keyfob has a login of its own for each server,
    /// before a logout or an import.
    var isInUse: Bool?
    /// The folder in which all of it runs; the home if none is named.
    var folder: String?
    /// True if it runs as nobody, and not as root.
    var isUnprivileged: Bool?
    /// True if gnome-keyring serves, and not the encrypted file.
    var hasKeyring: Bool?
    /// Variables to set; nil removes one.
    var environment: [String: String?]?
    /// Files by their path in the sandbox.
    var files: [String: String]
    /// Symbolic links by their path in the sandbox, with what they name.
    var links: [String: String]?
    /// Programs on the PATH, each a shell script.
    var helpers: [String: String]?
    /// The features that the generator has used.
    var features: [String]?
    /// Commands and what must come of them, for `steps`.
    var steps: [Step]?

    /// A command to run in the home, and what must come of it.
    struct Step: Codable, Sendable {
        var run: [String]
        var input: String?
        var status: Int32?
        /// What the output must hold.
        var says: [String]?
        /// What the output must not hold.
        var saysNot: [String]?
    }

    /// One law of what Keyfob may do to a client.
    enum Law: String, Codable, CaseIterable, Sendable {
        /// After setup and import the client gets what it got before, or the login is left for a
        /// reason that is true; nothing is destroyed that the client used.
        case keeps
        /// After a logout of one server the client gets nothing for it, and the same for others.
        case logout
        /// After a logout of all the client gets nothing.
        case logoutAll
        /// After an export the client, without Keyfob, gets what Keyfob had.
        case export
        /// After setup the client asks Keyfob, first, and has no more to complain of.
        case setup
        /// What setup has changed is restored to the byte.
        case undo
        /// What status says of plain text and of who answers is so.
        case status
        /// What comes of the commands that the case names.
        case steps
    }

    /// The laws that are checked of a case that names none.
    static let commonLaws = Law.allCases.filter { $0 != .steps }

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
    }
}

/// What breaks a law.
struct Violation: CustomStringConvertible {
    enum Kind {
        /// The client gets nothing where it must get something.
        case lost
        /// The client gets something else than it must.
        case changed
        /// The client gets something where it must get nothing.
        case new
        /// What Keyfob or the client says is not so, or is not said.
        case word
        /// A file is not as it must be.
        case file
    }

    let kind: Kind
    let description: String
}

extension Case {
    /// The bytes of a text of the case, in a sandbox.
    static func bytes(of text: String, root: String, uid: UInt32, port: String) -> [UInt8] {
        let text =
            text.replacingOccurrences(of: "{PORT}", with: port)
            .replacingOccurrences(of: "{ROOT}", with: root)
            .replacingOccurrences(of: "{UID}", with: "\(uid)")
        var bytes: [UInt8] = []
        var rest = text[...]
        while let open = rest.firstIndex(where: { $0 == "«" || $0 == "‹" }) {
            let isBase64 = rest[open] == "«"
            guard let close = rest[open...].firstIndex(of: isBase64 ? "»" : "›") else { break }
            bytes += rest[..<open].utf8
            let inner = rest[rest.index(after: open)..<close]
            bytes +=
                isBase64
                ? Array(Data(percentDecoded(Array(inner.utf8))).base64EncodedString().utf8)
                : hexadecimal(inner)
            rest = rest[rest.index(after: close)...]
        }
        return bytes + rest.utf8
    }

    private static func hexadecimal(_ text: Substring) -> [UInt8] {
        let digits = Array(text)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
    }
}

/// Bytes with their percent codes decoded, those that are valid.
func percentDecoded(_ bytes: [UInt8]) -> [UInt8] {
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
        if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
            let byte = UInt8(
                String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
        {
            decoded.append(byte)
            index += 3
        } else {
            decoded.append(bytes[index])
            index += 1
        }
    }
    return decoded
}
