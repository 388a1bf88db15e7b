import Foundation
import Sandbox

/// A house is a sandbox as a case describes it.
final class House {
    let sandbox: Sandbox
    let world: World
    let plan: Case
    /// False where a client must do without Keyfob from now on.
    var hasKeyfob = true
    private var keyring: GnomeKeyring?

    /// Another folder of executables to examine; those of this build by default.
    private static let otherProducts = ProcessInfo.processInfo.environment["KEYFOB_ORACLE_BIN"]

    static let programs = [
        "docker-credential-keyfob", "docker-credential-keyfob-podman", "cargo-credential-keyfob",
        "git-credential-keyfob", "terraform-credentials-keyfob", "keyfob",
    ]

    init(_ plan: Case) throws {
        self.plan = plan
        world = try World.shared.get()
        sandbox = try Sandbox(unprivileged: plan.isUnprivileged == true)
        if plan.hasKeyring == true {
            keyring = try GnomeKeyring(on: try PrivateBus(in: sandbox))
        } else {
            keyring = nil
            sandbox.setEnvironment("KEYFOB_STORE", to: "file")
        }
        sandbox.setEnvironment("KEYFOB_PROMPT", to: "never")
        try useOtherProducts()
        if let folder = plan.folder { try sandbox.makeFolder(folder) }
        for (path, text) in plan.files { try write(bytes(text), to: self.text(path)) }
        for (path, target) in plan.links ?? [:] {
            try sandbox.makeFolder((path as NSString).deletingLastPathComponent)
            try FileManager.default.createSymbolicLink(
                atPath: sandbox.file(path),
                withDestinationPath: target.replacingOccurrences(of: "{ROOT}", with: sandbox.path))
        }
        for (name, text) in plan.helpers ?? [:] {
            try sandbox.writeScript(String(decoding: bytes(text), as: UTF8.self), as: name)
        }
        for (name, value) in plan.environment ?? [:] {
            sandbox.setEnvironment(
                name, to: value.map { String(decoding: bytes($0), as: UTF8.self) })
        }
    }

    private func useOtherProducts() throws {
        guard let products = House.otherProducts else { return }
        for name in House.programs {
            let path = sandbox.file("bin/\(name)")
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createSymbolicLink(
                atPath: path,
                withDestinationPath: products
                    + (name == "keyfob" ? "/keyfob" : "/docker-credential-keyfob"))
        }
    }

    /// Ends the keyring's daemon, if there is one, and starts another.
    func restartKeyring() throws {
        guard let old = keyring else { return }
        try old.stop()
        keyring = try GnomeKeyring(on: old.bus)
    }

    /// A text of the case as it is in this house.
    func text(_ text: String) -> String { String(decoding: bytes(text), as: UTF8.self) }

    private func bytes(_ text: String) -> [UInt8] {
        Case.bytes(
            of: text, root: sandbox.path, uid: plan.isUnprivileged == true ? 65534 : geteuid(),
            port: world.port)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try sandbox.write("", to: path)
        // Into the file that is there, whose owner and mode are right.
        guard let handle = FileHandle(forWritingAtPath: file) else {
            throw SandboxError("\(file) cannot be written")
        }
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }

    // MARK: Running

    /// Runs a program in the case's folder.
    func run(
        _ arguments: [String], input: String = "", environment: [String: String?] = [:]
    ) throws -> Outcome {
        try sandbox.program(
            ["env", "-C", sandbox.file(plan.folder ?? "home")] + arguments,
            input: Array(input.utf8),
            environment: environment
        ).run()
    }

    func keyfob(_ arguments: String...) throws -> Outcome { try run(["keyfob"] + arguments) }

    // MARK: Looking

    /// Every file, folder and link of the home and the runtime folder, with its mode and its
    /// bytes, but for what Keyfob keeps for itself.
    func snapshot() throws -> [String: Entry] {
        var entries: [String: Entry] = [:]
        for folder in ["home", "run", "tmp", "etc"] {
            guard let walk = FileManager.default.enumerator(atPath: sandbox.file(folder)) else {
                continue
            }
            for case let name as String in walk {
                let path = "\(folder)/\(name)"
                if House.isKeyfobs(path) { continue }
                var status = stat()
                guard unsafe lstat(sandbox.file(path), &status) == 0 else { continue }
                let kind = status.st_mode & S_IFMT
                let contents: [UInt8] =
                    switch kind {
                    case S_IFREG: sandbox.read(path) ?? []
                    case S_IFLNK:
                        Array(
                            try FileManager.default.destinationOfSymbolicLink(
                                atPath: sandbox.file(path)
                            ).utf8)
                    case S_IFDIR: []
                    default: Array("special".utf8)
                    }
                entries[path] = Entry(mode: status.st_mode, contents: contents)
            }
        }
        return entries
    }

    struct Entry: Equatable {
        let mode: mode_t
        let contents: [UInt8]

        var isFolder: Bool { mode & S_IFMT == S_IFDIR }
    }

    /// A path of Keyfob's own, or of a client's cache.
    private static func isKeyfobs(_ path: String) -> Bool {
        path.contains("/keyfob/") || path.hasSuffix("/keyfob") || path == "home/.local"
            || path == "home/.local/share" || path == "home/.local/state"
            || path.hasPrefix("home/.cargo/registry") || path.hasPrefix("home/.cargo/git")
            || path.hasPrefix("home/.cargo/.") || path.hasPrefix("home/project")
            || path.hasPrefix("home/.terraform.d/checkpoint") || path.hasPrefix("home/.npm/")
            || path.hasPrefix("home/.cache") || path.hasPrefix("run/bus") || path == "home/.npm"
    }

    /// The files of the clients that hold a secret, in whatever coding.
    func files(holding secret: String) throws -> [String] {
        let secret = Data(secret.utf8)
        return try snapshot().compactMap { path, entry in
            guard entry.mode & S_IFMT == S_IFREG,
                readings(of: entry.contents).contains(where: { Data($0).range(of: secret) != nil })
            else { return nil }
            return path
        }
    }
}

/// What bytes may mean: themselves, their percent codes decoded, and each run of base64 in them.
private func readings(of bytes: [UInt8]) -> [[UInt8]] {
    var text = String(decoding: bytes, as: UTF8.self)
    for escape in ["\\r", "\\n"] { text = text.replacingOccurrences(of: escape, with: "") }
    text = text.replacingOccurrences(of: "\\/", with: "/")
    let runs = text.matches(of: /[A-Za-z0-9+\/]{4,}={0,2}/).compactMap { match in
        Data(base64Encoded: String(match.0)).map { [UInt8]($0) }
    }
    return [bytes, percentDecoded(bytes), Array(text.utf8)] + runs
}
