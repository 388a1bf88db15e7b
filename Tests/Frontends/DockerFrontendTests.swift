import Credentials
import Frontends
import Sandbox
import Testing

@Suite struct DockerFrontendTests {
    let shelf = Shelf()

    // MARK: What is asked

    @Test func whatIsStoredIsGot() {
        stores(#"{"ServerURL":"https://r.example","Username":"u","Secret":"p"}"# + "\n")
        gets("https://r.example", #"{"ServerURL":"https://r.example","Username":"u","Secret":"p"}"#)
    }

    @Test func theAnswerEchoesTheTrimmedRequest() {
        stores(#"{"ServerURL":"https://r.example/v2/","Username":"u","Secret":"p"}"#)
        gets(" R.example:443\r\n", #"{"ServerURL":"R.example:443","Username":"u","Secret":"p"}"#)
    }

    @Test func whatIsStoredIsAnItemLikeUpstreams() throws {
        stores(#"{"ServerURL":" https://r.example/v2/\n","Username":" u ","Secret":"p"}"#)
        let entry = try #require(shelf.entries().first)
        #expect(entry.label == "https://r.example/v2/")
        #expect(
            entry.attributes == [
                "label": "Docker Credentials", "docker_cli": "1",
                "server": "https://r.example/v2/", "username": " u ",
            ])
    }

    @Test func aSecretOfAnyCharactersComesBack() {
        let secret = #"\u0000\u0001\n\r\t\"\\é😀<token>&\u2028"#
        stores(#"{"ServerURL":"r","Username":"<token>","Secret":"\#(secret)"}"#)
        gets("r", #"{"ServerURL":"r","Username":"<token>","Secret":"\#(secret)"}"#)
    }

    @Test func aSecretMayFillTheInput() {
        let frame = #"{"ServerURL":"r","Username":"u","Secret":""}"#
        let secret = String(repeating: "s", count: DockerFrontend.inputLimit - frame.utf8.count)
        let input = frame.dropLast(2) + secret + "\"}"
        stores(String(input))
        gets("r", String(input))
    }

    @Test func aSecondUserTakesTheFirstOnesPlace() {
        stores(#"{"ServerURL":"https://r.example/","Username":"old","Secret":"1"}"#)
        stores(#"{"ServerURL":"r.example","Username":"new","Secret":"2"}"#)
        #expect(shelf.count == 1)
        gets(
            "https://r.example/",
            #"{"ServerURL":"https://r.example/","Username":"new","Secret":"2"}"#)
    }

    @Test(arguments: [
        #"{"serverurl":"r","USERNAME":"u","sEcReT":"p"}"#,
        #"{"ServerURL":"x","Username":"u","Secret":"p","ServerURL":"r"}"#,
        #"{"ServerURL":"x","Username":"u","Secret":"p","serverURL":"r"}"#,
        #"{"ServerURL":"r","Username":"u","Secret":"p","secret":null}"#,
        #"{"More":[{"Secret":"x"}],"ServerURL":"r","Username":"u","Secret":"p"}"#,
        "\n {\r\n\t\"ServerURL\" : \"r\",\n\"Username\":\"u\",\"Secret\":\"p\"}\n\nand more {",
    ])
    func storeIsAsLenientAsGo(input: String) {
        stores(input)
        gets("r", #"{"ServerURL":"r","Username":"u","Secret":"p"}"#)
    }

    @Test func whatIsErasedIsGone() {
        shelf.put("https://r.example/v1/", "a", "1")
        shelf.put("r.example", "b", "2")
        shelf.put("r.example:5000", "c", "3")
        erases("r.example:443\n")
        #expect(shelf.entries().map(\.label) == ["r.example:5000"])
    }

    @Test func eraseOfNothingIsASuccess() {
        erases("r.example")
    }

    @Test(arguments: ["docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"])
    func aLogoutOfHubIsWhole(key: String) {
        shelf.put("https://index.docker.io/v1/", "u", "1")
        shelf.put("https://index.docker.io/v1/access-token", "u", "2")
        shelf.put("https://index.docker.io/v1//refresh-token", "u", "3")
        shelf.put("https://index.docker.io/other", "u", "4")
        erases(key)
        #expect(shelf.entries().map(\.label) == ["https://index.docker.io/other"])
    }

    @Test func listNamesEachServerOnceInTheOrderOfItsBytes() {
        lists("{}")
        shelf.put("https://r.example/v2/", "old", "1", at: 1)
        shelf.put("r.example:443", "new", "2", at: 2)
        shelf.put("docker.io", "hub", "3")
        shelf.put("http://a.example", "plain", "4")
        shelf.put("é.example", "other", "5")
        lists(
            #"{"http://a.example":"plain","https://index.docker.io/v1/":"hub","#
                + #""r.example":"new","é.example":"other"}"#)
    }

    @Test func listNamesTheUserThatGetGives() {
        shelf.put("https://index.docker.io/v1/", "docker", "1", at: 1)
        shelf.put("docker.io", "podman", "2", at: 2)
        lists(#"{"https://index.docker.io/v1/":"docker"}"#)
        gets(
            "https://index.docker.io/v1/",
            #"{"ServerURL":"https://index.docker.io/v1/","Username":"docker","Secret":"1"}"#)
    }

    @Test func listForPodmanNamesHostsAlone() {
        shelf.put("https://index.docker.io/v1/", "u", "1")
        shelf.put("https://index.docker.io/v1/access-token", "u", "2")
        shelf.put("https://R.example:5000/v2/", "u", "3")
        shelf.put("http://plain.example", "u", "4")
        shelf.put("r.example/team", "u", "5")
        shelf.put("not a server", "u", "6")
        let script = serve(["list"], "unused", listing: .hosts)
        #expect(script.answer == Secret(text: #"{"docker.io":"u","r.example:5000":"u"}"#))
    }

    @Test func listReadsNoInputAndGivesItsWarningsToPeople() {
        shelf.warn("one\nwarning")
        let script = serve(["list"], "")
        #expect(script.answer == Secret(text: "{}"))
        #expect(script.errors == ["warning: one\\u000awarning"])
        #expect(script.reads == 0)
    }

    @Test func anItemWithoutAUserOrASecretIsNoLogin() {
        shelf.put("a.example", nil, "1")
        shelf.put("b.example", "u", "")
        lists(#"{"b.example":"u"}"#)
        isNotFound("a.example")
        isNotFound("b.example")
    }

    // MARK: What is refused

    @Test func notFoundIsOneExactLineAndSilence() {
        isNotFound("https://r.example\n")
        isNotFound("r.example/repository/name")
    }

    @Test func aLoginOfAnotherServerIsNeverGiven() {
        shelf.put("https://r.example", "u", "1")
        for key in [
            "http://r.example", "r.example:5000", "r.example/team", "x.r.example", "r.example.",
            "r.example/v1/x", "r.example@x", "u@r.example",
        ] {
            isNotFound(key)
        }
    }

    @Test(arguments: ["get", "erase"], ["", " \r\n\t"])
    func anEmptyKeyIsRefused(action: String, input: String) {
        refuses([action], input, "no credentials server URL")
    }

    @Test(arguments: ["get", "erase"])
    func aKeyThatNoServerHasIsRefused(action: String) {
        for byte: UInt8 in [0, 0x0A, 0x0D, 0x1B, 0x7F] {
            refuses([action], bytes: [0x61, byte, 0x62], "<bad-input.control|ServerURL>")
        }
        refuses([action], "a\u{85}b", "<bad-input.control|ServerURL>")
        refuses([action], bytes: [0x61, 0xFF], "<bad-input.utf-8|ServerURL>")
    }

    @Test(arguments: [
        ("", "<bad-input.json|input|<json.empty>>"),
        ("{}", "no credentials server URL"),
        ("null", "no credentials server URL"),
        ("[]", "<bad-input.object|input>"),
        ("7", "<bad-input.object|input>"),
        (#""text""#, "<bad-input.object|input>"),
        (#"{"ServerURL":"r"}"#, "no credentials username"),
        (#"{"ServerURL":"","Username":"u","Secret":"p"}"#, "no credentials server URL"),
        (#"{"ServerURL":" ","Username":"u","Secret":"p"}"#, "no credentials server URL"),
        (#"{"ServerURL":"r","Username":"","Secret":"p"}"#, "no credentials username"),
        (#"{"ServerURL":"r","Username":"u","Secret":""}"#, "no credentials secret"),
        (#"{"ServerURL":"r","Username":"u","Secret":null}"#, "no credentials secret"),
        (#"{"ServerURL":"r","Username":"u"}"#, "no credentials secret"),
        (#"{"ServerURL":7,"Username":"u","Secret":"p"}"#, "<bad-input.string|ServerURL>"),
        (#"{"ServerURL":"r","Username":["u"],"Secret":"p"}"#, "<bad-input.string|Username>"),
        (#"{"ServerURL":"r","Username":"u","Secret":{}}"#, "<bad-input.string|Secret>"),
        (#"{"ServerURL":"r","Username":"u","Secret":false}"#, "<bad-input.string|Secret>"),
        (
            #"{"ServerURL":"r\u0000x","Username":"u","Secret":"p"}"#,
            "<bad-input.control|ServerURL>"
        ),
        (
            #"{"ServerURL":"r\nx","Username":"u","Secret":"p"}"#,
            "<bad-input.control|ServerURL>"
        ),
        (
            #"{"ServerURL":"r","Username":"u\r","Secret":"p"}"#,
            "<bad-input.control|Username>"
        ),
        (
            #"{"ServerURL":"r","Username":"u\r\n","Secret":"p"}"#,
            "<bad-input.control|Username>"
        ),
        (
            #"{"ServerURL":"r","Username":"\u001b[1m","Secret":"p"}"#,
            "<bad-input.control|Username>"
        ),
        (
            #"{"ServerURL":"r","Username":"u","Secret":"\udc00"}"#,
            "<bad-input.json|input|<json.syntax|42>>"
        ),
        (
            #"{"ServerURL":"r","Username":"u","Secret":"p"#,
            "<bad-input.json|input|<json.truncated|43>>"
        ),
        ("\u{FEFF}{}", "<bad-input.json|input|<json.syntax|0>>"),
    ])
    func storeRefusesWhatItCannotKeep(input: String, line: String) {
        refuses(["store"], input, line)
    }

    @Test func anInputAboveTheLimitIsRefused() {
        let input = [UInt8](repeating: UInt8(ascii: "a"), count: DockerFrontend.inputLimit + 1)
        for action in ["store", "get", "erase"] {
            refuses([action], bytes: input, "<too-long|input|1048576>")
        }
    }

    @Test func aStoredSecretThatIsNotTextIsRefused() {
        shelf.put("r", "u", "p")
        let credential = Credential(
            shelf.entries()[0], secret: Secret(copying: ([0xFF, 0xFE] as [UInt8]).span))
        #expect(throws: Never.self) { try shelf.save(credential) }
        let script = serve(["get"], "r")
        #expect(
            script.output
                == Sentence.expanding("<not-encodable.docker|it is not UTF-8>"))
    }

    @Test func anErrorOfTheStoreIsOneLineWithAHint() {
        shelf.fail(with: StoreError(.keyringLocked, "the keyring is\nlocked", hint: "unlock it"))
        for (action, input) in [
            ("store", #"{"ServerURL":"r","Username":"u","Secret":"p"}"#), ("get", "r"),
            ("erase", "r"), ("list", ""),
        ] {
            let script = serve([action], input, status: .failure)
            #expect(script.output == "the keyring is\\u000alocked")
            #expect(script.errors == ["the keyring is\\u000alocked", "hint: unlock it"])
        }
    }

    @Test(
        arguments: [[], ["get", "get"], ["list", "unused", "x"], ["--help", "get"]] as [[String]])
    func anyOtherNumberOfArgumentsGetsTheUsageLine(arguments: [String]) {
        refuses(arguments, "r", "Usage: keyfob-test <store|get|erase|list|version>")
    }

    @Test(arguments: [("lock", "lock"), ("", ""), ("GET", "GET"), ("a\r\nb", "a\\u000d\\u000ab")])
    func anUnknownActionIsNamed(action: String, shown: String) {
        refuses([action], "r", "<usage.action|keyfob-test|\(shown)>")
    }

    @Test func versionAndHelpTouchNoStore() {
        for (argument, line) in [
            ("version", "keyfob-test (org.keyfob) v1.2.3"),
            ("--version", "keyfob-test (org.keyfob) v1.2.3"),
            ("-v", "keyfob-test (org.keyfob) v1.2.3"),
            ("--help", "Usage: keyfob-test <store|get|erase|list|version>"),
            ("-h", "Usage: keyfob-test <store|get|erase|list|version>"),
        ] {
            let script = Script("")
            let program = Program(name: "keyfob-test", version: "1.2.3") {
                () throws(StoreError) in
                Issue.record("the store was opened")
                throw StoreError(.systemError, "opened")
            }
            let frontend = DockerFrontend(program)
            #expect(frontend.serve([argument], over: script) == .success)
            #expect(script.answer == Secret(text: line))
            #expect(script.errors.isEmpty && script.reads == 0)
        }
    }

    // MARK: How it is asked

    private func serve(
        _ arguments: [String], bytes: [UInt8], listing: DockerFrontend.Listing = .spellings,
        status: Frontends.ExitStatus? = nil, at location: SourceLocation = #_sourceLocation
    ) -> Script {
        let script = Script(bytes)
        let program = Program(name: "keyfob-test", version: "1.2.3") {
            () throws(StoreError) in shelf
        }
        let frontend = DockerFrontend(program, listing: listing)
        let end = frontend.serve(arguments, over: script)
        #expect(script.answers == 1, "there is one answer", sourceLocation: location)
        #expect((end == .failure) == (script.output != nil), sourceLocation: location)
        if let status { #expect(end == status, sourceLocation: location) }
        return script
    }

    private func serve(
        _ arguments: [String], _ input: String, listing: DockerFrontend.Listing = .spellings,
        status: Frontends.ExitStatus? = nil, at location: SourceLocation = #_sourceLocation
    ) -> Script {
        serve(arguments, bytes: Array(input.utf8), listing: listing, status: status, at: location)
    }

    private func stores(_ input: String, at location: SourceLocation = #_sourceLocation) {
        let script = serve(["store"], input, status: .success, at: location)
        #expect(script.answer == nil && script.errors.isEmpty, sourceLocation: location)
    }

    private func erases(_ input: String, at location: SourceLocation = #_sourceLocation) {
        let script = serve(["erase"], input, status: .success, at: location)
        #expect(script.answer == nil && script.errors.isEmpty, sourceLocation: location)
    }

    private func gets(
        _ input: String, _ line: String, at location: SourceLocation = #_sourceLocation
    ) {
        let script = serve(["get"], input, status: .success, at: location)
        #expect(script.answer == Secret(text: line), sourceLocation: location)
        #expect(script.errors.isEmpty, sourceLocation: location)
    }

    private func lists(_ line: String, at location: SourceLocation = #_sourceLocation) {
        let script = serve(["list"], "unused", status: .success, at: location)
        #expect(script.answer == Secret(text: line), sourceLocation: location)
    }

    private func isNotFound(_ input: String, at location: SourceLocation = #_sourceLocation) {
        let script = serve(["get"], input, status: .failure, at: location)
        #expect(
            script.output == "credentials not found in native keychain", sourceLocation: location)
        #expect(script.errors.isEmpty, sourceLocation: location)
    }

    private func refuses(
        _ arguments: [String], bytes: [UInt8], _ line: String,
        at location: SourceLocation = #_sourceLocation
    ) {
        let line = Sentence.expanding(line)
        let script = serve(arguments, bytes: bytes, status: .failure, at: location)
        #expect(script.output == line, sourceLocation: location)
        #expect(script.errors == [line], sourceLocation: location)
        #expect(shelf.callCount == 0, "nothing was asked of the store", sourceLocation: location)
    }

    private func refuses(
        _ arguments: [String], _ input: String, _ line: String,
        at location: SourceLocation = #_sourceLocation
    ) {
        refuses(arguments, bytes: Array(input.utf8), line, at: location)
    }
}

extension Secret {
    fileprivate init(text: String) { self.init(copying: Array(text.utf8).span) }
}
