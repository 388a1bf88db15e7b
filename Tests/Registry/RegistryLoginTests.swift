import Credentials
import Registry
import Testing
import Web

/// What is asked of whom, and what comes of each answer.
@Suite struct RegistryLoginTests {
    private typealias Asked = Script.Asked

    private static let root = "https://r.example/v2/"
    private static let basic = #"WWW-Authenticate: Basic realm="r""#
    private static let bearer =
        #"WWW-Authenticate: Bearer realm="https://auth.example/token",service="r & co",scope="x""#
    private static let tokenAddress =
        "https://auth.example/token?service=r%20%26%20co&offline_token=true&client_id=docker"
        + "&account=al%2Fice"

    // MARK: Basic

    @Test func aPasswordIsShownToTheRegistryThatAsksForIt() throws {
        let script = Script { asked in
            asked.identity.isEmpty ? .status(401, Self.basic) : .status(200)
        }
        #expect(try verdict(script) == "accepted")
        #expect(script.requests == [Asked(Self.root), Asked(Self.root, as: "al/ice:secret")])
    }

    @Test(arguments: [401, 403]) func aRefusedPasswordIsRefused(status: Int) {
        let script = Script { asked in
            asked.identity.isEmpty ? .status(401, Self.basic) : .status(status, Self.basic)
        }
        #expect(throws: RegistryError.refused) { try verdict(script) }
    }

    @Test func aRegistryThatLetsEverybodyInIsShownNoPassword() throws {
        let script = Script { _ in .status(200) }
        #expect(try verdict(script) == "asks nobody")
        #expect(script.requests == [Asked(Self.root)])
    }

