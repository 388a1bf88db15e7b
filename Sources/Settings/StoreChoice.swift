package import Credentials
internal import Files
package import Stores

/// The stores that serve this user, as the settings and the environment decide.
package struct StoreChoice: Sendable {
    package let settings: Settings
    /// The keyring alone, with one connection for all requests; nil if the policy leaves it out.
    package let keyringStore: KeyringStore?
    /// The options of the file; nil if the policy leaves it out.
    package var file: FileStore.Options?
    /// The cache of the tokens that routes returned; nil if there are no routes.
    package let tokens: TokenCache?
    /// The name of the route whose program runs this process; nil if none does.
    package let caller: String?
    /// The account whose logins are visible; nil for the logins outside every account.
    package var account: AccountName?
    /// True if the logins of every account are visible, each as an entry of its account.
    package var seesAll = false
    /// The record of the logins that have been stored in a keyring; nil for a fixed policy, which
    /// answers for its own store only.
    package let marker: KeyringMarker?
    private let notice: @Sendable (String) -> Void

    /// Reads the configuration file and nothing else. `notice` prints one line for the user.
    /// `willPrompt` is called before a prompt is shown, with the number of seconds that it waits
    /// for an answer. `account` replaces the account that the environment names.
    package init(
        _ environment: Environment, account: AccountName? = nil,
        notice: @escaping @Sendable (String) -> Void,
        willPrompt: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws(StoreError) {
        let directories = try Directories(environment)
        let settings = Settings(configDirectory: directories.config, environment)
        let state = Folder(directories.state)
        let marker = KeyringMarker(in: state)
        self.settings = settings
        self.account = if let account { account } else { try environment.account }
        self.marker = settings.policy == .auto ? marker : nil
        caller = environment[.route]
        tokens =
            settings.routes.isEmpty
            ? nil
            : TokenCache(
                in: directories.tokens.map { Folder($0) }, lockFolder: state,
                for: settings.routes)
        self.notice = notice

        let hasDisplay = environment[.display] != nil || environment[.waylandDisplay] != nil
        var keyring = KeyringStore.Options(
            busAddress: SessionBus.address(environment), collection: settings.collection,
            mayPrompt: hasDisplay && settings.prompt != .never,
            promptTimeout: settings.promptTimeout, lockFolder: state, marker: marker,
            willPrompt: { willPrompt(settings.promptTimeout) })
        keyring.mayConfirmUnseen = settings.prompt != .never
        keyring.neverPrompts = settings.prompt == .never
        keyringStore = settings.policy == .file ? nil : KeyringStore(keyring)
        var file = FileStore.Options(
            folder: Folder(directories.data), keyFolder: state, keyFile: settings.keyFile,
            credentialsDirectory: environment.path(.credentialsDirectory), notice: notice)
        file.passphraseCommand = settings.passphraseCommand
        file.passphrase = environment.passphrase
        file.mayPrompt = settings.prompt != .never
        file.neverPrompts = settings.prompt == .never
        file.promptTimeout = settings.promptTimeout
        // A setting that is not valid must not keep the file unlocked for longer or for more.
        file.unlockSeconds = settings.problems.isEmpty ? settings.unlockSeconds : 0
        file.unlockScope = settings.unlockScope
        file.willPrompt = { willPrompt(settings.promptTimeout) }
        self.file = settings.policy == .keyring ? nil : file
    }

    /// The file alone; nil if the policy leaves it out.
    package var fileStore: FileStore? { file.map { FileStore($0) } }

    /// The stores that the policy allows, one by one, in the order in which they are asked.
    package var stores: [any CredentialStore] { wholeStores.map { view(of: $0) } }

    /// The stores, and the cache of tokens.
    package var storesAndTokens: [any CredentialStore] {
        var all = stores
        if let tokens { all.append(tokens) }
        return all
    }

    /// The store that answers for all: the routes, which serve every account, then the chain.
    package var store: any CredentialStore {
        guard !settings.routes.isEmpty else { return chain }
        return RouteStore(chain, settings.routes, cache: tokens, caller: caller, notice: notice)
    }

    /// The chain of all stores that the policy allows, without the routes.
    package var chain: any CredentialStore {
        view(
            of: StoreChain(
                wholeStores, marker: marker, refusal: settings.refusal, notice: notice))
    }

    /// Returns the store, limited to the chosen account unless `seesAll` is true.
    package func view(of store: any CredentialStore) -> any CredentialStore {
        seesAll ? store : AccountStore(store, account)
    }

    private var wholeStores: [any CredentialStore] {
        let all: [(any CredentialStore)?] = [keyringStore, fileStore]
        return all.compactMap { $0 }
    }
}

extension Environment {
    /// The account that `KEYFOB_ACCOUNT` names; nil if it is not set. An invalid name is an error,
    /// since logins of another account must never be used instead.
    package var account: AccountName? {
        get throws(StoreError) {
            guard let value = self[.account] else { return nil }
            guard let name = AccountName(value) else {
                throw StoreError(
                    .badAccount, "KEYFOB_ACCOUNT is not the name of an account",
                    hint: "a name has letters, digits, '.', '_' and '-', and is not podman")
            }
            return name
        }
    }
}
