/// An outcome is what a program left behind: its exit status and everything it wrote.
package struct Outcome: Sendable {
    /// The exit status; 128 and the signal's number for a program that a signal ended.
    package let status: Int32
    package let outputBytes: [UInt8]
    package let errorBytes: [UInt8]
    /// From its start to its end.
    package let seconds: Double

    package var succeeded: Bool { status == 0 }

    /// Standard output as text. For the exact bytes of a protocol compare `outputBytes`: equal
    /// strings may differ in bytes.
    package var output: String { String(decoding: outputBytes, as: UTF8.self) }

    /// Standard error as text.
    package var errors: String { String(decoding: errorBytes, as: UTF8.self) }
}

/// For failure messages, which must not tell secrets: what a program that succeeded has put out
/// is counted and not shown.
extension Outcome: CustomStringConvertible {
    package var description: String {
        let shown = succeeded ? "\(outputBytes.count) bytes" : output.debugDescription
        return "status \(status), output \(shown), errors \(errors.debugDescription)"
    }
}
