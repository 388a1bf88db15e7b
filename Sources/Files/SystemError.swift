package import Credentials
internal import Glibc

/// A system error is an `errno`, and what the system calls it.
package struct SystemError: Error, Hashable {
    package let code: Int32

    package init(code: Int32) { self.code = code }

    package static let brokenPipe = SystemError(code: EPIPE)
    package static let notFound = SystemError(code: ENOENT)

    /// One line, lower case: `permission denied`.
    package var reason: String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        var reason = unsafe Array(String(cString: text).utf8)
        if let first = reason.first { reason[0] = first.lowerCased }
        return String(decoding: reason, as: UTF8.self)
    }

    /// What the call returned, once it was not interrupted; throws if that is -1.
    @discardableResult
    package static func check<Number: FixedWidthInteger>(
        _ call: () -> Number
    ) throws(SystemError) -> Number {
        while true {
            let result = call()
            guard result == -1 else { return result }
            let code = errno
            guard code == EINTR else { throw SystemError(code: code) }
        }
    }
}

/// What is said of it: `cannot VERB PATH: reason`.
package func failure(_ verb: String, _ path: String, _ error: SystemError) -> StoreError {
    let isFull = error.code == ENOSPC || error.code == EDQUOT
    return StoreError(
        isFull ? .diskFull : .systemError, "cannot \(verb) \(path): \(error.reason)",
        hint: isFull ? "make room on the disk" : nil)
}

/// What `body` returns; its system error as one for people.
package func attempt<Result: ~Copyable>(
    _ verb: String, _ path: String, _ body: () throws(SystemError) -> Result
) throws(StoreError) -> Result {
    do throws(SystemError) { return try body() } catch { throw failure(verb, path, error) }
}
