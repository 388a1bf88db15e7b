import Credentials
import Files
import Foundation
import Settings
import Testing

@Suite struct SettingsTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func withoutAConfigurationTheDefaultsHold() {
        let settings = settings()
        #expect(settings.policy == .auto)
        #expect(settings.collection == "default")
        #expect(settings.prompt == .auto)
        #expect(settings.promptTimeout == 60)
        #expect(settings.keyFile == nil)
        #expect(settings.unlockSeconds == 0 && settings.unlockScope == .user)
        #expect(settings.problems == [] && settings.refusal == nil)
    }

    @Test func theFileSaysEverySetting() throws {
        try directory.write(
            """
            {"store": "secret-service", "collection": "login", "prompt": "never",
             "promptTimeout": 5, "keyFile": "/etc/key", "unlockFor": "8h", "unlockScope": "session"}

            """, to: "config.json")
        let settings = settings()
        #expect(settings.policy == .keyring)
        #expect(settings.collection == "login")
        #expect(settings.prompt == .never)
        #expect(settings.promptTimeout == 5)
        #expect(settings.keyFile == "/etc/key")
        #expect(settings.unlockSeconds == 8 * 3600 && settings.unlockScope == .session)
        #expect(settings.problems == [])
    }

    @Test func theEnvironmentBeatsTheFile() throws {
        try directory.write(
            """
            {"store":"file","collection":"a","prompt":"never","promptTimeout":1,"keyFile":"/a",
             "unlockFor":"7d","unlockScope":"session"}
            """,
            to: "config.json")
        let settings = settings([
            .store: "auto", .collection: "/org/freedesktop/secrets/collection/b",
            .prompt: "auto", .promptTimeout: "2", .keyFile: "/b", .unlockFor: "0",
            .unlockScope: "user",
        ])
        #expect(settings.policy == .auto)
        #expect(settings.collection == "/org/freedesktop/secrets/collection/b")
        #expect(settings.prompt == .auto)
        #expect(settings.promptTimeout == 2)
        #expect(settings.keyFile == "/b")
        #expect(settings.unlockSeconds == 0 && settings.unlockScope == .user)
        #expect(settings.problems == [])
    }

    @Test func anEmptyVariableIsNotSet() {
        #expect(settings([.store: "", .keyFile: ""]).problems == [])
    }

    @Test(arguments: [
        (#"{"colour":"blue"}"#, #"unknown key "colour" in "#),
        (#"{"Store":"file"}"#, #"unknown key "Store" in "#),
        (#"{"a\nb":1}"#, #"unknown key "a\u000ab" in "#),
        (#"{"store":"hunter2"}"#, #""store" in "#),
        (#"{"store":""}"#, #""store" in "#),
        (#"{"store":["file"]}"#, #""store" in "#),
        (#"{"store":null}"#, #""store" in "#),
        (#"{"collection":""}"#, #""collection" in "#),
        (#"{"collection":"hunter2\u0007"}"#, #""collection" in "#),
        (#"{"prompt":true}"#, #""prompt" in "#),
        (#"{"promptTimeout":0}"#, #""promptTimeout" in "#),
        (#"{"promptTimeout":3601}"#, #""promptTimeout" in "#),
        (#"{"promptTimeout":1.5}"#, #""promptTimeout" in "#),
        (#"{"promptTimeout":"-1"}"#, #""promptTimeout" in "#),
        (#"{"keyFile":"hunter2"}"#, #""keyFile" in "#),
        (#"{"keyFile":"~/key"}"#, #""keyFile" in "#),
        (#"{"keyFile":"/a\u0000b"}"#, #""keyFile" in "#),
        (#"{"unlockFor":"8"}"#, #""unlockFor" in "#),
        (#"{"unlockFor":8}"#, #""unlockFor" in "#),
        (#"{"unlockFor":"8d"}"#, #""unlockFor" in "#),
        (#"{"unlockScope":"hunter2"}"#, #""unlockScope" in "#),
        ("", "config.json: not JSON: it is empty"),
        ("{", "config.json: not JSON: it ends too soon, at byte 1"),
        (#"{"store":hunter2}"#, "config.json: not JSON: it has a syntax error, at byte 9"),
        (#"{"store":"file"} hunter2"#, "config.json: not JSON: it has a syntax error, at byte 17"),
        ("[]", "config.json: not a JSON object"),
    ])
    func whatIsNotUnderstoodIsNamedAndNotQuoted(content: String, problem: String) throws {
        try directory.write(content, to: "config.json")
        let settings = settings()
        #expect(settings.problems.count == 1)
        #expect(settings.problems.first?.contains(problem) == true)
        #expect(settings.problems.first?.contains("hunter2") == false)
        #expect(settings.refusal?.outcome == .failed)
        #expect(settings.refusal?.message.contains(problem) == true)
        #expect(settings.policy == .auto && settings.keyFile == nil)
        #expect(settings.collection == "default" && settings.promptTimeout == 60)
    }

    @Test(arguments: [
        (Environment.Name.store, "keyring"), (.store, "FILE"), (.prompt, "always"),
        (.promptTimeout, "1m"), (.promptTimeout, "99999999999999999999"), (.keyFile, "key"),
        (.keyFile, "/\u{FFFD}"), (.collection, "\u{FFFD}"),
        (.unlockFor, "169h"), (.unlockFor, "8H"), (.unlockScope, "root"),
    ])
    func aVariableThatIsNotUnderstoodIsNamed(name: Environment.Name, value: String) {
        let settings = settings([name: value])
        #expect(settings.problems.first?.hasPrefix("\(name.rawValue) must be ") == true)
        #expect(settings.problems.first?.contains(value) == false)
        #expect(settings.refusal != nil)
    }

    @Test func whatIsUnderstoodHoldsBesideAProblem() throws {
        try directory.write(#"{"colour":1,"store":"file"}"#, to: "config.json")
        let settings = settings()
        #expect(settings.policy == .file)
        #expect(settings.problems.count == 1)
    }

    @Test func aFileThatCannotBeReadIsAProblem() throws {
        try FileManager.default.createDirectory(
            atPath: directory.path + "/config.json", withIntermediateDirectories: false)
        #expect(settings().problems == ["\(directory.path)/config.json: not a file"])
    }

    @Test func aFileThatIsTooLongIsAProblem() throws {
        let content = String(repeating: " ", count: 1 << 16) + "{}"
        try directory.write(content, to: "config.json")
        #expect(settings().problems == ["\(directory.path)/config.json: longer than 65536 bytes"])
    }

    @Test func aFileThatIsNotUTF8IsAProblem() throws {
        try directory.write(Data([0x7B, 0x22, 0xFF, 0x22, 0x7D]), to: "config.json")
        #expect(settings().problems.first?.contains("it is not UTF-8") == true)
    }

    private func settings(_ variables: [Environment.Name: String] = [:]) -> Settings {
        Settings(configDirectory: directory.path, Environment(variables))
    }
}
