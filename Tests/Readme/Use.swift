import Foundation
import Sandbox
import Testing

/// What a reader does with a block of a document, in a home of their own where Keyfob is installed.
enum Use {
    typealias Prepare = (Newcomer) throws -> Void

    /// They type it as a whole; `check`, typed then, must succeed.
    case typed(Prepare = { _ in }, answers: [Newcomer.Answer] = [], check: String = "")
    /// They type its lines one by one, which end with these statuses, else with 0; `check` as above.
    case lines(
        Prepare = { _ in }, answers: [Newcomer.Answer] = [], statuses: [Int32] = [],
        check: String = "")
    /// They type what stands after `$ `, and all else must be the answer.
    case transcript(Prepare = { _ in }, answers: [Newcomer.Answer] = [], status: Int32 = 0)
    /// They put it into this file; `check` as above.
    case file(String, Prepare = { _ in }, check: String)

    func follow(_ block: Readme.Block) throws {
        let newcomer = try Newcomer()
        try newcomer.install()
        switch self {
        case .typed(let prepare, let answers, let check):
            try prepare(newcomer)
            try newcomer.expect(block.text, answering: answers)
            try newcomer.expect(check)
        case .lines(let prepare, let answers, let statuses, let check):
            try prepare(newcomer)
            for (index, line) in block.lines.enumerated() {
                let asked = answers.filter { $0.line == index }
                let typed = try newcomer.type(line, answering: asked)
                let status = index < statuses.count ? statuses[index] : 0
                #expect(typed.outcome.status == status, "\(line): \(typed.outcome)")
            }
            try newcomer.expect(check)
        case .transcript(let prepare, let answers, let status):
            try prepare(newcomer)
            let seen = try type(block, as: newcomer, answers, status)
            #expect(seen == block.text)
        case .file(let name, let prepare, let check):
            try prepare(newcomer)
            try newcomer.sandbox.write(newcomer.placed(block.text), to: "block")
            try newcomer.expect(
                "mkdir -p \"$(dirname \(name))\"; cp \(newcomer.sandbox.file("block")) \(name)")
            try newcomer.expect(check)
        }
    }

    /// The transcript of its commands, as it happens.
    private func type(
        _ block: Readme.Block, as newcomer: Newcomer, _ answers: [Newcomer.Answer], _ status: Int32
    ) throws -> String {
        var seen = ""
        for line in block.lines where line.hasPrefix("$ ") {
            let typed = try newcomer.type(String(line.dropFirst(2)), answering: answers)
            #expect(typed.outcome.status == status, "\(line): \(typed.outcome)")
            let screen = typed.screen.replacing("\r\n", with: "\n")
            seen += line + "\n" + screen + typed.outcome.output + typed.outcome.errors
        }
        // The cursor stands behind a space where something is typed.
        return seen.replacing(newcomer.sandbox.file("home"), with: "/home/alice")
            .replacing(": \n", with: ":\n")
    }

    /// What is typed to see that a client asks Keyfob.
    static func asksKeyfob(_ client: String) -> String {
        "(keyfob status || :) | tee /dev/stderr | grep '^\(client)  *keyfob$'"
    }
}
