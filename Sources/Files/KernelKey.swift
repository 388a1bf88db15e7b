internal import CLibc
internal import CPlatform
package import Credentials

/// A kernel key is a secret that the kernel keeps in its own memory, under a name and for a limited
/// time, and gives only to processes of this user. It is never written to a disk, and a reboot
/// removes it.
///
/// The keyrings are those of user-keyring(7) and session-keyring(7). The payload is a byte that is
/// 1, the second at which it expires (8 bytes, little endian, counted from the start of the
/// system), and the content.
package struct KernelKey: Hashable, Sendable {
    /// The processes that may read it.
    package enum Scope: String, CaseIterable, Sendable {
        /// All processes of this user, including those of cron and of later logins.
        case user
        /// Only the processes of this login session.
        case session
    }

    package let name: String
    package let scope: Scope

    /// The longest content, in bytes.
    package static let limit = 4096

    /// Makes a key; `name` must begin with `keyfob:`, and contain neither white space nor a NUL.
    package init(_ name: String, _ scope: Scope) {
        self.name = name
        self.scope = scope
    }

    /// The reason why the kernel does not keep a key.
    package enum Failure: Error, Hashable {
        /// The process is in no login session of its own, so the key would have no session.
        case noSession
        /// The user has the most keys, or the most bytes of keys, that the kernel allows.
        case tooMany
        /// The kernel refused, for example with EPERM if a container forbids the calls.
        case refused(SystemError)
    }

    /// Keeps the content for so many seconds, in place of the key with this name and scope.
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
        guard result != -EDQUOT else { throw .tooMany }
        guard result == 0 else { throw .refused(SystemError(code: -result)) }
    }

    /// Returns the content, and the number of seconds until it expires; nil if there is none or it
    /// cannot be read. The caller then works as if there were no key.
    package func read() -> (content: Secret, secondsLeft: Int)? {
        // Another process may replace the key between the search and the reading.
        for _ in 0..<3 {
            let number = unsafe platform_key_find(name, scope == .session)
            guard number > 0 else { return nil }
            if let payload = KernelKey.payload(of: number) { return KernelKey.parse(payload) }
        }
        return nil
    }

    /// Returns what the kernel keeps under this number; nil if it cannot be read.
    private static func payload(of number: Int32) -> Secret? {
        var isRead = false
        let payload = Secret(capacity: overhead + limit) { output in
            unsafe output.withUnsafeMutableBufferPointer { memory, filled in
                let count = unsafe platform_key_read(number, memory.baseAddress!, memory.count)
                isRead = count >= 0
                filled = count <= memory.count ? max(0, count) : 0
            }
        }
        return isRead ? payload : nil
    }

    private static func parse(_ payload: Secret) -> (content: Secret, secondsLeft: Int)? {
        guard payload.count >= overhead else { return nil }
        let head = payload[0..<overhead].publicBytes
        let end = head[1...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let now = now
        guard head[0] == 1, end > now, end - now <= UInt64(Int32.max) else { return nil }
        return (payload[overhead..<payload.count], Int(end - now))
    }

    /// Removes the key, if it is there.
    package func remove() {
        let number = unsafe platform_key_find(name, scope == .session)
        if number > 0 { _ = platform_key_remove(number) }
    }

    /// Returns the names of all keys of this user that begin with `prefix` and can be had, by their
    /// numbers, of every scope and session; nil if the kernel does not show them, as in a
    /// container.
    package static func all(_ prefix: String) -> [Int32: String]? {
        shown(prefix).map { names(of: $0.filter { $0.canBeHad }) }
    }

    /// Removes all keys of this user whose names begin with `prefix`, and returns those that
    /// remain, also if nobody can have them any more; nil if they cannot be seen.
    package static func removeAll(_ prefix: String) -> [Int32: String]? {
        var left: [Shown] = []
        // The kernel shows a key for a moment after it was removed, or its process has ended.
        for _ in 0..<200 {
            guard let keys = shown(prefix) else { return nil }
            left = keys
            let results = keys.filter { !$0.isEnding }.map { platform_key_remove($0.number) }
            guard !keys.isEmpty, !results.contains(-EPERM), !results.contains(-ENOSYS) else {
                break
            }
            usleep(10_000)
        }
        return names(of: left)
    }

    private static func names(of keys: [Shown]) -> [Int32: String] {
        var names: [Int32: String] = [:]
        for key in keys { names[key.number] = key.name }
        return names
    }

    /// The number of bytes before the content.
    private static let overhead = 9

    /// The seconds since the system was started, which do not depend on the date that is set.
    private static var now: UInt64 { System.uptime / 1000 }

    // MARK: The kernel's table

    /// A key as a line of /proc/keys shows it (proc(5), proc_keys(5)):
    /// `09ce00ca I--Q---     1   5m 003f0000  1000  1000 user      NAME: 41`.
    private struct Shown {
        let number: Int32
        let name: String
        /// True if it was removed or replaced, and the kernel is about to drop it.
        let isEnding: Bool
        /// True if a process of this user may have it.
        let canBeHad: Bool

        /// Nil if it is not a key of this user.
        init?(_ line: ArraySlice<UInt8>) {
            let fields = line.split(separator: UInt8(ascii: " ")).map {
                String(decoding: $0, as: UTF8.self)
            }
            guard fields.count >= 9, let number = Int32(fields[0], radix: 16), fields[7] == "user",
                Int(fields[5]).map({ UInt32(truncatingIfNeeded: $0) }) == System.user
            else { return nil }
            self.number = number
            name = fields[8].hasSuffix(":") ? String(fields[8].dropLast()) : fields[8]
            // These flags mean dead and invalidated; the number is how often the key is used.
            isEnding = fields[1].utf8.contains { "Di".utf8.contains($0) } || fields[2] == "0"
            // A revoked key, too, is kept for a time and given to nobody. These rights are those of
            // a key that a process is making, in its own keyring (`platform_key_publish`).
            canBeHad =
                !isEnding && fields[3] != "expd" && !fields[1].utf8.contains(UInt8(ascii: "R"))
                && fields[4] != "3f010000"
        }
    }

    /// Returns the keys of this user whose names begin with `prefix`; nil if they cannot be seen.
    private static func shown(_ prefix: String) -> [Shown]? {
        // The table is empty until the kernel has made the user's keyring; a search makes it.
        let found = unsafe platform_key_find(prefix, false)
        guard let text = try? table() else {
            // A kernel without keys has no such table. Its calls may be missing, and the table, if
            // a sandbox hides them; such a one shows no other file of the system either.
            return found == -ENOSYS && FileStatus(of: "/proc/version") != nil ? [] : nil
        }
        guard !text.isEmpty else { return nil }
        return text.split(separator: UInt8(ascii: "\n")).compactMap(Shown.init)
            .filter { $0.name.utf8.starts(with: prefix.utf8) }
    }

    /// Returns the content of /proc/keys; nil if there is no such file. Half of it would hide keys.
    private static func table() throws(SystemError) -> [UInt8]? {
        guard let file = try Descriptor.ofFile("/proc/keys") else { return nil }
        var text: [UInt8] = []
        while true {
            let more = try file.start(atMost: 1 << 16)
            if more.isEmpty { return text }
            text += more
        }
    }
}
