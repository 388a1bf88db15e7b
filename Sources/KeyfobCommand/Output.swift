internal import ArgumentParser
internal import Credentials
internal import JSON

/// How a command answers: in lines for people, or as one JSON object for scripts.
struct Output: ParsableArguments {
    @Flag(help: "Print JSON for scripts: see keyfob-json(5).")
    var json = false

    @Flag(name: .shortAndLong, help: "Print only errors and warnings.")
    var quiet = false

    /// Gives the answer: the lines, or an object of the members. An error that is given is part of
    /// the object, and for people it follows the lines.
    func answer(
        _ members: [JSON.Member], lines: @autoclosure () -> [String], error: StoreError? = nil,
        on console: Console
    ) throws(StoreError) {
        if json {
            try console.print(Output.object(members, error: error))
        } else {
            console.print(lines: lines())
        }
        if let error { console.report(error) }
    }

    /// Gives reports: a line for each, or an object whose `results` they are. What to do about
    /// problems follows. `isWhole` says whether all logins that there may be were seen.
    func answer(
        _ reports: [Report], dryRun: Bool, _ members: [JSON.Member] = [],
        error: StoreError? = nil, isWhole: Bool = true, on console: Console
    ) throws(StoreError) {
        let isDone = reports.isDone && error == nil && isWhole
        try answer(
            [JSON.Member("dryRun", .bool(dryRun)), JSON.Member("done", .bool(isDone && !dryRun))]
                + members + [JSON.Member("results", .array(reports.map(\.json)))],
            lines: reports.filter { !quiet || $0.problem != nil }.map(\.line), error: error,
            on: console)
        reports.hint(on: console)
    }

    /// The object of every answer; its version changes with what it means.
    static func object(_ members: [JSON.Member], error: StoreError?) -> JSON {
        .object(
            [JSON.Member("version", .integer(1))] + members
                + [JSON.Member("error", error?.json ?? .null)])
    }
}

/// A command that answers in either way.
protocol AnsweringCommand: ParsableCommand {
    var output: Output { get }
}

extension StoreError {
    /// What scripts are told of it.
    var json: JSON {
        ["code": .name(code.rawValue), "message": .name(message), "hint": .name(hint)]
    }
}

extension JSON {
    /// A string that holds no secret, or null. A NUL, which it cannot hold, ends it.
    static func name(_ string: String?) -> JSON {
        guard let string else { return .null }
        return .text(Text(String(string.prefix { $0 != "\0" })) ?? "")
    }
}
