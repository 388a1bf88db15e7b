import Foundation

/// A call log is what the fault injector wrote down: the calls of a program about its home.
struct CallLog {
    struct Call: CustomStringConvertible {
        let number: Int
        let name: String
        let path: String
        /// The second path of a link or a rename; how a file is opened that is created.
        let second: String
        /// -1 where it failed.
        let result: Int

        /// Whether it can fail for want of room.
        var takesRoom: Bool {
            switch name {
            case "openat": !second.isEmpty
            case "write", "fsync", "mkdirat", "linkat", "renameat": true
            default: false
            }
        }

        var description: String { "\(number) \(name) \((path as NSString).lastPathComponent)" }
    }

    let calls: [Call]

    /// The log in this file; none if there is no such file.
    init(_ path: String) throws {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        calls = try text.split(separator: "\n").map { line in
            let words = line.split(separator: " ")
            guard let arrow = words.firstIndex(of: "->"), arrow >= 3, arrow + 1 < words.endIndex,
                let number = Int(words[0]), let result = Int(words[arrow + 1])
            else { throw CocoaError(.fileReadCorruptFile) }
            return Call(
                number: number, name: String(words[1]), path: String(words[2]),
                second: arrow == 4 ? String(words[3]) : "", result: result)
        }
    }

    /// What is wrong with their order, if a power failure at any moment must leave the old state
    /// or the new one, and the new one from the moment at which the program has ended well:
    ///
    /// - a file gets its name when its bytes are on the disk;
    /// - a name is made when all names made before it are on the disk, and with them the key
    ///   without which the store is worth nothing;
    /// - at the end every name is on the disk.
    ///
    /// - Parameter unsynced: folders whose names a writer before this one, which may have died,
    ///   may not have brought to the disk.
    func disorder(unsynced: Set<String> = []) -> [String] {
        var files: Set<String> = []
        var folders = unsynced
        var faults: [String] = []
        for call in calls where call.result >= 0 {
            switch call.name {
            case "openat" where call.second == "new", "write":
                files.insert(call.path)
            case "fsync":
                files.remove(call.path)
                folders.remove(call.path)
            case "mkdirat":
                folders.insert((call.path as NSString).deletingLastPathComponent)
            case "renameat", "linkat":
                if files.contains(call.path) { faults.append("\(call): bytes not on the disk") }
                if !folders.isEmpty { faults.append("\(call): names before not on the disk") }
                folders.insert((call.second as NSString).deletingLastPathComponent)
            default:
                break
            }
        }
        return folders.isEmpty ? faults : faults + ["names not on the disk at the end"]
    }
}
