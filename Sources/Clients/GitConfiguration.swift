internal import Credentials
internal import Files

/// Git's configuration, as git itself reads it: with what it includes, and with the variables.
struct GitConfiguration {
    /// The helpers, in git's order.
    let helpers: [GitHelper]
    /// The one file that it is; nil if it is all that git reads.
    let file: ClientFile?

    /// Reads what git reads in the current folder, which may be in a repository; with `outside`, what
    /// it reads outside of every repository; with `file`, that file alone.
    init(
        _ surroundings: Surroundings, outside: Bool = false, file: ClientFile? = nil
    ) throws(StoreError) {
        self.file = file
        guard surroundings.program("git") != nil else {
            helpers = []
            return
        }
        let folder = GitConfiguration.Folder(isKnown: file == nil)
        helpers = try GitConfiguration.settings(
            #"^credential\.(.*\.)?helper$"#, outside: outside, file: file, folder
        ).map { setting in
            let url = setting.name.publicString.dropFirst("credential.".count)
                .dropLast("helper".count).dropLast()
            return GitHelper(
                setting.value.publicString, url: url.isEmpty ? nil : String(url),
                file: setting.file, isLasting: setting.isLasting, in: folder, surroundings)
        }
    }

    /// Returns the files that git includes only in some folders, or under other conditions.
    static func conditional(_ surroundings: Surroundings) -> [GitConfiguration] {
        guard surroundings.program("git") != nil else { return [] }
        var files: [ClientFile] = []
        func add(in file: ClientFile?) {
            let pattern = #"^includeif\..*\.path$"#
            for include in (try? settings(pattern, outside: true, file: file, ofPaths: true)) ?? []
            {
                let path = include.value.publicString
                guard !path.isEmpty, let folder = include.file?.folder else { continue }
                let file = ClientFile(path.hasPrefix("/") ? path : "\(folder)/\(path)")
                guard file.exists, !files.contains(file) else { continue }
                files.append(file)
                add(in: file)
            }
        }
        add(in: nil)
        return files.compactMap { try? GitConfiguration(surroundings, file: $0) }
    }

    struct Setting {
        let name: Secret
        let value: Secret
        /// The file that contains it; nil if a variable does.
        let file: String?
        /// True if it is the user's or the system's.
        let isLasting: Bool
    }

    /// Returns the settings whose names match a regular expression, in git's order.
    static func settings(
        _ pattern: String, outside: Bool = false, file: ClientFile? = nil, ofPaths: Bool = false,
        _ folder: Folder = Folder()
    ) throws(StoreError) -> [Setting] {
        let output = try git(
            ["config"] + (ofPaths ? ["--type=path"] : [])
                + (file.map { ["--includes", "--file", $0.path] } ?? [])
                + ["--null", "--show-scope", "--show-origin", "--get-regexp", pattern],
            outside: outside)
        var parts: [Secret] = []
        var start = 0
        while let end = output.first(from: start, where: { $0 == 0 }) {
            parts.append(output[start..<end])
            start = end + 1
        }
        return stride(from: 0, to: parts.count - 2, by: 3).map { index in
            let origin = parts[index + 1].publicString
            let path = origin.hasPrefix("file:") ? String(origin.dropFirst(5)) : nil
            let pair = parts[index + 2]
            let end = pair.first { $0 == 0x0A } ?? pair.count
            return Setting(
                name: pair[0..<end], value: pair[min(end + 1, pair.count)..<pair.count],
                file: path.map { $0.hasPrefix("/") ? $0 : "\(folder.path ?? "")/\($0)" },
                isLasting: ["system", "global"].contains(parts[index].publicString))
        }
    }

    /// Returns the helpers that git asks for an address, and the last empty value, which cancels
    /// all before it.
    func answering(_ address: GitAddress) -> (emptied: GitHelper?, helpers: [GitHelper]) {
        GitConfiguration.answering(address, among: helpers)
    }

