internal import Clients
internal import Credentials
internal import JSON

/// A report is the result for one login, or for one setting, in one place: a line for the user, and
/// an object for scripts.
struct Report {
    enum Result: Text {
        case imported, exported, moved, removed, changed, restored
        /// The login replaced another one.
        case replaced
        /// The login or the setting was there already.
        case known, unchanged
        /// The other login is kept: the user prefers it, or it is newer.
        case dropped
        /// There was no login.
        case absent
        /// The login or the setting is unchanged, or is not in its target.
        case left, remains
        /// It is not known if the login remains.
        case unknown
    }

    /// The name of the store, the path of the file, or the program.
    let place: String
    let result: Result
    /// The result in words, for the user.
    var words: String
    /// The client, the server and the user of the login; nil if there is none.
    var client: String?
    var server: String?
    var username: String?
    /// The account of the login; nil if it is outside every account, or there is no login.
    var account: String?
    /// The error; nil if there is none.
    var problem: StoreError?
}

extension Report {
    /// Makes the report of a login: `words` come before its name, and `rest` comes after it.
    init(
        _ entry: Entry, as name: String? = nil, in place: String, _ result: Result, _ words: String,
        rest: String = "", problem: StoreError? = nil
    ) {
        self.init(
            place: place, result: result, words: "\(words) \(name ?? entry.description)\(rest)",
            client: entry.clientName, server: entry.serverName, username: entry.shownUser,
            account: entry.schema.account?.string, problem: problem)
    }

    /// Returns the same report; if its login names no account, as a login of this one.
    func `in`(_ account: AccountName?) -> Report {
        var report = self
        if server != nil { report.account = self.account ?? account?.string }
        return report
    }

    var line: String { "\(place): \(words)" + (problem.map { ": \($0.message)" } ?? "") }

    var json: JSON {
        [
            "client": .name(client), "server": .name(server), "username": .name(username),
            "account": .name(account), "place": .name(place), "result": .text(result.rawValue),
            "error": problem?.json ?? .null,
        ]
    }
}

extension Invocation {
    /// Returns the reports of these logins, and shows the progress unless nothing is done. Ends at
    /// the first error of the store, and returns that instead of the login's report.
    func reports<Login>(
        of logins: [Login], dryRun: Bool, _ report: (Login) -> Report
    ) -> (reports: [Report], failure: StoreError?) {
        defer { console.progress(0, of: 0) }
        var reports: [Report] = []
        for login in logins {
            let report = report(login)
            if let problem = report.problem, problem.isTheStores { return (reports, problem) }
            reports.append(report)
            if !dryRun { console.progress(reports.count, of: logins.count) }
        }
        return (reports, nil)
    }
}
