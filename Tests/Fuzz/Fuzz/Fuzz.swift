import CFuzzer
import FuzzSubjects

/// The program that searches for an input that breaks a law: `Fuzz`, then what libFuzzer takes,
/// then `-ignore_remaining_args=1` and the subject's name.
@main
struct Fuzz {
    fileprivate static let subject = Subject.all.first { $0.name == CommandLine.arguments.last }

    static func main() {
        guard subject != nil else { fatalError("name a subject: \(Subject.all.map(\.name))") }
        var count = CommandLine.argc
        var arguments = unsafe Optional(CommandLine.unsafeArgv)
        _ = unsafe LLVMFuzzerRunDriver(&count, &arguments) { unsafe examine($0, $1) }
    }
}

/// Under this name libFuzzer's library looks for what it calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func examine(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe Fuzz.subject?.examine(start, count) ?? 0
}
