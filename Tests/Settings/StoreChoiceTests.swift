import Credentials
import Files
import Settings
import Stores
import Testing

@Suite struct StoreChoiceTests {
    @Test func thePolicyLeavesAStoreOut() throws {
        let auto = try choice([:])
        #expect(auto.keyringStore != nil && auto.file != nil)
        let keyring = try choice([.store: "secret-service"])
        #expect(keyring.keyringStore != nil && keyring.file == nil)
        let file = try choice([.store: "file"])
        #expect(file.keyringStore == nil && file.file != nil)
    }

    @Test func theStoresAreToldWhatIsConfigured() throws {
        let choice = try choice([
            .sessionBusAddress: "unix:path=/bus", .collection: "login", .promptTimeout: "7",
            .keyFile: "/key", .credentialsDirectory: "/run/credentials/x",
        ])
        #expect(choice.keyringStore?.options.busAddress == "unix:path=/bus")
        #expect(choice.keyringStore?.options.collection == "login")
        #expect(choice.keyringStore?.options.promptTimeout == 7)
        #expect(choice.keyringStore?.options.lockFolder.path == "/nonexistent/.local/state/keyfob")
        #expect(choice.file?.folder.path == "/nonexistent/.local/share/keyfob")
        #expect(choice.file?.keyFolder.path == "/nonexistent/.local/state/keyfob")
        #expect(choice.file?.keyFile == "/key")
        #expect(choice.file?.credentialsDirectory == "/run/credentials/x")
    }

    @Test func aCredentialsDirectoryThatIsRelativeIsNone() throws {
        let choice = try choice([.credentialsDirectory: "credentials"])
        #expect(choice.file != nil && choice.file?.credentialsDirectory == nil)
    }

    @Test(
        arguments: [
            ([:], false),
            ([.display: ""], false),
            ([.display: ":0"], true),
            ([.waylandDisplay: "wayland-0"], true),
            ([.display: ":0", .prompt: "never"], false),
            ([.display: ":0", .prompt: "auto"], true),
        ] as [([Environment.Name: String], Bool)])
    func aPromptNeedsADisplay(variables: [Environment.Name: String], mayPrompt: Bool) throws {
        #expect(try choice(variables).keyringStore?.options.mayPrompt == mayPrompt)
    }

    @Test func whoeverWatchesIsToldHowLongAPromptMayStand() async throws {
        try await confirmation { told in
            let choice = try StoreChoice(
                Environment([.home: "/nonexistent", .promptTimeout: "7"]), notice: { _ in },
                willPrompt: { seconds in
                    #expect(seconds == 7)
                    told()
                })
            choice.keyringStore?.options.willPrompt()
        }
    }

    private func choice(_ variables: [Environment.Name: String]) throws -> StoreChoice {
        try StoreChoice(
            Environment(variables.merging([.home: "/nonexistent"]) { own, _ in own }),
            notice: { _ in })
    }
}