    @Test(arguments: [204, 404, 403, 500, 503]) func anotherAnswerIsNoRegistrys(status: Int) {
        let script = Script { _ in .status(status) }
        #expect(throws: RegistryError.unexpected(address: Self.root, "status \(status)")) {
            try verdict(script)
        }
    }

    @Test func nothingIsSentWhereARedirectionLeads() {
        let script = Script { asked in
            asked.identity.isEmpty
                ? .status(401, Self.basic) : .status(307, "Location: https://evil.example/v2/")
        }
        #expect(
            throws: RegistryError.redirected(
                origin: "https://r.example", to: "https://evil.example/v2/")
        ) { try verdict(script) }
        #expect(script.requests.count == 2)
    }

    @Test(arguments: ["", "WWW-Authenticate: Digest realm=x", "WWW-Authenticate: Bas ic"])
    func whatAsksInNoKnownWayIsShownNothing(header: String) {
        let script = Script { _ in .status(401, header) }
        #expect(throws: RegistryError.unknownChallenge(origin: "https://r.example")) {
            try verdict(script)
        }
        #expect(script.requests == [Asked(Self.root)])
    }

    // MARK: Bearer

    @Test(arguments: [
        #"{"token":"t1"}"#, #"{"access_token":"t1"}"#, #"{"token":"t2","access_token":"t1"}"#,
        #"{"token":"t1","access_token":"","refresh_token":""}"#,
        #"{"token":"t1","expires_in":300,"refresh_token":null}"#,
    ]) func aTokenIsFetchedWithThePasswordAndShownToTheRegistry(body: String) throws {
        let script = bearerScript(body)
        #expect(try verdict(script) == "accepted")
        #expect(
            script.requests == [
                Asked(Self.root), Asked(Self.tokenAddress, as: "al/ice:secret"),
                Asked(Self.root, as: "bearer t1"),
            ])
    }

    @Test func aBearerTokenComesBeforeAPassword() throws {
        let script = bearerScript(#"{"token":"t1"}"#, Self.basic, Self.bearer)
        #expect(try verdict(script) == "accepted")
        #expect(script.requests.last == Asked(Self.root, as: "bearer t1"))
    }

    @Test func anIdentityTokenIsToBeKept() throws {
        let script = bearerScript(#"{"access_token":"t1","refresh_token":"keep me"}"#)
        #expect(try verdict(script) == "accepted with keep me")
    }

    @Test func anIdentityTokenIsPostedAndNeverInAnAddress() throws {
        let script = bearerScript(#"{"access_token":"t1","refresh_token":"ne w"}"#)
        #expect(try verdict(script, user: "<token>", "id&=\u{e9}") == "accepted with ne w")
        let form =
            "grant_type=refresh_token&client_id=docker&scope=&service=r%20%26%20co"
            + "&refresh_token=id%26%3D%C3%A9"
        #expect(
            script.requests == [
                Asked(Self.root), Asked("https://auth.example/token", posting: form),
                Asked(Self.root, as: "bearer t1"),
            ])
    }

    @Test func anIdentityTokenIsNoPassword() {
        let script = Script { _ in .status(401, Self.basic) }
        #expect(throws: RegistryError.unknownChallenge(origin: "https://r.example")) {
            try verdict(script, user: "<token>", "id")
        }
        #expect(script.requests.count == 1)
    }

    @Test(arguments: [("al/ice", 401), ("al/ice", 403), ("<token>", 400), ("<token>", 401)])
    func whomTheTokenServerRefusesIsRefused(user: String, status: Int) {
        let script = Script { asked in
            asked.address == Self.root ? .status(401, Self.bearer) : .status(status)
        }
        #expect(throws: RegistryError.refused) { try verdict(script, user: user) }
        #expect(script.requests.count == 2)
    }

    @Test func whomTheRegistryRefusesWithTheirTokenIsRefused() {
        let script = Script { asked in
            asked.address == Self.root
                ? .status(401, Self.bearer) : .status(200, body: #"{"token":"t1"}"#)
        }
        #expect(throws: RegistryError.refused) { try verdict(script) }
    }

    @Test(arguments: [
        "", "{}", "[]", "nothing", #"{"token":""}"#, #"{"token":1}"#, #"{"token":"a b"}"#,
        #"{"token":"a\r\nHost: evil.example"}"#, #"{"token":"é"}"#, #"{"token":"a"} x"#,
    ]) func whatIsNoTokenIsNotShown(body: String) {
        let script = bearerScript(body)
        #expect(throws: RegistryError.self) { try verdict(script) }
        #expect(script.requests.count == 2)
    }

    @Test(arguments: [
        "http://auth.example/token", "http://r.example/token", "http://127.0.0.1:5000/token",
        "//auth.example/token", "/token", "", "ftp://auth.example/", "https://a@auth.example/",
        "https://auth.example/#x", "https://auth.example\\\\@evil.example/",
    ]) func aPasswordIsNotSentWhereItIsNotSafe(realm: String) {
        let script = Script { _ in
            .status(401, #"WWW-Authenticate: Bearer realm="\#(realm)""#, Self.basic)
        }
        #expect {
            try verdict(script)
        } throws: { error in
            guard case .exposing = error as? RegistryError else { return false }
            return true
        }
        #expect(script.requests == [Asked(Self.root)])
    }

    // MARK: This machine

    @Test func httpIsForThisMachineWhereNoTLSIsSpoken() throws {
        let script = Script { asked throws(HTTPFailure) in
            guard asked.address.hasPrefix("http:") else { throw .notTLS("") }
            return asked.identity.isEmpty ? .status(401, Self.basic) : .status(200)
        }
        #expect(try verdict(script, at: "127.0.0.1:5000") == "accepted")
        #expect(
            script.requests == [
                Asked("https://127.0.0.1:5000/v2/"), Asked("http://127.0.0.1:5000/v2/"),
                Asked("http://127.0.0.1:5000/v2/", as: "al/ice:secret"),
            ])
    }

    @Test(arguments: [
        HTTPFailure.untrusted(""), .unreachable(""), .unavailable(""), .tooLong,
    ]) func nothingElseLeadsToHTTP(failure: HTTPFailure) {
        let script = Script { _ throws(HTTPFailure) in throw failure }
        #expect(throws: RegistryError.self) { try verdict(script, at: "localhost:5000") }
        #expect(script.requests == [Asked("https://localhost:5000/v2/")])
    }

    @Test func anotherMachineIsNeverAskedByHTTP() {
        let script = Script { _ throws(HTTPFailure) in throw .notTLS("why") }
        #expect(throws: RegistryError.notTLS(origin: "https://r.example", "why")) {
            try verdict(script)
        }
        #expect(script.requests == [Asked(Self.root)])
    }

    @Test func aTokenServerOnThisMachineMaySpeakHTTPToARegistryOnIt() throws {
        let header = #"WWW-Authenticate: Bearer realm="http://localhost:5001/token""#
        let script = Script { asked in
            if asked.address.contains("/token") { return .status(200, body: #"{"token":"t1"}"#) }
            return asked.identity.isEmpty ? .status(401, header) : .status(200)
        }
        #expect(try verdict(script, at: "[::1]:5000") == "accepted")
    }

    // MARK: -

    private func bearerScript(_ body: String, _ headers: String...) -> Script {
        let headers = headers.isEmpty ? [Self.bearer] : headers
        return Script { asked in
            guard asked.address == Self.root else { return .status(200, body: body) }
            guard asked.identity.isEmpty else { return .status(200) }
            return .status(401, headers.joined(separator: "\n"))
        }
    }

    private func verdict(
        _ script: Script, at server: String = "r.example", user: String = "al/ice",
        _ password: String = "secret"
    ) throws -> String {
        let registry = try #require(RegistryName(Text(server) ?? ""))
        let login = RegistryLogin(to: registry, over: script)
        let greeting = try login.greet()
        switch try login.verify(Text(user) ?? "", Secret(text: password), after: greeting) {
        case .accepted: return "accepted"
        case .acceptedWithToken(let token): return "accepted with \(token.text)"
        case .asksNobody: return "asks nobody"
        }
    }
}
