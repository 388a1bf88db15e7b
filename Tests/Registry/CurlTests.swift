import Credentials
import Foundation
import Registry
import Testing
import Web

/// libcurl as it is called here, and servers of every kind.
@Suite struct CurlTests {
    @Test func anAnswerIsWhatTheServerSaid() throws {
        let server = try CannedServer(
            "HTTP/1.1 401 No\r\nContent-Length: 3\r\nWWW-Authenticate: Basic realm=\"a\"\r\n"
                + "Location: /x\r\nWWW-AUTHENTICATE: Bearer realm=\"b\"\r\nX: y\r\n\r\nabc")
        let answer = try ask(server)
        #expect(answer.status == 401)
        #expect(answer.challenges.map(\.parameters) == [["realm": "a"], ["realm": "b"]])
        #expect(answer.location == "/x")
        #expect(answer.body.text == "abc")
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("GET /v2/?a=b HTTP/1.1\r\n"))
        #expect(request.contains("\r\nUser-Agent: keyfob-tests\r\n"))
        #expect(!request.lowercased().contains("authorization:"))
    }

    @Test func aPasswordIsShownAsItIs() throws {
        let server = try CannedServer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let password = #"p<&>"'\ é😀 :="#
        let answer = try ask(
            server, as: .basic(username: "al:ice", password: Secret(text: password)))
        #expect(answer.status == 200)
        #expect(answer.body.isEmpty)
        let shown = Data("al:ice:\(password)".utf8).base64EncodedString()
        let request = try #require(server.requests.first)
        #expect(request.contains("\r\nAuthorization: Basic \(shown)\r\n"))
    }

    @Test func aTokenIsShownAsItIs() throws {
        let server = try CannedServer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        _ = try ask(server, as: .bearer(Secret(text: "a.b-c_d~e+f/g==")))
        let request = try #require(server.requests.first)
        #expect(request.contains("\r\nAuthorization: Bearer a.b-c_d~e+f/g==\r\n"))
    }

    @Test func aFormIsPosted() throws {
        let server = try CannedServer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        _ = try ask(server, posting: "a=b&c=%20")
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("POST /v2/?a=b HTTP/1.1\r\n"))
        #expect(request.contains("\r\nContent-Type: application/x-www-form-urlencoded\r\n"))
        #expect(request.hasSuffix("\r\n\r\na=b&c=%20"))
    }

    @Test(arguments: [301, 302, 303, 307, 308]) func aRedirectionIsNotFollowed(
        status: Int
    ) throws {
        let elsewhere = try CannedServer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let location = "http://127.0.0.1:\(elsewhere.port)/"
        let server = try CannedServer(
            "HTTP/1.1 \(status) There\r\nContent-Length: 0\r\nLocation: \(location)\r\n\r\n")
        let answer = try ask(server, as: .basic(username: "u", password: Secret(text: "p")))
        #expect(answer.status == status)
        #expect(answer.location == location)
        #expect(elsewhere.requests.isEmpty)
    }

    @Test func theHeadersOfAnInterimAnswerAreNotTheAnswers() throws {
        let server = try CannedServer(
            "HTTP/1.1 103 Soon\r\nLocation: /a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let answer = try ask(server)
        #expect(answer.status == 200)
        #expect(answer.location == nil)
    }

    @Test func theLongestAnswerIsTakenWholeAndNoLongerOne() throws {
        let most = 1 << 20
        let longest = try CannedServer(
            "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "a", count: most))
        #expect(try ask(longest).body.count == most)
        let longer = try CannedServer(
            "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "a", count: most + 1))
        #expect(throws: HTTPFailure.tooLong) { try ask(longer) }
    }

    @Test func headersThatAreTooManyAreNoAnswer() throws {
        let line = "WWW-Authenticate: \(String(repeating: "a", count: 990))\r\n"
        let server = try CannedServer(
            "HTTP/1.1 200 OK\r\n\(String(repeating: line, count: 17))\r\n")
        #expect(throws: HTTPFailure.tooLong) { try ask(server) }
    }

    @Test(arguments: ["", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
    func whatIsNoWholeAnswerIsNone(answer: String) throws {
        let server = try CannedServer(answer)
        #expect {
            try ask(server)
        } throws: { error in
            guard case .unreachable(let reason) = error as? HTTPFailure else { return false }
            return !reason.isEmpty
        }
    }

    @Test func whoDoesNotAnswerIsNotWaitedForForEver() throws {
        let server = try CannedServer(nil)
        for scheme in ["http", "https"] {
            #expect {
                try ask(server, by: scheme, within: 1)
            } throws: { error in
                guard case .unreachable(let reason) = error as? HTTPFailure else { return false }
                return reason.contains("time")
            }
        }
    }

    @Test func whoDoesNotSpeakTLSIsFoundOut() throws {
        let server = try CannedServer("HTTP/1.1 400 What\r\nContent-Length: 0\r\n\r\n")
        #expect {
            try ask(server, by: "https")
        } throws: { error in
            guard case .notTLS = error as? HTTPFailure else { return false }
            return true
        }
    }

    private func ask(
        _ server: CannedServer, by scheme: String = "http",
        as identity: HTTPRequest.Identity = .nobody, posting form: String? = nil,
        within seconds: UInt32 = 20
    ) throws -> HTTPAnswer {
        let text = Text("\(scheme)://127.0.0.1:\(server.port)/v2/?a=b") ?? ""
        let address = try #require(WebAddress(text))
        let curl = Curl(userAgent: "keyfob-tests", seconds: seconds)
        return try curl.ask(
            HTTPRequest(address, as: identity, posting: form.map { Secret(text: $0) }))
    }
}
