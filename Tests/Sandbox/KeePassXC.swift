/// KeePassXC as a Secret Service on a private bus, without a display: nobody sees its windows and
/// nobody answers them.
///
/// Its settings are its defaults but for those that a person must change to use it as a Secret
/// Service at all, and but for what the test says.
package final class KeePassXC: Provider {
    package let bus: PrivateBus
    package let daemon: Daemon
    package var collection: String { KeePassXC.logins }

    /// Starts KeePassXC on the sandbox's database, which is made if there is none, and returns
    /// when it answers.
    ///
    /// - Parameters:
    ///   - isUnlocked: whether it is given the database's password.
    ///   - confirmsAccess: whether a person must allow every program that asks for a secret.
    ///   - confirmsDeletion: whether a person must allow every deletion; as `confirmsAccess` by default.
    ///   - exposesGroup: whether a new database is one whose logins the Secret Service's clients see.
    package init(
        on bus: PrivateBus, isUnlocked: Bool = true, confirmsAccess: Bool = false,
        confirmsDeletion: Bool? = nil, exposesGroup: Bool = true
    ) throws {
        self.bus = bus
        let sandbox = bus.sandbox
        try sandbox.write(
            """
            [General]
            UpdateCheckMessageShown=true
            AutoSaveAfterEveryChange=false
            [Security]
            NoConfirmMoveEntryToRecycleBin=\(!(confirmsDeletion ?? false))
            [FdoSecrets]
            Enabled=true
            ConfirmAccessItem=\(confirmsAccess)
            ConfirmDeleteItem=\(confirmsDeletion ?? confirmsAccess)
            ShowNotification=false
            UnlockBeforeSearch=false
            """, to: "home/.config/keepassxc/keepassxc.ini")
        if sandbox.read(KeePassXC.database) == nil {
            try KeePassXC.makeDatabase(in: sandbox, exposesGroup: exposesGroup)
        }
        daemon = try sandbox.startDaemon(
            ["keepassxc", "-platform", "offscreen"]
                + (isUnlocked ? [] : [sandbox.file(KeePassXC.database)]))
        try waitForName()
        if isUnlocked { try openDatabase() }
        if exposesGroup {
            try waitForCollection(isUnlocked: isUnlocked)
        } else {
            // Until it has opened the database, that is a locked collection.
            try daemon.wait(for: "unlocked database") { try collections().isEmpty ? () : nil }
        }
    }

    /// Opens the database by KeePassXC's own interface: one that reads the password from standard
    /// input ends by a segmentation fault, 2.7.4 now and then and 2.7.10 always.
    private func openDatabase() throws {
        let window = "org.keepassxc.KeePassXC.MainWindow"
        try daemon.wait(for: "window") { try bus.hasOwner(window) ? () : nil }
        let answer = try bus.call(
            window, "/keepassxc", "\(window).openDatabase",
            bus.sandbox.file(KeePassXC.database), KeePassXC.password)
        guard answer != nil else { throw SandboxError("keepassxc opens no database") }
    }

    private static let logins = "/org/freedesktop/secrets/collection/logins"
    private static let password = "the database's"
    private static let database = "home/logins.kdbx"

    /// Makes an empty database, whose root group may be exposed to the Secret Service's clients.
    private static func makeDatabase(in sandbox: Sandbox, exposesGroup: Bool) throws {
        let name = exposesGroup ? "FDO_SECRETS_EXPOSED_GROUP" : "NOTHING_EXPOSED"
        let source = try sandbox.write(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <KeePassFile>
              <Meta>
                <CustomData>
                  <Item>
                    <Key>\(name)</Key>
                    <Value>{00010203-0405-0607-0809-0a0b0c0d0e0f}</Value>
                  </Item>
                </CustomData>
              </Meta>
              <Root><Group><UUID>AAECAwQFBgcICQoLDA0ODw==</UUID><Name>Root</Name></Group></Root>
            </KeePassFile>
            """, to: "logins.xml")
        let outcome = try sandbox.run(
            "keepassxc-cli", "import", "--quiet", "--set-password",
            source, sandbox.file(database), input: "\(password)\n\(password)\n")
        guard outcome.succeeded else { throw SandboxError("keepassxc-cli: \(outcome.errors)") }
    }
}
