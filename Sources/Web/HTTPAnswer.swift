package import Credentials

/// An answer is a server's reply, with any status.
package struct HTTPAnswer: Sendable {
    package let status: Int
    /// The challenges of its `WWW-Authenticate` headers.
    package let challenges: [Challenge]
    /// The value of its `Location` header; nil if there is none.
    package let location: String?
    /// The body is a secret because it may hold a token.
    package let body: Secret

    /// `headers` are lines that each end with a line feed.
    package init(status: Int, headers: [UInt8] = [], body: Secret) {
        var challenges: [Challenge] = []
        var location: String?
        for line in headers.split(separator: 0x0A) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = Array(line[(colon + 1)...])
            switch String(decoding: line[..<colon].map { $0.lowerCased }, as: UTF8.self) {
            case "www-authenticate": challenges += Challenge.all(in: value)
            case "location":
                location = Text(validating: value)?.trimmed.string
            default: break
            }
        }
        self.status = status
        self.challenges = challenges
        self.location = location
        self.body = body
    }
}
