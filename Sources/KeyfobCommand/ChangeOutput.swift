internal import ArgumentParser
internal import Credentials
internal import JSON

/// The options for the answer of a command that changes something.
struct ChangeOutput: ParsableArguments {
    @Flag(help: "Only show what would be done.")
    var dryRun = false

    @OptionGroup var form: Output

    var console: Console { form.console }

    /// Prints reports, and ends the command if there are problems or errors.
    func answer(
        _ reports: [Report], _ members: JSON = [:], errors: [StoreError?] = [],
        isWhole: Bool = true, ifEmpty note: String? = nil
    ) throws {
        try print(reports, members, errors: errors, isWhole: isWhole, ifEmpty: note)
        try end(reports, errors: errors, isWhole: isWhole)
    }

    /// Prints reports: a line for each, or an object with the member `results`. The hints of their
    /// problems follow; or the note, if there are neither reports nor errors. `isWhole` says that no
    /// login may have been missed.
    func print(
        _ reports: [Report], _ members: JSON = [:], errors: [StoreError?] = [],
        isWhole: Bool = true, ifEmpty note: String? = nil
    ) throws(StoreError) {
        let isDone =
            isWhole && errors.allSatisfy { $0 == nil } && reports.allSatisfy { $0.problem == nil }
        try form.print(
            ["dryRun": .bool(dryRun), "done": .bool(isDone && !dryRun)] + members
                + ["results": .array(reports.map(\.json))],
            lines: Array(
                reports.lazy.filter { !form.quiet || $0.problem != nil }.map(\.line)),
            errors: errors)
        for hint in Set(reports.compactMap(\.problem?.hint)).sorted() { console.hint(hint) }
        if let note, reports.isEmpty, errors.allSatisfy({ $0 == nil }) { console.note(note) }
    }

    /// Ends the command if there are problems or errors, or if a login may have been missed.
    func end(
        _ reports: [Report], errors: [StoreError?] = [], isWhole: Bool = true
    ) throws {
        try ExitStatus(errors + reports.map(\.problem)).exit()
        if !isWhole { try ExitStatus.notDone.exit() }
    }
}
