import Foundation

/// A fault is how a call fails, as `FAULT_KIND` of the fault injector says it.
struct Fault: Sendable, Hashable, CustomStringConvertible {
    let kind: String

    /// The process dies before the call.
    static let death = Fault(kind: "kill")
    /// Half of the bytes are moved.
    static let short = Fault(kind: "short")
    /// None of the bytes is moved, and no error is reported.
    static let nothing = Fault(kind: "none")
    static let interrupted = Fault(kind: "\(EINTR)")
    static let broken = Fault(kind: "\(EIO)")
    static let full = Fault(kind: "\(ENOSPC)")
    static let overQuota = Fault(kind: "\(EDQUOT)")
    /// From that call on the disk refuses everything.
    static let brokenForGood = Fault(kind: "\(EIO)+")
    /// From that call on there is no room.
    static let fullForGood = Fault(kind: "\(ENOSPC)+")

    /// Those for which every run has time.
    static let some = [death, interrupted, broken, fullForGood, short]
    static let all = some + [full, overQuota, brokenForGood, nothing]

    /// What the system calls the error, in lower case; nil if it is none.
    var reason: String? {
        guard let code = Int32(kind.prefix { $0.isNumber }) else { return nil }
        let text = unsafe String(cString: strerror(code))
        return text.lowercased()
    }

    /// Whether all calls after it fail too.
    var stays: Bool { kind.hasSuffix("+") }

    /// Whether a call can meet it.
    func strikes(_ call: CallLog.Call) -> Bool {
        switch self {
        case .short, .nothing: ["read", "pread", "write"].contains(call.name)
        case .full, .overQuota, .fullForGood: call.takesRoom
        default: true
        }
    }

    var description: String { kind }
}
