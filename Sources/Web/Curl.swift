internal import CCurl
internal import Credentials

/// The HTTP client of this system, libcurl, with the system's certificates and proxy variables. No
/// proxy is asked for an address on this machine.
package struct Curl: Sendable {
    private let userAgent: String
    private let certificates: String?
    private let trust: Trust
    private let seconds: UInt32

    /// The longest reply, and the most of the headers that are kept, both in bytes.
    private static let bodyLimit = 1 << 20
    private static let headersLimit = 16 << 10

    /// `certificates` names a file of certificates that replaces the system's file. A request takes
    /// no longer than `seconds`.
    package init(
        userAgent: String, certificates: String? = nil, trust: Trust = Trust(), seconds: UInt32
    ) {
        self.userAgent = userAgent
        self.certificates = certificates
        self.trust = trust
        self.seconds = seconds
    }

    /// Nothing has been sent to a host that is not trusted, so the request is sent again with each
    /// of the other certificates.
    package func ask(_ request: HTTPRequest) throws(HTTPFailure) -> HTTPAnswer {
        var failure: HTTPFailure?
        for authority in [certificates] + trust.authorities.map({ Optional($0) }) {
            do throws(HTTPFailure) {
                return try ask(request, trusting: authority)
            } catch {
                guard case .untrusted = error else { throw error }
                failure = failure ?? error
            }
        }
        throw failure ?? .unavailable("")
    }

    private func ask(
        _ request: HTTPRequest, trusting authority: String?
    ) throws(HTTPFailure) -> HTTPAnswer {
        let arguments = Arguments(of: request, by: userAgent, trusting: authority, trust)
        var result = CurlResult.unavailable
        var status = 0
        var headers = [UInt8](repeating: 0, count: Curl.headersLimit)
        var reason = [CChar](repeating: 0, count: Int(curl_error_size))
        let body = Secret(capacity: Curl.bodyLimit) { output in
            unsafe output.withUnsafeMutableBufferPointer { memory, filled in
                unsafe headers.withUnsafeMutableBufferPointer { headers in
                    unsafe reason.withUnsafeMutableBufferPointer { reason in
                        unsafe arguments.withCurlRequest(seconds) { request in
                            var answer = unsafe CurlAnswer(
                                body: memory.baseAddress!, body_capacity: memory.count,
                                body_length: 0, headers: headers.baseAddress!,
                                headers_capacity: headers.count, headers_length: 0, status: 0,
                                error: reason.baseAddress!)
                            result = unsafe curl_ask(request, &answer)
                            status = unsafe answer.status
                            unsafe headers[answer.headers_length...].update(repeating: 0x0A)
                            unsafe filled = answer.body_length
                        }
                    }
                }
            }
        }
        let words = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        switch result {
        case .answered:
            return HTTPAnswer(status: status, headers: headers, body: body)
        case .unavailable: throw .unavailable(words)
        case .unreachable: throw .unreachable(words)
        case .notTLS: throw .notTLS(words)
        case .untrusted: throw .untrusted(words)
        case .tooLong: throw .tooLong
        }
    }
}

/// The arguments of libcurl: strings that each end in NUL, in one piece of memory that is wiped.
private struct Arguments {
    private let memory: Secret
    private let starts: [Int?]
    private let formLength: Int
    private let isDirect: Bool
    private let isUnverified: Bool

    init(
        of request: HTTPRequest, by userAgent: String, trusting certificates: String?,
        _ trust: Trust
    ) {
        var username: Secret?
        var password: Secret?
        var bearer: Secret?
        var header: Secret?
        var second: Secret?
        switch request.identity {
        case .nobody: break
        case .basic(let name, let secret):
            (username, password) = (name.secret, secret)
        case .bearer(let token): bearer = token
        case .header(let value):
            header = Secret(joining: [Secret("Authorization: "), value])
        case .engine(let token, let namespace):
            header = Secret(joining: [Secret("X-Vault-Token: "), token])
            second = namespace.map { Secret("X-Vault-Namespace: \($0.string)") }
        }
        let own = trust.isOwn(request.address) ? trust.identity : nil
        let parts = [
            Secret(request.address.description), Secret(userAgent), certificates.map(Secret.init),
            username, password, bearer, request.form, header, own.map { Secret($0.certificate) },
            own.map { Secret($0.key) }, second,
        ]
        var starts: [Int?] = []
        var end = 0
        for part in parts {
            starts.append(part == nil ? nil : end)
            end += part.map { $0.count + 1 } ?? 0
        }
        memory = Secret(capacity: end) { output in
            for case let part? in parts {
                output.append(part)
                output.append(0)
            }
        }
        self.starts = starts
        formLength = request.form?.count ?? 0
        isDirect = request.address.isLoopback
        isUnverified = trust.isUnverified && trust.isOwn(request.address)
    }

    func withCurlRequest<Result>(
        _ seconds: UInt32, _ body: (UnsafePointer<CurlRequest>) -> Result
    ) -> Result {
        memory.expose { bytes in
            unsafe bytes.withUnsafeBytes { bytes in
                func string(_ index: Int) -> UnsafePointer<CChar>? {
                    guard let start = starts[index] else { return nil }
                    return unsafe bytes.baseAddress!.advanced(by: start)
                        .assumingMemoryBound(to: CChar.self)
                }
                let form = unsafe starts[6].map { start in
                    unsafe bytes.baseAddress!.advanced(by: start)
                        .assumingMemoryBound(to: UInt8.self)
                }
                var request = unsafe CurlRequest(
                    url: string(0)!, username: string(3), password: string(4), bearer: string(5),
                    header: string(7), second_header: string(10), form: form,
                    form_length: formLength,
                    user_agent: string(1)!, certificates: string(2),
                    client_certificate: string(8), client_key: string(9),
                    is_unverified: isUnverified, is_direct: isDirect, seconds: seconds)
                return unsafe body(&request)
            }
        }
    }
}

extension Secret {
    fileprivate init(_ string: String) { self.init(copying: Array(string.utf8).span) }
}