    static func answering(
        _ address: GitAddress, among all: [GitHelper]
    ) -> (emptied: GitHelper?, helpers: [GitHelper]) {
        let all = all.filter { helper in
            helper.url.map { GitAddress(section: $0).covers(address) } ?? true
        }
        let last = all.lastIndex { $0.value.isEmpty }
        return (last.map { all[$0] }, Array(all[((last ?? -1) + 1)...]))
    }

    /// Returns the helpers that git asks for the parts of an address that sections name.
    func answeringParts(of address: GitAddress) -> [GitHelper] {
        urls.compactMap { address.part(in: GitAddress(section: $0)) }
            .flatMap { answering($0).helpers }
    }

    /// Returns the URL of the section by which alone git reads a file for a login: git knows the user
    /// of it, or a path, and asks its helpers without the path. Nil if it reads the file without.
    func section(
        reading file: ClientFile, for address: GitAddress, _ asksByPath: (GitAddress) -> Bool
    ) -> String? {
        let urls = helpers.filter { $0.reads(file) }.compactMap(\.url)
        guard !urls.isEmpty else { return nil }
        let isPath = address.facts["object"] != nil && asksByPath(address)
        let asked = GitAddress(
            address.facts.filter { $0.key != "user" && (isPath || $0.key != "object") })
        guard !answering(asked).helpers.contains(where: { $0.reads(file) }) else { return nil }
        return urls.first { asked.part(in: GitAddress(section: $0)) != nil }
    }

    /// The URLs of the sections that name a helper, in order.
    var urls: [String] { Set(helpers.compactMap(\.url)).sorted() }

    /// The helpers that git asks for any address at all, each section's once.
    var asked: [GitHelper] {
        ([.any] + urls.map { GitAddress(section: $0) }).flatMap { answering($0).helpers }
    }

    // MARK: Asking git

    /// The folder of the programs that git runs before those of the PATH.
    static let programs =
        (try? git(["--exec-path"], outside: true))?.withoutLineEnd.publicString ?? ""

    /// The folder in which git runs: the top of a repository. git is asked once it is needed.
    final class Folder {
        private let isKnown: Bool

        init(isKnown: Bool = true) { self.isKnown = isKnown }

        /// Nil if git may run in any.
        lazy var path: String? = {
            guard isKnown else { return nil }
            // The shell in which git runs an alias tells it, without an error outside of a
            // repository.
            let output = try? GitConfiguration.git(
                ["-c", "alias.keyfob-top=!pwd", "keyfob-top"], outside: false)
            return output?.withoutLineEnd.publicString ?? "/"
        }()
    }

    /// Returns the output of git; empty if it finds nothing.
    static func git(_ arguments: [String], outside: Bool) throws(StoreError) -> Secret {
        // Only `git config` obeys this variable.
        _ = System.takeVariable("GIT_CONFIG")
        // A variable may name a repository, as in a hook. git cannot run in a folder that is gone or
        // that it cannot read.
        let isOutside = outside || !Path.absolute(".").hasPrefix("/")
        let (status, output): (Int32?, Secret)
        do throws(Child.Failure) {
            (status, output) = try Child.run(
                ["git"] + (isOutside ? ["-C", "/", "--git-dir=/dev/null"] : []) + arguments,
                atMost: 1 << 20, within: 4)
        } catch {
            switch error {
            case .notStarted(let error):
                throw StoreError(
                    .programNotRun, "git cannot be run: \(error.reason)", hint: "install git")
            case .timedOut:
                throw StoreError(.programTimedOut, "git config did not end within 4 seconds")
            }
        }
        // The status is 1 if git finds nothing.
        guard status == 0 || status == 1 else {
            throw StoreError(
                .badConfiguration, "git cannot read its configuration",
                hint: "to see why: git config --list")
        }
        return status == 0 ? output : .empty
    }
}
