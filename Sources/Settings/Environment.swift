package import Credentials
internal import Files

/// The environment variables that decide where logins are kept, as a value.
///
/// An empty variable counts as one that is not set.
package struct Environment: Sendable {
    private let values: [Name: String]
    /// `KEYFOB_PASSPHRASE`, which is a secret and so never a string.
    package let passphrase: Secret?

    /// The variables that are looked at, and no others.
    package enum Name: String, CaseIterable, Sendable {
        case home = "HOME"
        case configHome = "XDG_CONFIG_HOME"
        case dataHome = "XDG_DATA_HOME"
        case stateHome = "XDG_STATE_HOME"
        case runtimeDirectory = "XDG_RUNTIME_DIR"
        case credentialsDirectory = "CREDENTIALS_DIRECTORY"
        case sessionBusAddress = "DBUS_SESSION_BUS_ADDRESS"
        case display = "DISPLAY"
        case waylandDisplay = "WAYLAND_DISPLAY"
        case store = "KEYFOB_STORE"
        case collection = "KEYFOB_COLLECTION"
        case prompt = "KEYFOB_PROMPT"
        case promptTimeout = "KEYFOB_PROMPT_TIMEOUT"
        case keyFile = "KEYFOB_KEY_FILE"
        case certificateFile = "SSL_CERT_FILE"
    }

    package init(_ values: [Name: String], passphrase: Secret? = nil) {
        self.values = values
        self.passphrase = passphrase
    }

    /// Those of this process. Bytes that are not UTF-8 become U+FFFD, which no path and no
    /// setting may hold. The passphrase is taken out of the environment and wiped there, so that
    /// no child process is given it.
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

    /// The names of the variables of Keyfob's own that are set.
    package var settings: [String] {
        let names: [Name] = [.store, .collection, .prompt, .promptTimeout, .keyFile]
        return names.filter { self[$0] != nil }.map { $0.rawValue }
            + (passphrase == nil ? [] : ["KEYFOB_PASSPHRASE"])
    }

    /// Whether a variable is there, even an empty one.
    package func contains(_ name: Name) -> Bool { values[name] != nil }
}
