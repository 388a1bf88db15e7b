package import Credentials
package import Files
internal import JSON
package import Stores

/// The user's configuration. An environment variable wins over the configuration file, and that
/// over the default.
///
/// A value that is not valid counts as not set, and is a problem. A problem must stop `store`,
/// since it may be about where a secret is kept; it must not stop `get`, `list` and `erase`.
package struct Settings: Hashable, Sendable {
    /// The stores that may be used.
    package enum Policy: String, CaseIterable, Sendable {
        /// The keyring, and the file where there is no keyring.
        case auto
        case keyring = "secret-service"
        case file
    }

    /// The setting that decides if a prompt may be shown.
    package enum Prompt: String, CaseIterable, Sendable {
        /// A prompt may be shown if there is a display.
        case auto
        case never
    }

    /// The setting `store`, `KEYFOB_STORE`.
    package private(set) var policy = Policy.auto
    /// `collection`, `KEYFOB_COLLECTION`: the alias or object path of a keyring's collection.
    package private(set) var collection = "default"
    /// The setting `prompt`, `KEYFOB_PROMPT`.
    package private(set) var prompt = Prompt.auto
    /// `promptTimeout`, `KEYFOB_PROMPT_TIMEOUT`: seconds.
    package private(set) var promptTimeout = 60
    /// `keyFile`, `KEYFOB_KEY_FILE`: an absolute path.
    package private(set) var keyFile: String?
    /// `passphraseCommand`, in the file only: a program that prints the passphrase, and its
    /// arguments. There is no shell to split a variable into them.
    package private(set) var passphraseCommand: [String]?
    /// `routes`, in the file only.
    package private(set) var routes = Routes()
    /// `unlockFor`, `KEYFOB_UNLOCK_FOR`: the seconds for which the file stays unlocked once its
    /// passphrase has been typed; 0 if only `keyfob unlock` unlocks it.
    package private(set) var unlockSeconds = 0
    /// `unlockScope`, `KEYFOB_UNLOCK_SCOPE`: the processes that the file is unlocked for.
    package private(set) var unlockScope = KernelKey.Scope.user
    /// The values that are not valid, one line for each. A value is never quoted, since it may be a
    /// secret.
    package private(set) var problems: [String] = []

    /// Reads the settings in the file `config.json` of the directory, if there is one, and in the
    /// environment.
    package init(configDirectory: String, _ environment: Environment) {
        let file = ConfigurationFile(path: configDirectory + "/config.json")
        var seen: Set<String> = []
        do throws(ConfigurationFile.Failure) {
            for member in try file.members() {
                guard let key = Key(rawValue: member.name.string) else {
                    problems.append(
                        "unknown key \"\(member.name.string.printable)\" in \(file.path)")
                    continue
                }
                let source = "\"\(key.rawValue)\" in \(file.path)"
                set(key, to: member.value, from: source)
                guard !seen.insert(key.rawValue).inserted else { continue }
                problems.append("\(source) is there twice")
                if key == .routes { routes.obstacle = Settings.obstacle(problems.last) }
            }
        } catch {
            let problem = "\(file.path): \(error.reason)"
            problems.append(problem)
            if let hasRoutes = file.hasRoutes {
                routes.obstacle = hasRoutes ? Settings.obstacle(problem) : nil
            } else {
                routes.obstacle = Settings.obstacle(problem, "may have routes, and cannot be used")
            }
        }
        for (key, variable) in Key.variables {
            guard let value = environment[variable] else { continue }
            set(key, to: .string(value.secret), from: variable.rawValue)
        }
    }

    /// The error that `save` throws as long as there is a problem; otherwise nil.
    package var refusal: StoreError? {
        guard let problem = problems.first else { return nil }
        return StoreError(
            .badConfiguration, "a setting is not valid: \(problem)",
            hint: "nothing was stored; correct the setting, then log in again")
    }

    /// Returns the error of a docker get as long as it is not known which servers have a route.
    private static func obstacle(
        _ problem: String?, _ words: String = "has routes, and they cannot be used"
    ) -> StoreError {
        StoreError(
            .badConfiguration, "the config file \(words): \(problem ?? "")",
            hint: "correct the file; see: keyfob status")
    }

    private mutating func set(_ key: Key, to json: JSON, from source: String) {
        let value = json.setting
        switch key {
        case .store:
            if let policy = value.flatMap(Policy.init) { return self.policy = policy }
        case .collection:
            if let value, value.isCollectionName { return collection = value }
        case .prompt:
            if let prompt = value.flatMap(Prompt.init) { return self.prompt = prompt }
        case .promptTimeout:
            if let seconds = value.flatMap(seconds) { return promptTimeout = seconds }
        case .keyFile:
            if let value, value.isAbsolutePath { return keyFile = value }
        case .unlockFor:
            if let value, let seconds = value == "0" ? 0 : value.seconds,
                seconds <= FileStore.longestUnlocking
            {
                return unlockSeconds = seconds
            }
        case .unlockScope:
            if let scope = value.flatMap(KernelKey.Scope.init) { return unlockScope = scope }
        case .passphraseCommand:
            if let command = json.command { return passphraseCommand = command }
        case .routes:
            let read = RouteSettings(json, from: source)
            routes.all = read.routes
            problems += read.problems
            if let doubt = read.doubt { routes.obstacle = Settings.obstacle(doubt) }
            return
        }
        problems.append("\(source) must be \(key.expected)")
    }
}

/// The keys of the configuration file.
private enum Key: String {
    case store, collection, prompt, promptTimeout, keyFile, passphraseCommand, routes
    case unlockFor, unlockScope

    /// The variables that win over the file. Only the file may have the other keys.
    static let variables: [(key: Key, name: Environment.Name)] = [
        (.store, .store), (.collection, .collection), (.prompt, .prompt),
        (.promptTimeout, .promptTimeout), (.keyFile, .keyFile), (.unlockFor, .unlockFor),
        (.unlockScope, .unlockScope),
    ]

    /// A description of the valid values.
    var expected: String {
        switch self {
        case .store: "auto, secret-service or file"
        case .collection: "the name of a collection"
        case .prompt: "auto or never"
        case .promptTimeout: "a number of seconds from 1 to 3600"
        case .keyFile: "an absolute path"
        case .passphraseCommand: "a list of a program and its arguments"
        case .routes: "a list of routes"
        case .unlockFor: "0, or a duration such as 30m or 8h, of at most 7d"
        case .unlockScope: "user or session"
        }
    }
}

private func seconds(_ value: String) -> Int? {
    guard value.utf8.allSatisfy({ $0.isDigit }), let seconds = Int(value),
        (1...3600).contains(seconds)
    else { return nil }
    return seconds
}

extension JSON {
    /// The value as an environment variable would have it; nil for one that none can have.
    fileprivate var setting: String? {
        if case .integer(let number) = self { return "\(number)" }
        return text?.string
    }

    /// A program and its arguments; nil for anything else.
    var command: [String]? {
        guard case .array(let words) = self, words.first?.text?.isEmpty == false else { return nil }
        let arguments = words.compactMap { $0.text?.string }
        return arguments.count == words.count ? arguments : nil
    }
}

extension String {
    fileprivate var isCollectionName: Bool {
        !isEmpty
            && !unicodeScalars.contains { $0 == "\u{FFFD}" || $0.isControl }
    }
}
