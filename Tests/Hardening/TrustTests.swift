import Foundation
import Sandbox
import Testing

/// What another user may write, owns, or leads to: nothing of it is run, followed into a change, or
/// taken for a login of one's own. The tests are root, a user, and another user.
@Suite(.enabled(if: geteuid() == 0, "only root can be several users"))
struct TrustTests {
    private let login = Login()
    /// The user of an unprivileged sandbox, and another.
    private static let user: uid_t = 65534
    private static let other: uid_t = 65533

    // MARK: The configuration

    /// Why a configuration does not count.
    enum Doubt: String, CaseIterable, Sendable {
        case fileOfAnother, fileForAll, fileForTheGroup, folderForAll, folderThatIsSticky
        case folderForTheGroup, folderOfAnother, linkToAnothers, linkIntoFolderForAll, linkOfAnother
    }

    @Test(arguments: Doubt.allCases, [false, true])
    func nothingOfAConfigurationThatOthersMayWriteIsRun(doubt: Doubt, unprivileged: Bool) throws {
        let sandbox = try Sandbox(unprivileged: unprivileged)
        let config = try writeConfiguration(in: sandbox, named: "home/.config/keyfob/config.json")
        let folder = sandbox.file("home/.config/keyfob")
        switch doubt {
        case .fileOfAnother: chown(config, TrustTests.other, 0)
        case .fileForAll: chmod(config, 0o602)
        case .fileForTheGroup: chmod(config, 0o620)
        case .folderForAll: chmod(folder, 0o777)
        case .folderThatIsSticky: chmod(folder, 0o1777)
        case .folderForTheGroup: chmod(folder, 0o770)
        case .folderOfAnother:
            chown(folder, TrustTests.other, 0)
            chmod(folder, 0o755)
        case .linkToAnothers, .linkIntoFolderForAll:
            try sandbox.makeFolder("elsewhere")
            chmod(sandbox.file("elsewhere"), doubt == .linkToAnothers ? 0o755 : 0o777)
            try move(config, to: sandbox.file("elsewhere/config.json"), leavingLink: true)
            if doubt == .linkToAnothers {
                chmod(sandbox.file("elsewhere/config.json"), 0o644)
                chown(sandbox.file("elsewhere/config.json"), TrustTests.other, 0)
            }
        case .linkOfAnother:
            try sandbox.makeFolder("home/dotfiles")
            try move(config, to: sandbox.file("home/dotfiles/config.json"), leavingLink: true)
            lchown(config, TrustTests.other, 0)
        }

        let stored = try sandbox.run("docker-credential-keyfob", "store", input: login.json)
        #expect(stored.status == 1)
        #expect(stored.output.contains("config.json"))
        let got = try sandbox.run("docker-credential-keyfob", "get", input: login.server)
        if doubt == .fileOfAnother, unprivileged {
            // It may have routes, since this user cannot read it.
            #expect(got.status == 1 && got.output.hasPrefix("the config file may have routes"))
        } else {
            #expect(got.output == "credentials not found in native keychain\n")
        }
        let listed = try sandbox.run("docker-credential-keyfob", "list")
        #expect(listed.output == "{}\n")
        let status = try sandbox.run("keyfob", "status")
        #expect(status.status == 1)
        #expect(status.output.contains("config.json"))
        #expect(try sandbox.run("keyfob", "list").status == 0)
        #expect(sandbox.read("tmp/ran") == nil)
        #expect(sandbox.read("home/.local/share/keyfob/credentials") == nil)
    }

    /// What many have, and goes on to count.
    enum Habit: String, CaseIterable, Sendable {
        case ordinary, dotfiles, linkedFolder, fileOfRoot, readByAll, homeOfRoot, namespace
    }

