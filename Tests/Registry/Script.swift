import Credentials
import Registry
import Synchronization
import Web

/// A script is an HTTP client that answers as it is told to, and remembers what it was asked.
final class Script: HTTPClient {
    typealias Scene = @Sendable (Asked) throws(HTTPFailure) -> HTTPAnswer

    /// What was asked, in the open.
    struct Asked: Equatable {
        let address: String
        /// `user:password`, `bearer token`, or nothing.
        let identity: String
        let form: String?

        init(_ address: String, as identity: String = "", posting form: String? = nil) {
            self.address = address
            self.identity = identity
            self.form = form
        }
    }

    private let scene: Scene
    private let asked = Mutex<[Asked]>([])

    init(_ scene: @escaping Scene) { self.scene = scene }

    /// All that it was asked so far.
    var requests: [Asked] { asked.withLock { $0 } }

    func ask(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPAnswer {
        let identity =
            switch request.identity {
            case .nobody: ""
            case .basic(let username, let password): "\(username):\(password.text)"
            case .bearer(let token): "bearer \(token.text)"
            case .engine(let token, _): "engine \(token.text)"
            case .header(let value): "header \(value.text)"
            }
        let asked = Asked(
            request.address.description, as: identity, posting: request.form?.text)
        self.asked.withLock { $0.append(asked) }
        return try scene(asked)
    }
}

extension HTTPAnswer {
    static func status(_ status: Int, _ headers: String..., body: String = "") -> HTTPAnswer {
        HTTPAnswer(
            status: status, headers: headers.flatMap { Array("\($0)\n".utf8) },
            body: Secret(text: body))
    }
}

extension Secret {
    init(text: String) { self.init(copying: Array(text.utf8).span) }

    var text: String {
        expose { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }
}
