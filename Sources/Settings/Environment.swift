package import Credentials
internal import Files

/// The environment variables that Keyfob reads for itself, not for a client.
///
/// An empty variable counts as one that is not set.
package struct Environment: Sendable {
    private let values: [Name: String]
    /// `KEYFOB_PASSPHRASE`, which is a secret and so never a string.
    package let passphrase: Secret?

    /// The variables, without `KEYFOB_PASSPHRASE`.
    package enum Name: String, CaseIterable, Sendable {
        case home = "HOME"
        case configHome = "XDG_CONFIG_HOME"
        case dataHome = "XDG_DATA_HOME"
        case stateHome = "XDG_STATE_HOME"
        case cacheHome = "XDG_CACHE_HOME"
        case runtimeDirectory = "XDG_RUNTIME_DIR"
        case credentialsDirectory = "CREDENTIALS_DIRECTORY"
        case sessionBusAddress = "DBUS_SESSION_BUS_ADDRESS"
        case display = "DISPLAY"
        case waylandDisplay = "WAYLAND_DISPLAY"
        case account = "KEYFOB_ACCOUNT"
        case store = "KEYFOB_STORE"
        case collection = "KEYFOB_COLLECTION"
        case prompt = "KEYFOB_PROMPT"
        case promptTimeout = "KEYFOB_PROMPT_TIMEOUT"
        case keyFile = "KEYFOB_KEY_FILE"
        case route = "KEYFOB_ROUTE"
        case unlockFor = "KEYFOB_UNLOCK_FOR"
        case unlockScope = "KEYFOB_UNLOCK_SCOPE"
        case certificateFile = "SSL_CERT_FILE"
    }

    package init(_ values: [Name: String], passphrase: Secret? = nil) {
        self.values = values
        self.passphrase = passphrase
    }

    /// The variables of this process. Bytes that are not UTF-8 become U+FFFD, which no path and no
    /// setting may contain. The passphrase is removed from the environment and wiped there, so that
    /// no child process inherits it.
    package static var ofProcess: Environment {
        var values: [Name: String] = [:]
        for name in Name.allCases {
            values[name] = System.variable(name.rawValue)
        }
        let passphrase = System.takeVariable("KEYFOB_PASSPHRASE")
        return Environment(values, passphrase: passphrase?.isEmpty == false ? passphrase : nil)
    }

    package subscript(name: Name) -> String? {
        guard let value = values[name], !value.isEmpty else { return nil }
        return value
    }

    /// The names of the variables that are set and win over the config file.
    package var settings: [String] {
        let names: [Name] = [
            .store, .collection, .prompt, .promptTimeout, .keyFile, .unlockFor, .unlockScope,
        ]
        return names.filter { self[$0] != nil }.map { $0.rawValue }
            + (passphrase == nil ? [] : ["KEYFOB_PASSPHRASE"])
    }

    /// Returns true if a variable is there, even if it is empty.
    package func contains(_ name: Name) -> Bool { values[name] != nil }
}
