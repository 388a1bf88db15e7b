import Foundation
import Sandbox
import Testing

/// The real podman, skopeo and buildah, told of the helper in the two ways that they know.
@Suite struct PodmanTests {
    enum Configuration: CaseIterable, CustomTestStringConvertible {
        /// `credential-helpers` in registries.conf, for every registry.
        case registries
        /// `credHelpers` in auth.json, for one registry.
        case authFile

        var testDescription: String {
            switch self {
            case .registries: "through registries.conf"
            case .authFile: "through auth.json"
            }
        }
    }

    @Test(arguments: Machine.Kind.allCases, Configuration.allCases)
    func podmanLogsInAndOut(
        _ kind: Machine.Kind, _ configuration: Configuration
    ) throws {
        let machine = try Machine(kind)
        let registry = try Registry(in: machine.sandbox)
        try configure(machine, configuration, hosts: [registry.host])

        let login = try podman(
            machine, "login", "--tls-verify=false", "-u", Registry.user, "--password-stdin",
            registry.host, input: Registry.password)
        #expect(login.output == "Login Succeeded!\n", "\(login)")
        #expect(try machine.get(registry.host) == Login(Registry.user, Registry.password))
        #expect(try !authFile(machine).contains(#""auth":"#))
        let user = try podman(machine, "login", "--get-login", registry.host)
        #expect(user.output == "\(Registry.user)\n")

        let logout = try podman(machine, "logout", registry.host)
        #expect(logout.output == "Removed login credentials for \(registry.host)\n")
        try machine.expectNothing()
    }

    @Test(arguments: Machine.Kind.allCases, Configuration.allCases)
    func podmanLogsOutOfARegistryThatHoldsNoLogin(
        _ kind: Machine.Kind, _ configuration: Configuration
    ) throws {
        let machine = try Machine(kind)
        try configure(machine, configuration, hosts: ["registry.example.com"])

        let logout = try podman(machine, "logout", "registry.example.com")
        #expect(logout.succeeded)
        let user = try podman(machine, "login", "--get-login", "registry.example.com")
        #expect(!user.succeeded)
    }

    @Test(arguments: Machine.Kind.allCases, Configuration.allCases)
    func podmanLogsOutOfAllRegistries(
        _ kind: Machine.Kind, _ configuration: Configuration
    ) throws {
        let machine = try Machine(kind)
        try configure(machine, configuration, hosts: ["a.example.com", "docker.io"])
        try machine.store("a.example.com", "alice", "one", as: "docker-credential-keyfob-podman")
        try machine.store("https://index.docker.io/v1/", "bob", "two")

        let logout = try podman(machine, "logout", "--all")
        #expect(logout.succeeded)
        try machine.expectNothing()
    }

    @Test(arguments: Machine.Kind.allCases)
    func skopeoAndBuildahMoveImagesWithTheLoginThatPodmanStored(
        _ kind: Machine.Kind
    ) throws {
        let machine = try Machine(kind)
        let sandbox = machine.sandbox
        let registry = try Registry(in: sandbox)
        try configure(machine, .registries)
        let login = try podman(
            machine, "login", "--tls-verify=false", "-u", Registry.user, "--password-stdin",
            registry.host, input: Registry.password)
        #expect(login.succeeded)

        let image = "docker://\(registry.host)/greeting:1"
        let archive = try Image(in: sandbox).archive
        let push = try sandbox.run(
            "skopeo", "copy", "--dest-tls-verify=false", "docker-archive:\(archive)", image)
        #expect(push.succeeded)

        let pull = try sandbox.run(
            "skopeo", "copy", "--src-tls-verify=false", image, "dir:\(sandbox.file("copy"))")
        #expect(pull.succeeded)
        #expect(sandbox.text("copy/manifest.json")?.contains("layers") == true)

        let build = try sandbox.run("buildah", "pull", "--tls-verify=false", image)
        #expect(build.succeeded)

        #expect(try podman(machine, "logout", registry.host).succeeded)
        let refused = try sandbox.run(
            "skopeo", "copy", "--src-tls-verify=false", image, "dir:\(sandbox.file("again"))")
        #expect(!refused.succeeded)
    }

