internal import Credentials
internal import Files

/// A helper in git's configuration: a value of `credential.helper` or `credential.URL.helper`. The
/// value is a command of the shell, which may contain a secret: only the program's name is shown.
struct GitHelper {
    /// The URL of its section; nil if it is for all.
    let url: String?
    let value: String
    /// The file that names it; nil if a variable does.
    let file: String?
    /// True if it is the user's or the system's, and neither a repository's nor a variable's.
    let isLasting: Bool
    /// The program and its arguments; nil if only a shell can say what they are.
    private let words: [String]?
    /// The files of git's helper `store`, none if they are not known; nil if it is another helper.
    let storeFiles: [ClientFile]?

    init(
        _ value: String, url: String?, file: String?, isLasting: Bool,
        in folder: GitConfiguration.Folder, _ surroundings: Surroundings
    ) {
        self.url = url
        self.value = value
        self.file = file
        self.isLasting = isLasting
        var words = GitHelper.line(value).shellWords { name in
            name == "HOME" ? surroundings.home : surroundings[name]
        }
        if let all = words, all.count > 1, all[0].lastPart == "git",
            all[1].hasPrefix("credential-")
        {
            words = ["git-" + all[1]] + all.dropFirst(2)
        }
        self.words = value.isEmpty || words?.first?.contains("=") == true ? nil : words
        guard let words = self.words else {
            storeFiles = value.hasPrefix("store ") ? [] : nil
            return
        }
        guard words.first?.lastPart == "git-credential-store" else {
            storeFiles = nil
            return
        }
        guard words.count > 1 else {
            storeFiles = Git.credentials(surroundings)
            return
        }
        let path = GitHelper.storeFile(words.dropFirst()).flatMap { path in
            path.hasPrefix("/") ? path : folder.path.map { "\($0)/\(path)" }
        }
        storeFiles = path.map { [ClientFile($0)] } ?? []
    }

    /// Returns the command that git gives to the shell, without the action that git appends.
    private static func line(_ value: String) -> String {
        if value.hasPrefix("!") { return String(value.dropFirst()) }
        return value.hasPrefix("/") ? value : "git credential-" + value
    }

    /// Returns the file that the options of `store` name; nil if it does not understand them.
    private static func storeFile(_ options: ArraySlice<String>) -> String? {
        var (rest, file) = (options, String?.none)
        while let option = rest.popFirst() {
            let parts = option.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // git accepts an abbreviation, and takes the last one.
            guard parts[0].count > 2, "--file".hasPrefix(parts[0]),
                let value = parts.count > 1 ? String(parts[1]) : rest.popFirst(), !value.isEmpty
            else { return nil }
            file = value
        }
        return file
    }

    /// The program that git runs, which is searched for on the PATH unless it is a path.
    var program: String? { words?.first }

    private static let unnamed = "a shell command"

    /// The name for the user.
    var name: String {
        let isCommand = value.hasPrefix("!") || value.hasPrefix("/")
        let text = isCommand ? GitHelper.line(value) : value
        let first = program ?? text.split { $0 == " " || $0 == "\t" }.first.map(String.init) ?? ""
        let name = first.lastPart
        guard !name.isEmpty, name.utf8.allSatisfy({ $0.isAlphanumeric || "._+-".utf8.contains($0) })
        else { return GitHelper.unnamed }
        let prefix = "git-credential-"
        return name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    }

    /// Returns the program if git cannot find it. The shell may know more than programs.
    func missingProgram(_ surroundings: Surroundings) -> String? {
        guard let program, !value.hasPrefix("!"), name != GitHelper.unnamed else { return nil }
        let path =
            surroundings.program(program)
            ?? surroundings.program("\(GitConfiguration.programs)/\(program)")
        return path == nil ? program : nil
    }

    /// The helper name; nil if it is another program's.
    var helperName: HelperName? { program.flatMap { HelperName($0, of: .passwordHelper) } }

    var isOurs: Bool { helperName != nil }

    /// True if it is Keyfob and names no account.
    var isOursAlone: Bool { helperName.map { $0.account == nil } ?? false }

    var isStore: Bool { storeFiles != nil }

    /// True if it may have logins that are in no file which Keyfob finds.
    var isUnread: Bool { storeFiles?.isEmpty != false }

