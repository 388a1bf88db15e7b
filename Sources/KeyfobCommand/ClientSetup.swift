internal import Clients
internal import Credentials
internal import Files
internal import Glibc

/// A client setup is what a client must be told so that Keyfob keeps its logins: by `keyfob setup`,
/// and for `keyfob status` whether it has been.
struct ClientSetup {
    let client: Client
    /// nil: all of the client's registries.
    let registry: String?
    private let surroundings: Surroundings

    /// The clients that can be told.
    static let clients: [Client] = [.docker, .podman, .cargo, .git, .terraform]

    /// Throws `failed` where the client has no place for that.
    init(
        _ client: Client, registry: String? = nil, _ surroundings: Surroundings
    ) throws(StoreError) {
        self.client = client
        self.registry = registry
        self.surroundings = surroundings
        guard ClientSetup.clients.contains(client) else {
            throw StoreError(
                .failed, "\(client) knows no helpers",
                hint: "see: keyfob exec --help")
        }
        guard registry == nil || ![.podman, .terraform].contains(client) else {
            throw StoreError(
                .failed, "\(client) has no lasting place for the helper of one registry",
                hint: "for all registries: keyfob setup \(client)")
        }
    }

    /// The program that the client calls.
    var program: String {
        switch client {
        case .podman: "docker-credential-keyfob-podman"
        case .cargo: "cargo-credential-keyfob"
        case .git: "git-credential-keyfob"
        case .terraform: "terraform-credentials-keyfob"
        case .docker, .pulumi, .token: "docker-credential-keyfob"
        }
    }

    /// Where the program is; nil if it is not on the PATH.
    var installed: String? { surroundings.program(program) }

    /// The setting in a file; nil for git, which changes its files itself.
    func setting() throws(StoreError) -> (any HelperSetting)? {
        switch client {
        case .docker:
            return DockerSetting(surroundings.dockerConfig, registry: try dockerRegistry())
        case .podman:
            // The user's file stands in place of the system's, so one is not made for this.
            let own = surroundings.registriesConf
            return PodmanSetting(own.exists ? own : surroundings.registriesAddition)
        case .cargo:
            let configs = surroundings.cargoConfigs
            return CargoSetting(
                configs.first(where: \.exists) ?? configs[1], registry: registry.flatMap(Text.init))
        case .terraform:
            return TerraformSetting(surroundings.terraformConfig)
        case .git, .pulumi, .token:
            return nil
        }
    }

    /// The settings in the order in which the client follows them.
    func settings() throws(StoreError) -> [any HelperSetting] {
        guard client == .podman else { return [try setting()].compactMap(\.self) }
        let own = surroundings.registriesConf
        return [
            PodmanSetting(surroundings.registriesAddition),
            PodmanSetting(own.exists ? own : ClientFile("/etc/containers/registries.conf")),
        ]
    }

    /// Who keeps the client's logins, as its configuration says; nil if it says nothing.
    func keeper() throws(StoreError) -> (name: String?, isOurs: Bool) {
        if client == .git {
            guard surroundings.program("git") != nil else { return (nil, false) }
            let helpers = try gitHelpers()
            return (
                helpers.isEmpty ? nil : helpers.joined(separator: ", "),
                helpers.contains { $0 == "keyfob" || $0.hasSuffix("/git-credential-keyfob") }
            )
        }
        for setting in try settings() {
            guard let value = try setting.value(in: try setting.file.read()) else { continue }
            return (value, setting.isOurs(value))
        }
        return (nil, false)
    }

    private func dockerRegistry() throws(StoreError) -> Text? {
        guard let registry else { return nil }
        guard let key = ClientSetup.dockerKey(registry) else {
            throw StoreError(
                .failed, "\"\(registry)\" is not a registry as docker looks it up",
                hint: "name it by its host: registry.example.com, registry.example.com:5000")
        }
        return key
    }

    /// A registry as docker looks it up; nil if it cannot be one.
    static func dockerKey(_ registry: String) -> Text? {
        guard let text = try? Session.key(registry) else { return nil }
        let key = ServerKey(text)
        return key.isHub ? ServerKey.hub.spelling : key.podmanHost
    }

    // MARK: git

    /// The name of git's setting.
    var gitKey: String {
        registry.map { "credential.https://\($0).helper" } ?? "credential.helper"
    }

    /// The files that git may change.
    var gitFiles: [ClientFile] { surroundings.gitConfigs }

    /// The helpers that git is told of, in the order in which it asks them.
    func gitHelpers() throws(StoreError) -> [String] {
        let (status, output) = try git(["--get-all", gitKey])
        guard status == 0 else { return [] }
        return output.split(separator: "\n").map(String.init)
    }

    /// Tells git of Keyfob.
    func addToGit() throws(StoreError) {
        guard try git(["--add", gitKey, "keyfob"]).status == 0 else {
            throw StoreError(
                .failed, "git does not change its configuration",
                hint: "try: git config --global --add \(gitKey) keyfob")
        }
    }

    private func git(
        _ arguments: [String]
    ) throws(StoreError) -> (status: Int32?, output: String) {
        do throws(Child.Failure) {
            let (status, output) = try Child.run(
                ["git", "config", "--global"] + arguments, atMost: 1 << 16, within: 10)
            let text = output.expose { bytes in
                String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
            }
            return (status, text)
        } catch {
            switch error {
            case .notStarted(let error):
                throw StoreError(
                    .failed, "git cannot be run: \(error.reason)", hint: "install git")
            case .timedOut:
                throw StoreError(.timedOut, "git config did not end within 10 seconds")
            }
        }
    }

    // MARK: terraform

    /// Where terraform looks for the program, which is not on the PATH.
    var terraformPlugin: String { surroundings.terraformFolder + "/plugins/" + program }
}
