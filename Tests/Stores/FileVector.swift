import Credentials
import Foundation

@testable import Stores

/// A file vector is a store file, good or with one fault, and what must come of it.
///
/// It is a file of the folder Vectors: lines `NAME: VALUE` that a person can read, an empty line,
/// and the bytes of the store file as they are. The names are
///
/// - `about`: what there is to see;
/// - `key`: a raw key, in hexadecimal digits;
/// - `passphrase`: a passphrase;
/// - `length`: how long the file is, if zeros follow on these bytes;
/// - `refused`: why, as `Sentence` is written; `STORE` and `KEY` are the files' paths;
/// - `slot`: a slot of the header, and which of the keys above open it, counted from 1;
/// - `record`: a record as it is read, its secret in hexadecimal digits.
struct FileVector {
    let name: String
    var about: String
    var keys: [Key] = []
    var length: Int?
    var refused: String?
    var contents: [String] = []
    var bytes: [UInt8]

    enum Key {
        case raw([UInt8])
        case passphrase(String)

        static let usual = Key.raw(Array("the key that opens every vector.".utf8))

        var secret: Secret {
            switch self {
            case .raw(let bytes): Secret(copying: bytes.span)
            case .passphrase(let text): Secret(copying: Array(text.utf8).span)
            }
        }

        func fits(_ kind: FileFormat.Slot.Kind) -> Bool {
            switch (self, kind) {
            case (.raw, .raw), (.passphrase, .passphrase): true
            case (.raw, .passphrase), (.passphrase, .raw): false
            }
        }
    }

    struct SyntaxError: Error {
        let line: String
    }

    // MARK: The contents

    /// What can be read of a file with these keys. Throws if no slot opens.
    static func contents(of bytes: [UInt8], with keys: [Key]) throws -> [String] {
        let sealed = try FileFormat.Sealed(bytes)
        var dataKey: Secret?
        var lines: [String] = []
        for slot in sealed.header.slots {
            var numbers: [String] = []
            for (index, key) in keys.enumerated() where key.fits(slot.kind) {
                guard
                    let opened = try? slot.unwrap(with: key.secret, storeID: sealed.header.storeID)
                else { continue }
                dataKey = opened
                numbers.append("\(index + 1)")
            }
            let openers = numbers.isEmpty ? "none" : numbers.joined(separator: " and ")
            switch slot.kind {
            case .raw:
                lines.append("slot: raw, opened by \(openers)")
            case .passphrase(let cost):
                lines.append(
                    "slot: passphrase, \(cost.passes) passes over \(cost.kibibytes) KiB, opened by"
                        + " \(openers)")
            }
        }
        guard let dataKey else { throw SyntaxError(line: "no slot opens") }
        let body = try sealed.open(with: dataKey)
        for (index, tag) in sealed.header.tags.enumerated() {
            lines.append(
                try line(for: body.credential(at: index, updated: tag.updated), tag, sealed.header))
        }
        return lines
    }

    private static func line(
        for credential: Credential?, _ tag: FileFormat.Tag, _ header: FileFormat.Header
    ) -> String {
        guard let credential else { return "record: of an unknown realm" }
        let entry = credential.entry
        let attributes = entry.attributes.sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value.string.debugDescription)" }
        let secret = credential.secret.expose { secret in secret.indices.map { secret[$0] } }
        let isTagged = entry.place.map {
            header.indices(of: $0).contains { header.tags[$0] == tag }
        }
        return "record: \(entry.schema.rawValue), stored in second \(tag.updated), label"
            + " \(entry.label.string.debugDescription), \(attributes.joined(separator: ", ")),"
            + " secret \(secret.hexadecimal)" + (isTagged == true ? "" : ", not under its tag")
    }

    // MARK: The folder

    /// Every vector in it, by name.
    static var recorded: [FileVector] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasSuffix(suffix) }.sorted()
                .map { try FileVector(named: String($0.dropLast(suffix.count))) }
        }
    }

    func record() throws {
        var text = "about: \(about)\n"
        for key in keys {
            switch key {
            case .raw(let bytes): text += "key: \(bytes.hexadecimal)\n"
            case .passphrase(let words): text += "passphrase: \(words)\n"
            }
        }
        if let length { text += "length: \(length)\n" }
        if let refused { text += "refused: \(refused)\n" }
        for line in contents { text += "\(line)\n" }
        try (Data(text.utf8) + [0x0A] + bytes).write(to: FileVector.file(name))
    }

    private static let suffix = ".vector"
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Vectors").path

    private static func file(_ name: String) -> URL {
        URL(fileURLWithPath: "\(folder)/\(name)\(suffix)")
    }

    private init(named name: String) throws {
        let file = try Data(contentsOf: FileVector.file(name))
        guard let end = file.firstRange(of: Data("\n\n".utf8)) else {
            throw SyntaxError(line: "\(name) has no end of its header")
        }
        self.init(name: name, about: "", bytes: [UInt8](file[end.upperBound...]))
        for line in String(decoding: file[..<end.lowerBound], as: UTF8.self).split(separator: "\n")
        {
            guard let colon = line.firstRange(of: ": ") else {
                throw SyntaxError(line: String(line))
            }
            let value = String(line[colon.upperBound...])
            switch line[..<colon.lowerBound] {
            case "about": about = value
            case "key": keys.append(.raw(StoresTests.bytes(value)))
            case "passphrase": keys.append(.passphrase(value))
            case "length": length = Int(value)
            case "refused": refused = value
            case "slot", "record": contents.append(String(line))
            default: throw SyntaxError(line: String(line))
            }
        }
    }

    init(
        name: String, about: String, keys: [Key] = [], length: Int? = nil, refused: String? = nil,
        bytes: [UInt8]
    ) {
        self.name = name
        self.about = about
        self.keys = keys
        self.length = length
        self.refused = refused
        self.bytes = bytes
    }
}

extension [UInt8] {
    fileprivate var hexadecimal: String {
        map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
