internal import Credentials
internal import Files

extension Secret {
    /// The longest time without further input, in seconds.
    private static let patience = 60

    /// Reads standard input, or its first line. `noun` names the input in errors. Nil if it is
    /// longer than `limit` bytes.
    init?(
        fromStandardInput noun: String, atMost limit: Int, endsAtLine: Bool = false
    ) throws(StoreError) {
        do throws(Stream.Failure) {
            self = try Stream.input.read(
                atMost: limit, endsAtLine: endsAtLine, patience: Secret.patience)
        } catch {
            switch error {
            case .tooLong: return nil
            case .timedOut:
                throw StoreError(
                    .inputTimedOut,
                    "no \(noun) arrived on standard input within \(Secret.patience) s")
            case .system(let error):
                throw StoreError(.inputUnreadable, "cannot read the \(noun): \(error.reason)")
            }
        }
    }
}

extension StoreError {
    /// Returns the error if there is no terminal to ask at. `remedy` says how to give the answer
    /// instead.
    static func noTerminal(for noun: String, _ remedy: String) -> StoreError {
        StoreError(
            .noTerminal, "there is no terminal to ask for the \(noun)", hint: "give it \(remedy)")
    }
}
