internal import CLibc
package import Credentials

/// A system error is an `errno` and the system's words for it.
package struct SystemError: Error, Hashable {
    package let code: Int32

    package init(code: Int32) { self.code = code }

    /// The error of the call that has just failed.
    package static var last: SystemError { SystemError(code: libc_errno()) }

    package static let brokenPipe = SystemError(code: EPIPE)
    package static let notFound = SystemError(code: ENOENT)

    /// The reason on one line, in lower case: `permission denied`.
    package var reason: String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        var reason = unsafe Array(String(cString: text).utf8)
        if let first = reason.first { reason[0] = first.lowerCased }
        return String(decoding: reason, as: UTF8.self)
    }

    /// Returns the result of the call, which is repeated if it was interrupted; throws if the
    /// result is -1.
    @discardableResult
    package static func check<Number: FixedWidthInteger>(
        _ call: () -> Number
    ) throws(SystemError) -> Number {
        while true {
            let result = call()
            guard result == -1 else { return result }
            let error = SystemError.last
            guard error.code == EINTR else { throw error }
        }
    }
}

/// Returns the error `cannot VERB PATH: reason`.
package func failure(_ verb: String, _ path: String, _ error: SystemError) -> StoreError {
    let isFull = error.code == ENOSPC || error.code == EDQUOT
    return StoreError(
        isFull ? .diskFull : .systemError, "cannot \(verb) \(path): \(error.reason)",
        hint: isFull ? "make room on the disk" : nil)
}

/// Returns the result of `body`; throws its system error as a `StoreError`.
package func attempt<Result: ~Copyable>(
    _ verb: String, _ path: String, _ body: () throws(SystemError) -> Result
) throws(StoreError) -> Result {
    do throws(SystemError) { return try body() } catch { throw failure(verb, path, error) }
}
