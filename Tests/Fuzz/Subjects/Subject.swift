/// A subject is a part of Keyfob that reads what it did not write, and what must hold of it
/// whatever it reads. `make fuzz` searches for an input that breaks it, and `make test` replays
/// the inputs in `Corpus`, in a folder of the subject's name.
package struct Subject: Sendable {
    package let name: String
    private let laws: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, _ laws: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.laws = laws
    }

    package static let all = [
        dockerRequest, gitRequest, serverSpelling, credentialFile, configurationFile,
        registryAnswer, clientJSON, clientTOML, clientHCL,
    ]

    /// Lets it read the input, and throws a `Violation` if a law does not hold.
    package func examine(_ input: [UInt8]) throws { try laws(input) }

    /// As libFuzzer calls it. What breaks a law ends the process, so that libFuzzer keeps it.
    package func examine(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        do {
            try examine(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
        } catch {
            fatalError("\(name): \(error)")
        }
        return 0
    }
}
