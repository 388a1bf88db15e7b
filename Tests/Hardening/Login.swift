import Foundation
import Sandbox

/// A made-up login, and every form in which its secret could leak.
struct Login {
    let server = "https://registry.example"
    let user: String
    let secret: String

    /// With a secret of which no part is anywhere else.
    init(user: String = "alice") {
        self.user = user
        secret = (0..<4).map { _ in String(UInt64.random(in: 1 << 60...UInt64.max), radix: 36) }
            .joined()
    }

    /// As a client sends it to `store`.
    var json: String { #"{"ServerURL":"\#(server)","Username":"\#(user)","Secret":"\#(secret)"}"# }

    /// What `get` answers.
    var answer: String { json + "\n" }

    /// The secret itself, then in base64 and in hexadecimal: the middle of each, which does not
    /// depend on what stands around it.
    var traces: [String] {
        let middle = String(secret.dropFirst(3).dropLast(3))
        let encoded = (0..<3).map { offset in
            let text = Data(middle.utf8.dropFirst(offset)).base64EncodedString()
            return String(text.prefix(20))
        }
        let digits = middle.utf8.map { String($0, radix: 16) }.joined()
        return [middle, digits, digits.uppercased()] + encoded
    }
}

/// Where a login is kept.
enum Place: CaseIterable {
    case file, keyring

    /// Makes it the place of the sandbox's programs; what is returned must outlive them.
    func prepare(_ sandbox: Sandbox) throws -> GnomeKeyring? {
        switch self {
        case .file:
            sandbox.setEnvironment("KEYFOB_STORE", to: "file")
            return nil
        case .keyring:
            sandbox.setEnvironment("KEYFOB_STORE", to: "secret-service")
            return try GnomeKeyring(on: PrivateBus(in: sandbox))
        }
    }
}
