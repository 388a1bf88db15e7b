internal import Clients
internal import Credentials
internal import JSON

/// A report is what has become of one login, or of one setting, in one place: what import, export, move,
/// logout and setup say, as a line for people and an object for scripts.
struct Report {
    enum Result: Text {
        case imported, exported, moved, removed, changed, restored
        /// It took the place of another one.
        case replaced
        /// It was there already.
        case known, unchanged
        /// The other one is kept, as the user wants it.
        case dropped
        /// There was nothing.
        case absent
        /// It is where it was, or not where it was to go.
        case left, remains
        /// Nobody can tell.
        case unknown
    }

    /// The name of the store, the path of the file, or the program.
    let place: String
    let result: Result
    /// What happened there, for people.
    var words: String
    /// Whose it is.
    var client: String?
    var server: String?
    var username: String?
    /// Why it is not done; nil if it is.
    var problem: StoreError?
}

extension Report {
    /// Of a login; `words` go before its name, and `rest` after it.
    init(
        _ entry: Entry, as name: String? = nil, in place: String, _ result: Result, _ words: String,
        rest: String = "", problem: StoreError? = nil
    ) {
        self.init(
            place: place, result: result, words: "\(words) \(name ?? entry.description)\(rest)",
            client: entry.clientName, server: entry.serverName, username: entry.shownUser,
            problem: problem)
    }

    var line: String { "\(place): \(words)" + (problem.map { ": \($0.message)" } ?? "") }

    var json: JSON {
        [
            "client": .name(client), "server": .name(server), "username": .name(username),
            "place": .name(place), "result": .text(result.rawValue),
            "error": problem?.json ?? .null,
        ]
    }
}

extension [Report] {
    var isDone: Bool { allSatisfy { $0.problem == nil } }

    /// How a run ends that has told of them.
    var exitStatus: ExitStatus { ExitStatus(compactMap(\.problem)) }

    /// Says what to do about problems.
    func hint(on console: Console) {
        for hint in Set(compactMap(\.problem?.hint)).sorted() { console.hint(hint) }
    }
}