    @Test(arguments: Habit.allCases)
    func theUsersOwnConfigurationCounts(habit: Habit) throws {
        let sandbox = try Sandbox(unprivileged: true)
        let config = try writeConfiguration(in: sandbox, named: "home/.config/keyfob/config.json")
        switch habit {
        case .ordinary, .namespace: break
        case .dotfiles:
            try sandbox.makeFolder("home/dotfiles/keyfob")
            try move(config, to: sandbox.file("home/dotfiles/keyfob/c.json"), leavingLink: true)
        case .linkedFolder:
            try sandbox.makeFolder("home/dotfiles")
            try move(
                sandbox.file("home/.config/keyfob"), to: sandbox.file("home/dotfiles/keyfob"),
                leavingLink: true)
        case .fileOfRoot:
            chown(config, 0, 0)
            chmod(config, 0o644)
        case .readByAll: chmod(config, 0o644)
        case .homeOfRoot:
            // As in containers: what the user has to write to was made for them.
            for folder in ["share/keyfob", "state/keyfob"] {
                try sandbox.makeFolder("home/.local/\(folder)")
            }
            chown(sandbox.file("home"), 0, 0)
            chmod(sandbox.file("home"), 0o755)
        }
        let words = habit == .namespace ? ["unshare", "--user", "--map-root-user"] : []
        for (action, input) in [("store", login.json), ("get", login.server)] {
            let outcome = try sandbox.program(
                words + ["docker-credential-keyfob", action], input: Array(input.utf8)
            ).run()
            #expect(outcome.status == 0, "\(action)")
        }
        #expect(sandbox.read("tmp/ran") != nil)
    }

    // MARK: root with the home of another

    /// What a user puts into their home for root to fall for, and what root runs then.
    enum Trap: String, CaseIterable, Sendable {
        case docker, terraform, cargo, git, undo, logout, importing, store, link

        var command: [String] {
            switch self {
            case .docker, .terraform, .cargo, .git: ["keyfob", "setup", rawValue]
            case .undo: ["keyfob", "setup", "--undo", "docker"]
            case .logout:
                [
                    "keyfob", "logout", "--files", "--force", "--client", "docker",
                    "registry.example",
                ]
            case .importing: ["keyfob", "import", "--client", "docker"]
            case .store, .link: ["docker-credential-keyfob", "store"]
            }
        }
    }

    @Test(arguments: Trap.allCases)
    func rootChangesNothingThroughTheHomeOfAnother(trap: Trap) throws {
        let theirs = try Sandbox(unprivileged: true)
        let ours = try Sandbox()
        let content = #"{"auths":{"registry.example":{"auth":"dXNlcjpwYXNz"}}}"# + "\n"
        let target = try ours.write(
            trap == .terraform || trap == .cargo ? "" : content, to: "target")
        func trick(_ name: String, to target: String) throws {
            try theirs.makeFolder((name as NSString).deletingLastPathComponent)
            try FileManager.default.createSymbolicLink(
                atPath: theirs.file(name), withDestinationPath: target)
            lchown(theirs.file(name), TrustTests.user, TrustTests.user)
        }
        var environment: [String: String?] = [
            "HOME": theirs.file("home"), "KEYFOB_STORE": trap == .link ? nil : "file",
        ]
        for name in ["CACHE", "CONFIG", "DATA", "STATE"] {
            environment["XDG_\(name)_HOME"] = .some(nil)
        }
        let before = try String(contentsOfFile: target, encoding: .utf8)
        switch trap {
        case .docker: try trick("home/.docker/config.json", to: target)
        case .logout, .importing: try trick("home/.docker/config.json", to: target)
        case .terraform: try trick("home/.terraformrc", to: target)
        case .cargo: try trick("home/.cargo/config.toml", to: target)
        case .git: try trick("home/.gitconfig", to: ours.file("gitconfig"))
        case .undo:
            try theirs.write(
                #"{"changes":[{"client":"docker","registry":null,"path":"\#(target)","isNew":false,"#
                    + #""removed":"EVIL","inserted":"auths"}]}"#,
                to: "home/.local/state/keyfob/setup.json")
        case .store, .link:
            try trick("home/.local/share", to: ours.file("tmp"))
            try trick("home/.local/state", to: ours.file("tmp"))
            _ = try writeConfiguration(in: theirs, named: "home/.config/keyfob/config.json")
        }
        // Where what is changed is written down.
        if [.docker, .terraform, .cargo, .importing].contains(trap) {
            try trick("home/.local/state", to: ours.file("tmp"))
            try trick("home/.local/share", to: ours.file("tmp"))
        }
        let outcome = try ours.program(
            trap.command, input: Array(login.json.utf8), environment: environment
        ).run()
        #expect(outcome.status == 1)
        #expect(try String(contentsOfFile: target, encoding: .utf8) == before)
        #expect(ours.read("gitconfig") == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: ours.file("tmp")) == [])
        #expect(theirs.read("tmp/ran") == nil)
    }