    /// True if it keeps no login of git's, but makes a token whenever it is asked: Google's gcloud.sh
    /// (/etc/gitconfig of its packages names it), git-credential-oauth, and the command of AWS.
    var makesTokens: Bool { ["gcloud.sh", "oauth", "aws"].contains(name) }

    func reads(_ file: ClientFile) -> Bool {
        storeFiles?.contains { $0.identity == file.identity } ?? false
    }

    static func setting(_ url: String?) -> String {
        url.map { "credential.\($0.shownAddress).helper" } ?? "credential.helper"
    }

    /// The command that removes the helper `store` from git's configuration.
    var removal: String {
        guard let file else {
            return "remove it from the variables GIT_CONFIG_COUNT or GIT_CONFIG_PARAMETERS"
        }
        let config = "git config --file \(file.shellWord) "
        // A password in a URL is not shown.
        guard url?.shownAddress == url else {
            return config + "--edit"
        }
        return config + "--unset-all \(GitHelper.setting(url).shellWord) "
            + "(^|-)store([[:space:]]|$)".shellWord
    }
}

extension [GitHelper] {
    /// The names for the user; nil if there is none.
    var names: String? { isEmpty ? nil : map(\.name).joined(separator: ", ") }
}

extension String {
    fileprivate var lastPart: String {
        split(separator: "/" as Character).last.map(String.init) ?? ""
    }

    /// Returns the words into which the shell splits the string. Nil if it does more than that: if
    /// it would run several commands, or insert the output of one or the names of files.
    /// `variable` returns the value of a variable; nil if it is not known.
    func shellWords(_ variable: (String) -> String?) -> [String]? {
        var reader = ShellReader(rest: unicodeScalars[...])
        return reader.words(variable)
    }
}

/// Splits a command as the shell does.
private struct ShellReader {
    var rest: Substring.UnicodeScalarView
    private var words: [String] = []
    private var word: String?

    init(rest: Substring.UnicodeScalarView) { self.rest = rest }

    mutating func words(_ variable: (String) -> String?) -> [String]? {
        while let next = rest.popFirst() {
            switch next {
            case " ", "\t": end()
            case "'":
                guard let close = rest.firstIndex(of: "'") else { return nil }
                add(String(rest[..<close]))
                rest = rest[rest.index(after: close)...]
            case "\"": guard addQuoted(variable) else { return nil }
            case "\\":
                guard let escaped = rest.popFirst(), escaped != "\n" else { return nil }
                add(String(escaped))
            case "$":
                guard let value = value(variable),
                    !value.unicodeScalars.contains(where: {
                        " \t\n*?[\\".unicodeScalars.contains($0)
                    })
                else { return nil }
                add(value)
            case "~" where word == nil:
                guard rest.first.map({ "/ \t".unicodeScalars.contains($0) }) ?? true,
                    let home = variable("HOME")
                else { return nil }
                add(home)
            case "#" where word == nil: return nil
            case _ where "|&;<>()`*?[\n".unicodeScalars.contains(next): return nil
            default: add(String(next))
            }
        }
        end()
        return words
    }

    private mutating func add(_ text: String) { word = (word ?? "") + text }

    private mutating func end() {
        if let word { words.append(word) }
        word = nil
    }

    /// Reads to the closing quote.
    private mutating func addQuoted(_ variable: (String) -> String?) -> Bool {
        add("")
        while let next = rest.popFirst() {
            switch next {
            case "\"": return true
            case "`": return false
            case "\\" where rest.first.map({ "$`\"\\".unicodeScalars.contains($0) }) == true:
                add(String(rest.removeFirst()))
            case "$":
                guard let value = value(variable) else { return false }
                add(value)
            default: add(String(next))
            }
        }
        return false
    }

    /// Reads the name of a variable, and returns its value.
    private mutating func value(_ variable: (String) -> String?) -> String? {
        let isBraced = rest.first == "{"
        if isBraced { rest.removeFirst() }
        let name = String(
            rest.prefix { $0 == "_" || $0.isASCII && UInt8(ascii: $0).isAlphanumeric })
        rest = rest.dropFirst(name.unicodeScalars.count)
        if isBraced { guard rest.popFirst() == "}" else { return nil } }
        return name.isEmpty ? nil : variable(name)
    }
}
