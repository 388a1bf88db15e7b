internal import Credentials
internal import Files
internal import JSON

/// The setup record is the list of changes that `keyfob setup` has made, so that they can be
/// undone: the file `setup.json` in the state directory.
struct SetupRecord {
    /// One change of one file.
    struct Change: Hashable {
        let client: String
        /// The registry or host that the change is for; nil if it is for all of the client's.
        var registry: String?
        /// The account that the change names; nil if it names none.
        let account: String?
        let path: String
        /// True if the file did not exist before.
        let isNew: Bool
        /// The helper that the setting named before; nil if it named none.
        var before: String?
        /// The text that was removed, and the text that was inserted.
        var removed = ""
        var inserted = ""
        /// The offset of the change, in bytes; nil for a link, or in the record of an earlier version.
        var start: Int?
        /// The helper that the client used before without a setting that names it.
        var chosen: String?
        /// True if the path is that of a symbolic link that the setup made.
        var isLink = false
    }

    private(set) var changes: [Change] = []
    private let file: ClientFile
    private var lock: Held?

    private final class Held: Sendable {
        let lock: Folder.Lock

        init(_ lock: consuming Folder.Lock) { self.lock = lock }
    }

    init(in folder: String) throws(StoreError) {
        file = ClientFile(folder + "/setup.json")
        try read()
    }

    /// Makes all others who change a setup wait until this record is gone, and reads what they have
    /// recorded. Returns false if that has been done: else what was planned is to be planned anew.
    mutating func hold() throws(StoreError) -> Bool {
        guard lock == nil else { return false }
        lock = Held(try Folder(file.path.folder).lock("setup"))
        try read()
        return true
    }

    private mutating func read() throws(StoreError) {
        changes = []
        // The record decides which files an undo changes, and how.
        try file.requireOwn()
        guard let content = try file.read() else { return }
        guard let record = try? JSON(decoding: content), case .array(let values) = record["changes"]
        else { throw damage }
        for value in values {
            guard let change = Change(value) else { throw damage }
            changes.append(change)
        }
    }

    mutating func add(_ change: Change) throws(StoreError) {
        changes.append(change)
        try write()
    }

    mutating func remove(_ change: Change) throws(StoreError) {
        changes.removeAll { $0 == change }
        try write()
    }

    private func write() throws(StoreError) {
        let record: JSON = ["changes": .array(changes.map(\.json))]
        let content: Secret
        do throws(JSON.Fault) {
            content = try record.encoded()
        } catch {
            throw StoreError(.notEncodable, "\(file.path) cannot be written: \(error)")
        }
        try file.edit { _ throws(StoreError) in content }
    }

    private var damage: StoreError {
        StoreError(
            .recordDamaged, "\(file.path) is damaged, so it is not known what was changed",
            hint: "remove it, and take keyfob out of the clients' configuration by hand")
    }
}

extension SetupRecord.Change {
    fileprivate var json: JSON {
        [
            "client": .name(client), "registry": .name(registry),
            "account": .name(account), "path": .name(path),
            "isNew": .bool(isNew), "before": .name(before),
            "chosen": .name(chosen), "removed": .name(removed),
            "inserted": .name(inserted), "start": .count(start), "isLink": .bool(isLink),
        ]
    }

    fileprivate init?(_ json: JSON) {
        func text(_ name: Text) -> String? { json[name]?.text?.string }
        guard let client = text("client"), let path = text("path"),
            case .bool(let isNew) = json["isNew"], let removed = text("removed"),
            let inserted = text("inserted")
        else { return nil }
        var start: Int?
        if case .integer(let number) = json["start"] { start = Int(number) }
        var isLink = false
        if case .bool(let value) = json["isLink"] { isLink = value }
        self.init(
            client: client, registry: text("registry"), account: text("account"), path: path,
            isNew: isNew, before: text("before"), removed: removed, inserted: inserted,
            start: start, chosen: text("chosen"), isLink: isLink)
    }
}
