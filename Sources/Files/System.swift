internal import CLibc
internal import CPlatform
package import Credentials

/// The process as the system sees it: its user, its variables, its clock and its end.
package enum System {
    /// The user whose rights the process has.
    package static var user: UInt32 { geteuid() }

    /// Seconds since 1970.
    package static var seconds: UInt64 { UInt64(max(time(nil), 0)) }

    /// Returns the local time of a second since 1970; nil if there is none.
    package static func localTime(
        of seconds: UInt64
    ) -> (year: Int32, month: Int32, day: Int32, hour: Int32, minute: Int32)? {
        guard var seconds = time_t(exactly: seconds) else { return nil }
        var local = unsafe tm()
        guard unsafe localtime_r(&seconds, &local) != nil else { return nil }
        return unsafe (
            local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min
        )
    }

    /// The name by which the program was called, and its arguments. Bytes that are not UTF-8 become
    /// U+FFFD.
    package static var arguments: [String] {
        var arguments: [String] = []
        var next = unsafe platform_arguments()
        while let argument = unsafe next.pointee {
            unsafe arguments.append(String(cString: argument))
            unsafe next += 1
        }
        return arguments
    }

    /// A random number, which no other process is likely to have.
    static var randomNumber: UInt64 {
        var number: UInt64 = 0
        _ = unsafe getrandom(&number, MemoryLayout<UInt64>.size, 0)
        return number
    }

    /// The milliseconds since the system was started. They do not change when the clock is set.
    package static var uptime: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }

    package static func sleep(milliseconds: UInt32) { usleep(milliseconds * 1000) }

    /// Ends the process at once.
    package static func exit(_ status: Int32) -> Never { _exit(status) }

    /// Sets the texts that are written before and after the reason when the watchdog or a crash
    /// ends the process: `answer` for the client, if it is not nil, and `complaint` on standard
    /// error.
    package static func setLastWords(
        answer: (start: StaticString, end: StaticString)?,
        complaint: (start: StaticString, end: StaticString)
    ) {
        // A literal in memory ends in NUL.
        func text(_ literal: StaticString) -> UnsafePointer<CChar> {
            unsafe UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
        }
        unsafe platform_set_last_words(
            PlatformLastWords(
                answer_start: answer.map { unsafe text($0.start) },
                answer_end: answer.map { unsafe text($0.end) },
                complaint_start: text(complaint.start), complaint_end: text(complaint.end)))
    }

    /// Returns a variable of the environment; nil if there is none. Bytes that are not UTF-8 become
    /// U+FFFD.
    package static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Runs `body` with the variable in the environment, removes the variable, and returns the
    /// result.
    package static func with<Result, E: Error>(
        _ name: String, _ value: String, _ body: () throws(E) -> Result
    ) throws(E) -> Result {
        unsafe setenv(name, value, 1)
        defer { unsafe unsetenv(name) }
        return try body()
    }

    /// Returns a copy of a variable that is a secret; nil if there is none.
    package static func secret(_ name: String) -> Secret? {
        guard let value = unsafe getenv(name) else { return nil }
        let bytes = unsafe UnsafeRawBufferPointer(start: value, count: strlen(value))
        return Secret(copying: unsafe Span(_unsafeBytes: bytes))
    }

    /// Returns a variable that is a secret; nil if there is none. It is removed from the
    /// environment and wiped there, so that no other program inherits it.
    package static func takeVariable(_ name: String) -> Secret? {
        guard let value = unsafe getenv(name) else { return nil }
        let bytes = unsafe UnsafeMutableRawBufferPointer(start: value, count: strlen(value))
        let secret = Secret(copying: unsafe Span(_unsafeBytes: UnsafeRawBufferPointer(bytes)))
        unsafe explicit_bzero(bytes.baseAddress!, bytes.count)
        unsafe unsetenv(name)
        return secret
    }

    /// Returns all variables of the environment. The value of a variable that is not needed, which
    /// may be a secret, is not copied: it is given as `set`, or as empty.
    package static func variables(where isNeeded: (String) -> Bool) -> [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe libc_environment()
        while let entry = unsafe next.pointee {
            unsafe next += 1
            guard let equals = unsafe strchr(entry, Int32(UInt8(ascii: "="))) else { continue }
            let count = unsafe equals - entry
            let name = unsafe String(
                decoding: UnsafeRawBufferPointer(start: entry, count: count), as: UTF8.self)
            let isEmpty = unsafe equals[1] == 0
            variables[name] =
                isNeeded(name) ? unsafe String(cString: equals + 1) : isEmpty ? "" : "set"
        }
        return variables
    }

    /// The user's home in the password database; nil if there is none.
    package static var home: String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1 << 16) { buffer in
            var entry = unsafe passwd()
            var found: UnsafeMutablePointer<passwd>?
            let error = unsafe getpwuid_r(
                geteuid(), &entry, buffer.baseAddress!, buffer.count, &found)
            guard error == 0, unsafe found != nil, let home = unsafe entry.pw_dir else {
                return nil
            }
            // The path is a part of the buffer.
            return unsafe String(cString: home)
        }
    }
}
