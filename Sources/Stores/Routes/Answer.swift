package import Credentials
internal import JSON

/// The form of an answer of a route's program: JSON, in which pointers (RFC 6901) lead to the
/// parts, or one line, which is the secret.
package struct AnswerShape: Hashable, Sendable {
    /// The user name, if the route states it.
    package var user: Text?
    /// Pointers to the user name, to the secret, to both as the base64 of `USER:SECRET`, and to the
    /// time at which the secret expires.
    package var username: Text?
    package var secret: Text?
    package var basic: Text?
    package var expires: Text?

    package init() {}

    /// True if the answer is JSON.
    package var isJSON: Bool { secret != nil || basic != nil }
}

/// An answer is the login that a route's program, the environment or an engine returned.
struct Answer {
    let username: Text
    let secret: Secret
    /// The time at which the secret expires, in seconds since 1970; nil if it is not known.
    let end: UInt64?

    /// The reason why an output is no answer, for the user. It quotes nothing of the output.
    struct Fault: Error {
        let reason: String
    }

    init(username: Text?, secret: Secret, end: UInt64? = nil) throws(Fault) {
        guard let username, !username.isEmpty, !username.hasControlCharacter else {
            throw Fault(reason: "names no user")
        }
        guard !secret.trimmed.isEmpty else { throw Fault(reason: "has no secret") }
        // Clients are answered in JSON, which has no other text.
        guard secret.isUTF8 else { throw Fault(reason: "has a secret that is not UTF-8") }
        self.username = username
        self.secret = secret
        self.end = end
    }

    /// Reads the output of a program.
    init(printed: Secret, _ shape: AnswerShape) throws(Fault) {
        guard !shape.isJSON else {
            try self.init(try Answer.json(printed), shape)
            return
        }
        guard !printed.trimmed.isEmpty else { throw Fault(reason: "is empty") }
        try self.init(username: shape.user, secret: try Answer.line(of: printed))
    }

    /// Reads the output of a credential helper. docker and podman read its keys in any case.
    init(printedByHelper printed: Secret, user: Text?) throws(Fault) {
        let value = try Answer.json(printed)
        var shape = AnswerShape()
        (shape.user, shape.username, shape.secret) = (user, "/Username", "/Secret")
        guard let members = value.members else {
            try self.init(value, shape)
            return
        }
        let names: [Text] = ["Username", "Secret"]
        let renamed = members.map { member in
            let name = names.first { $0.isSame(as: member.name) }
            return JSON.Member(name ?? member.name, member.value)
        }
        try self.init(.object(renamed), shape)
    }

    private static func json(_ printed: Secret) throws(Fault) -> JSON {
        guard !printed.trimmed.isEmpty else { throw Fault(reason: "is empty") }
        do throws(JSON.Fault) {
            return try JSON(decoding: printed)
        } catch {
            throw Fault(reason: "is not JSON: \(error)")
        }
    }

    init(_ value: JSON, _ shape: AnswerShape) throws(Fault) {
        func string(_ pointer: Text) throws(Fault) -> Secret {
            guard let string = value[pointer: pointer]?.secret, !string.isEmpty else {
                throw Fault(reason: "has no text at \(pointer.string.printable)")
            }
            return string
        }
        let end = shape.expires.flatMap { value[pointer: $0] }.flatMap { Expiry.seconds($0) }
        if let basic = shape.basic {
            guard let login = Secret(base64: try string(basic)),
                let colon = login.first(where: { $0 == UInt8(ascii: ":") })
            else {
                throw Fault(reason: "has no base64 of USER:SECRET at \(basic.string.printable)")
            }
            try self.init(
                username: shape.user ?? Text(copying: login[0..<colon]),
                secret: login[colon + 1..<login.count], end: end)
            return
        }
        let username =
            if let pointer = shape.username {
                Text(copying: try string(pointer))
            } else {
                shape.user
            }
        try self.init(username: username, secret: try string(shape.secret ?? ""), end: end)
    }

    /// Returns the only line that was printed, without its line end.
    private static func line(of printed: Secret) throws(Fault) -> Secret {
        let line = printed.withoutLineEnd
        guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw Fault(reason: "is more than one line")
        }
        return line
    }
}

extension Text {
    /// Returns true if the texts differ at most in the case of ASCII letters.
    fileprivate func isSame(as other: Text) -> Bool {
        bytes.map { $0.lowerCased } == other.bytes.map { $0.lowerCased }
    }
}

extension JSON {
    /// The value to which a pointer leads (RFC 6901); nil if there is none.
    subscript(pointer pointer: Text) -> JSON? {
        let slash = UInt8(ascii: "/")
        guard !pointer.isEmpty else { return self }
        guard pointer.bytes.first == slash else { return nil }
        var value = self
        let parts = pointer.bytes.dropFirst()
            .split(separator: slash, omittingEmptySubsequences: false)
        for part in parts {
            let name = JSON.unescaped(part)
            switch value {
            case .object(let members):
                guard let member = members.last(where: { $0.name.bytes == name }) else {
                    return nil
                }
                value = member.value
            case .array(let elements):
                guard let index = Int(String(decoding: name, as: UTF8.self)),
                    elements.indices.contains(index)
                else { return nil }
                value = elements[index]
            case .null, .bool, .integer, .number, .string, .text: return nil
            }
        }
        return value
    }

    /// Returns a part of a pointer with its escapes decoded: `~1` is a slash, and `~0` a tilde.
    private static func unescaped(_ part: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = part
        while let byte = rest.popFirst() {
            let escaped = byte == UInt8(ascii: "~") ? rest.first : nil
            switch escaped {
            case UInt8(ascii: "0")?: bytes.append(UInt8(ascii: "~"))
            case UInt8(ascii: "1")?: bytes.append(UInt8(ascii: "/"))
            default:
                bytes.append(byte)
                continue
            }
            rest.removeFirst()
        }
        return bytes
    }
}
