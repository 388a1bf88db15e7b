import Credentials
import Files
import Foundation
import Stores

/// A home is a directory with a file store and a keyring marker in it, and what they hold.
struct Home {
    let path: String

    var data: String { path + "/data/keyfob" }
    var state: String { path + "/state/keyfob" }
    var key: String { state + "/key" }

    /// Where a program finds them.
    var environment: [String: String?] {
        [
            "HOME": path, "XDG_DATA_HOME": path + "/data", "XDG_STATE_HOME": path + "/state",
            "XDG_CONFIG_HOME": path + "/config", "KEYFOB_STORE": "file",
        ]
    }

    private func store(passphrase: String?) -> FileStore {
        var options = FileStore.Options(
            folder: Folder(data), keyFolder: Folder(state), notice: { _ in })
        options.passphrase = passphrase.map { Secret(copying: Array($0.utf8).span) }
        options.mayPrompt = false
        return FileStore(options)
    }

    var marker: KeyringMarker { KeyringMarker(in: Folder(state)) }

    /// The same home in another place.
    func copied(to path: String) throws -> Home {
        try FileManager.default.copyItem(atPath: self.path, toPath: path)
        return Home(path: path)
    }

    func remove() throws { try FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to path: String) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// The bytes of a file; nil if there is none.
    func bytes(of path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path).map { [UInt8]($0) }
    }

    /// The names of the files in both folders and in the marker's, but for the marks, sorted.
    /// A fault that hides the routes makes an erase wait for the lock of tokens if this user has any:
    /// that file does not count.
    func files() -> [String] {
        [data, state, state + "/in-keyring"].flatMap { folder in
            (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        }.filter { $0.wholeMatch(of: #/[0-9a-f]{32}|tokens\.lock/#) == nil }.sorted()
    }

    // MARK: What it holds

    /// `SERVER USER` for each login, sorted. Throws where the store or a login does not open.
    func logins(passphrase: String? = nil) throws -> [String] {
        let store = store(passphrase: passphrase)
        return try store.list(nil).entries.map { entry in
            let server = entry.attributes["server"] ?? ""
            let user = entry.attributes["username"]?.string ?? ""
            let found = try store.find(Query(.docker, ["server": server])).first
            let isItsOwn =
                found?["username"]?.string == user
                && found?.secret == Home.secret(of: user)
            return "\(server) \(user)" + (isItsOwn ? "" : " with another's secret")
        }.sorted()
    }

    /// The logins, and whether the passphrase protects them or the key.
    func protectedLogins() throws -> [String] {
        let logins = try logins(passphrase: Home.passphrase)
        return (logins + ["by \((try? self.logins()) == nil ? "passphrase" : "key")"]).sorted()
    }

    /// Those of these servers of which the marker says that they are in a keyring.
    func marks(among servers: [String]) throws -> [String] {
        try servers.filter { server in
            guard let text = Text(server), let place = Query(.docker, ["server": text]).place
            else { return false }
            return try marker.contains(place)
        }
    }

    /// As in `StoreProbe`.
    static func secret(of user: String) -> Secret {
        Secret(copying: Array(secretText(of: user).utf8).span)
    }

    static let passphrase = "open sesame"

    static func secretText(of user: String) -> String { "the secret of \(user)" }
}
