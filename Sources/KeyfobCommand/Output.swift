internal import ArgumentParser
internal import Credentials
internal import JSON

/// The options for a command's answer: lines for the user, or one JSON object for scripts.
struct Output: ParsableArguments {
    @Flag(help: "Print JSON for scripts: see keyfob-json(5).")
    var json = false

    @Flag(name: .shortAndLong, help: "Print only errors and warnings.")
    var quiet = false

    /// Prints the answer: the lines, or an object with the members. An error becomes part of the
    /// object; it is reported after the answer.
    func answer(
        _ members: JSON, lines: @autoclosure () -> [String], error: StoreError? = nil,
        on console: Console
    ) throws(StoreError) {
        if json {
            try console.print(Output.object(members, error: error))
        } else {
            console.print(lines: lines())
        }
        if let error { console.report(error) }
    }

    /// Prints reports: a line for each, or an object with the member `results`. The hints of their
    /// problems follow. `isWhole` says that no login may have been missed.
    func answer(
        _ reports: [Report], dryRun: Bool, _ members: JSON = [:], error: StoreError? = nil,
        isWhole: Bool = true, on console: Console
    ) throws(StoreError) {
        let isDone = reports.isDone && error == nil && isWhole
        try answer(
            ["dryRun": .bool(dryRun), "done": .bool(isDone && !dryRun)] + members
                + ["results": .array(reports.map(\.json))],
            lines: reports.filter { !quiet || $0.problem != nil }.map(\.line), error: error,
            on: console)
        reports.hint(on: console)
    }

    /// Returns the object of an answer. Its version changes if the meaning of a member changes.
    static func object(_ members: JSON, error: StoreError?) -> JSON {
        ["version": .integer(1)] + members + ["error": error?.json ?? .null]
    }
}

extension StoreError {
    /// The error as a JSON object.
    var json: JSON {
        ["code": .name(code.rawValue), "message": .name(message), "hint": .name(hint)]
    }
}

extension JSON {
    /// Returns a JSON string for text that is not secret, or null. The text ends before the first
    /// NUL, which a `Text` cannot contain.
    static func name(_ string: String?) -> JSON {
        guard let string else { return .null }
        return .text(Text(String(string.prefix { $0 != "\0" })) ?? "")
    }

    /// A number, or null.
    static func count(_ count: Int?) -> JSON { count.map { .integer(Int64($0)) } ?? .null }

    /// A time in seconds since 1970, or null.
    static func seconds(_ seconds: UInt64?) -> JSON {
        seconds.map { .integer(Int64(clamping: $0)) } ?? .null
    }
}