    // MARK: Logins of another

    /// How a login of another user gets before `keyfob import`.
    enum Bait: String, CaseIterable, Sendable {
        case runtimeDirectory, authFile, linkToAnothers, linkOfAnother, dockerConfig
    }

    @Test(arguments: Bait.allCases)
    func loginsOfAnotherAreNotImported(bait: Bait) throws {
        let sandbox = try Sandbox(unprivileged: true)
        sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        let content = #"{"auths":{"registry.example":{"auth":"bWFsbG9yeTpwYXNz"}}}"#
        let name =
            switch bait {
            case .runtimeDirectory: "theirs/containers/auth.json"
            case .dockerConfig, .authFile: "theirs/config.json"
            case .linkToAnothers, .linkOfAnother: "theirs/auth.json"
            }
        let file = try sandbox.write(content, to: name)
        chmod(file, 0o644)
        for path in [file, sandbox.file("theirs"), sandbox.file("theirs/containers")] {
            chown(path, TrustTests.other, 0)
        }
        chmod(sandbox.file("theirs"), 0o755)
        chmod(sandbox.file("theirs/containers"), 0o755)
        switch bait {
        case .runtimeDirectory:
            sandbox.setEnvironment("XDG_RUNTIME_DIR", to: sandbox.file("theirs"))
        case .authFile: sandbox.setEnvironment("REGISTRY_AUTH_FILE", to: file)
        case .dockerConfig: sandbox.setEnvironment("DOCKER_CONFIG", to: sandbox.file("theirs"))
        case .linkToAnothers, .linkOfAnother:
            try sandbox.makeFolder("home/.docker")
            try FileManager.default.createSymbolicLink(
                atPath: sandbox.file("home/.docker/config.json"), withDestinationPath: file)
            if bait == .linkOfAnother {
                lchown(sandbox.file("home/.docker/config.json"), TrustTests.other, 0)
                chown(file, TrustTests.user, 0)
            }
        }
        let outcome = try sandbox.run("keyfob", "import")
        #expect(outcome.status == 1)
        #expect(try sandbox.run("keyfob", "list").output == "")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == content)
    }

    // MARK: Parts

    /// A configuration whose passphrase command leaves a file when it is run.
    private func writeConfiguration(in sandbox: Sandbox, named name: String) throws -> String {
        try sandbox.writeScript(
            "#!/bin/sh\ntouch \(sandbox.file("tmp/ran"))\necho passphrase\n",
            as: "passphrase-command")
        let script = sandbox.file("bin/passphrase-command")
        return try sandbox.write(
            #"{"store":"file","passphraseCommand":["\#(script)"]}"#, to: name)
    }

    private func move(_ path: String, to target: String, leavingLink: Bool) throws {
        try FileManager.default.moveItem(atPath: path, toPath: target)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
        lchown(path, TrustTests.user, TrustTests.user)
    }

    private func chown(_ path: String, _ user: uid_t, _ group: gid_t) {
        _ = unsafe Foundation.chown(path, user, group)
    }

    private func lchown(_ path: String, _ user: uid_t, _ group: gid_t) {
        _ = unsafe Foundation.lchown(path, user, group)
    }

    private func chmod(_ path: String, _ mode: mode_t) { _ = unsafe Foundation.chmod(path, mode) }
}
