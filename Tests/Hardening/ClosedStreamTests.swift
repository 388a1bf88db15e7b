import Sandbox
import Testing

/// Every way in which the standard streams can be closed when the helper starts: no file of ours
/// gets the number of one, and so none is written over by an answer.
@Suite struct ClosedStreamTests {
    private let sandbox: Sandbox
    private let login = Login()

    init() throws { sandbox = try Sandbox() }

    @Test(arguments: Place.allCases)
    func aLoginIsKeptWhicheverStreamsAreClosed(place: Place) throws {
        let keyring = try place.prepare(sandbox)
        defer { withExtendedLifetime(keyring) {} }
        for streams in 0..<8 {
            // The first store of each makes the folders, the key and the file.
            let home = sandbox.file("home-\(streams)")
            sandbox.setEnvironment("XDG_DATA_HOME", to: home + "/data")
            sandbox.setEnvironment("XDG_STATE_HOME", to: home + "/state")
            let (hasInput, hasOutput) = (streams & 1 == 0, streams & 2 == 0)
            let status: Int32 = hasInput ? 0 : 1
            let refusal =
                hasInput || !hasOutput ? "" : "cannot read the input: bad file descriptor\n"

            let stored = try run("store", login.json, streams)
            #expect(stored.status == status && stored.output == refusal)
            if !hasInput { #expect(try run("store", login.json, 0).succeeded) }
            if place == .file {
                #expect(sandbox.read("home-\(streams)/state/keyfob/key")?.count == 32)
                // What the store says of the key would be in one of these.
                for lock in ["data/keyfob/credentials.lock", "state/keyfob/key.lock"] {
                    #expect(sandbox.read("home-\(streams)/\(lock)") == [], "\(streams)")
                }
            }

            let found = try run("get", login.server, streams)
            let answer = hasOutput ? (hasInput ? login.answer : refusal) : ""
            let isTheAnswer = found.output == answer
            #expect(isTheAnswer && found.status == (hasInput && hasOutput ? 0 : 1))
            let isKept = try run("get", login.server, 0).output == login.answer
            #expect(isKept, "with streams \(streams)")

            let erased = try run("erase", login.server, streams)
            #expect(erased.status == status && erased.output == refusal)
            #expect(try run("erase", login.server, 0).succeeded)
            #expect(try run("list", "", 0).output == "{}\n")
        }
    }

    /// Each bit of `closed` that is set closes the stream of that number.
    private func run(_ action: String, _ input: String, _ closed: Int) throws -> Outcome {
        let redirections = ["<&-", ">&-", "2>&-"].enumerated().filter {
            closed >> $0.offset & 1 == 1
        }
        return try sandbox.run(
            "/bin/sh", "-c",
            "docker-credential-keyfob \(action) "
                + redirections.map(\.element).joined(separator: " "),
            input: input)
    }
}