    @Test(arguments: Machine.Kind.allCases)
    func dockerAndPodmanShareALoginForDockerHubEachUnderItsOwnNameForIt(
        _ kind: Machine.Kind
    ) throws {
        let machine = try Machine(kind)
        try configure(machine, .registries)
        let podmans = "docker-credential-keyfob-podman"

        try machine.store("docker.io", "alice", "one", as: podmans)
        #expect(try machine.list() == ["https://index.docker.io/v1/": "alice"])
        #expect(try machine.get("https://index.docker.io/v1/") == Login("alice", "one"))

        try machine.store("https://index.docker.io/v1/", "bob", "two")
        try machine.store("https://registry.example.com/some/path", "carol", "three")
        try machine.store("https://registry.example.com:8443/v2/", "dave", "four")
        #expect(
            try machine.list(as: podmans)
                == ["docker.io": "bob", "registry.example.com:8443": "dave"])
        #expect(try podman(machine, "login", "--get-login", "docker.io").output == "bob\n")
    }

    /// podman's service asks for every login that `list` prints, and refuses the pull if one of
    /// them has a scheme.
    @Test(arguments: Machine.Kind.allCases)
    func podmanRemotePullsAlthoughDockerHasLoginsForURLs(
        _ kind: Machine.Kind
    ) throws {
        let machine = try Machine(kind)
        let sandbox = machine.sandbox
        let registry = try Registry(in: sandbox)
        try configure(machine, .registries)
        try machine.store(registry.host, Registry.user, Registry.password)
        try machine.store("https://index.docker.io/v1/", "bob", "hub")
        try machine.store("https://registry.example.com/some/path", "carol", "path")
        let image = "\(registry.host)/greeting:1"
        let push = try sandbox.run(
            "skopeo", "copy", "--dest-tls-verify=false",
            "docker-archive:\(Image(in: sandbox).archive)", "docker://\(image)")
        #expect(push.succeeded, "\(push)")

        let address = "unix://\(sandbox.file("run/podman.sock"))"
        let service = try sandbox.startDaemon([
            "podman", "--cgroup-manager=cgroupfs", "system", "service", "--time=0", address,
        ])
        try service.wait(for: "answer") {
            let version = try podman(machine, "--remote", "--url", address, "version")
            return version.succeeded ? () : nil
        }
        let pull = try podman(
            machine, "--remote", "--url", address, "pull", "--tls-verify=false", image)
        #expect(pull.succeeded, "\(pull)")
        #expect(try machine.list().count == 3)
    }

    private func podman(
        _ machine: Machine, _ arguments: String..., input: String = ""
    ) throws -> Outcome {
        try machine.sandbox.program(["podman"] + arguments, input: Array(input.utf8)).run()
    }

    private func configure(
        _ machine: Machine, _ configuration: Configuration, hosts: [String] = []
    ) throws {
        let sandbox = machine.sandbox
        switch configuration {
        case .registries:
            try sandbox.write(
                #"credential-helpers = ["keyfob-podman"]"# + "\n",
                to: "home/.config/containers/registries.conf")
        case .authFile:
            let helpers = hosts.map { #""\#($0)": "keyfob-podman""# }.joined(separator: ", ")
            try sandbox.write(#"{"credHelpers": {\#(helpers)}}"#, to: "auth.json")
            sandbox.setEnvironment("REGISTRY_AUTH_FILE", to: sandbox.file("auth.json"))
        }
        // Images in the sandbox, kept in the one way that works on every file system.
        let storage = try sandbox.write(
            """
            [storage]
            driver = "vfs"
            graphroot = "\(sandbox.file("images"))"
            runroot = "\(sandbox.file("run/images"))"
            """, to: "storage.conf")
        sandbox.setEnvironment("CONTAINERS_STORAGE_CONF", to: storage)
    }

    /// What podman has written by itself, of whatever it may keep passwords in.
    private func authFile(_ machine: Machine) throws -> String {
        ["auth.json", "run/containers/auth.json", "home/.config/containers/auth.json"]
            .compactMap { machine.sandbox.text($0) }.joined()
    }
}
