package import Credentials

/// The code of the error that the request throws; nil if it throws none.
package func code(_ request: () throws -> Void) -> ErrorCode? {
    do {
        try request()
        return nil
    } catch {
        return (error as? StoreError)?.code
    }
}

extension StoreError {
    /// The code, a colon and the message, as `Sentence.withCode` has it.
    package var withCode: String { "\(code.rawValue): \(message)" }
}
