internal import CPlatform
package import Credentials
internal import Glibc

/// A kernel key is a secret that the kernel keeps in its own memory, under a name and for a time, and
/// gives to processes of this user alone. It is never written to a disk, and a reboot ends it.
///
/// How it is kept: user-keyring(7), session-keyring(7). Its payload is a byte that is 1, the second at
/// which it ends (8 bytes, little endian, counted from the start of the system), and the content.
package struct KernelKey: Hashable, Sendable {
    /// The processes that are given it.
    package enum Scope: String, CaseIterable, Sendable {
        /// All of this user, also those of cron and of later logins.
        case user
        /// Those of this login session alone.
        case session
    }

    package let name: String
    package let scope: Scope

    /// The longest content, in bytes.
    package static let limit = 4096

    /// `name` begins with `keyfob:`, and has neither white space nor a NUL.
    package init(_ name: String, _ scope: Scope) {
        self.name = name
        self.scope = scope
    }

    /// Why the kernel does not keep a key.
    package enum Failure: Error, Hashable {
        /// The process is in no login session of its own, so that there is nothing to keep it for.
        case noSession
        /// Such as EPERM where a container forbids the calls, EDQUOT where the user has too many.
        case refused(SystemError)
    }

    /// Keeps the content for so many seconds, in place of what this name and scope had.
    package func publish(_ content: Secret, seconds: Int) throws(Failure) {
        precondition(content.count <= KernelKey.limit && seconds > 0, "it is short, and has a time")
        let end = KernelKey.now + UInt64(seconds)
        let payload = Secret(capacity: KernelKey.overhead + content.count) { output in
            output.append(1)
            for byte in 0..<8 { output.append(UInt8(truncatingIfNeeded: end >> (8 * byte))) }
            output.append(content)
        }
        let result = payload.expose { bytes in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                unsafe platform_key_publish(
                    name, bytes.baseAddress!, bytes.count, UInt32(seconds), scope == .session)
            }
        }
        guard result != platform_key_no_session else { throw .noSession }
        guard result == 0 else { throw .refused(SystemError(code: -result)) }
    }

    /// What is kept, and for how many seconds yet. Nil where there is none that can be read, for
    /// whatever reason: the caller goes on as without it.
    package func read() -> (content: Secret, secondsLeft: Int)? {
        let number = unsafe platform_key_find(name, scope == .session)
        guard number > 0 else { return nil }
        let payload = Secret(capacity: KernelKey.overhead + KernelKey.limit) { output in
            unsafe output.withUnsafeMutableBufferPointer { memory, filled in
                let count = unsafe platform_key_read(number, memory.baseAddress!, memory.count)
                filled = count <= memory.count ? max(0, count) : 0
            }
        }
        guard payload.count >= KernelKey.overhead else { return nil }
        let (version, end) = payload.expose { bytes in
            (bytes[0], (1...8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) })
        }
        let now = KernelKey.now
        guard version == 1, end > now, end - now <= UInt64(Int32.max) else { return nil }
        return (payload[KernelKey.overhead..<payload.count], Int(end - now))
    }

    /// Ends it, if it is there.
    package func remove() {
        let number = unsafe platform_key_find(name, scope == .session)
        if number > 0 { _ = platform_key_remove(number) }
    }

    /// The names of all keys of this user that begin so, by their numbers, of every scope and session.
    /// Nil where the kernel does not show them, as in a container.
    package static func all(_ prefix: String) -> [Int32: String]? {
        guard let table = try? Descriptor.ofFile("/proc/keys") else { return nil }
        var text: [UInt8] = []
        while let more = try? table.start(atMost: 1 << 16), !more.isEmpty { text += more }
        guard !text.isEmpty else { return nil }
        var keys: [Int32: String] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard let (number, name) = key(in: line), name.utf8.starts(with: prefix.utf8) else {
                continue
            }
            keys[number] = name
        }
        return keys
    }

    /// Ends all keys of this user whose names begin so, and returns those that remain; nil where they
    /// cannot be seen.
    package static func removeAll(_ prefix: String) -> [Int32: String]? {
        for number in all(prefix)?.keys.sorted() ?? [] { _ = platform_key_remove(number) }
        return all(prefix)
    }

    /// What stands before the content.
    private static let overhead = 9

    /// Seconds since the system was started, in which a clock that is set has no part.
    private static var now: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec)
    }

    /// The number and the name in a line of /proc/keys (proc(5), proc_keys(5)), of a key of this user
    /// that has not ended:
    /// `09ce00ca I--Q---     1   5m 003f0000  1000  1000 user      NAME: 41`.
    private static func key(in line: ArraySlice<UInt8>) -> (number: Int32, name: String)? {
        let fields = line.split(separator: UInt8(ascii: " ")).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard fields.count >= 9, let number = Int32(fields[0], radix: 16), fields[7] == "user",
            Int(fields[5]).map({ UInt32(truncatingIfNeeded: $0) }) == System.user,
            // Revoked, dead or invalidated.
            !fields[1].utf8.contains(where: { "RDi".utf8.contains($0) }), fields[3] != "expd"
        else { return nil }
        let name = fields[8]
        return (number, name.hasSuffix(":") ? String(name.dropLast()) : name)
    }
}
