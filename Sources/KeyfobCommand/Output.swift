internal import ArgumentParser
internal import Credentials
internal import JSON

/// The options for a command's answer: lines for the user, or one JSON object for scripts.
struct Output: ParsableArguments {
    @Flag(help: "Print JSON for scripts: see keyfob-json(5).")
    var json = false

    @Flag(name: .shortAndLong, help: "Print only errors and warnings.")
    var quiet = false

    var console: Console { Console(isQuiet: quiet) }

    /// Prints the answer, and ends the command if there are errors.
    func answer(
        _ members: JSON, lines: @autoclosure () -> [String], errors: [StoreError?] = []
    ) throws {
        try print(members, lines: lines(), errors: errors)
        try ExitStatus(errors).exit()
    }

    /// Prints the answer: the lines, or an object with the members. The first error becomes part of
    /// the object, and is reported after the answer; the others are reported before it.
    func print(
        _ members: @autoclosure () -> JSON, lines: @autoclosure () -> [String],
        errors: [StoreError?] = []
    ) throws(StoreError) {
        let errors = errors.compactMap(\.self)
        for error in errors.dropFirst() { console.report(error) }
        if json {
            try console.print(Output.object(members(), error: errors.first))
        } else {
            console.print(lines: lines())
        }
        if let error = errors.first { console.report(error) }
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
