import Credentials
import Files
import Sandbox
import Stores

/// A desk is one user's session with a bus, and the keyring store as it runs there.
struct Desk {
    let sandbox: Sandbox
    let bus: PrivateBus

    init() throws {
        sandbox = try Sandbox()
        bus = try PrivateBus(in: sandbox)
    }

    func startKeyring(isUnlocked: Bool = true) throws -> GnomeKeyring {
        try GnomeKeyring(on: bus, isUnlocked: isUnlocked)
    }

    /// Locks the keyring, and gives the one that is locked.
    func lock(_ keyring: GnomeKeyring, _ form: LockForm) throws -> GnomeKeyring {
        switch form {
        case .byItsOwner:
            try keyring.lock()
            return keyring
        case .neverUnlocked:
            try keyring.stop()
            return try startKeyring(isUnlocked: false)
        }
    }

    var marker: KeyringMarker {
        KeyringMarker(in: Folder(sandbox.file("home/.local/state/keyfob")))
    }

    /// The store as a helper without a display has it; `change` makes it another.
    func store(_ change: (inout KeyringStore.Options) -> Void = { _ in }) -> KeyringStore {
        var options = KeyringStore.Options(
            busAddress: bus.address, mayPrompt: false,
            lockFolder: Folder(sandbox.file("home/.local/state/keyfob")), marker: marker)
        change(&options)
        return KeyringStore(options)
    }
}

/// The two ways in which a keyring is locked.
enum LockForm: CaseIterable {
    /// By `Service.Lock`: the daemon keeps plain attributes in memory.
    case byItsOwner
    /// Never unlocked since its daemon started: attributes are hashed, and the schema is another.
    case neverUnlocked
}

func query(_ server: Text) -> Query { Query(.docker, ["server": server]) }

func login(_ server: String, _ user: Text, _ secret: Secret) -> Credential {
    let server = Text(server) ?? ""
    let attributes = Schema.docker.constants.merging(["server": server, "username": user]) { $1 }
    return Credential(Entry(schema: .docker, attributes: attributes, label: server), secret: secret)
}

func secret(_ store: some CredentialStore, _ server: Text) throws -> Secret? {
    try store.find(query(server)).first?.secret
}

extension Secret: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }

    init(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(copying: bytes.span)
    }
}
