/// A history is what many clients did with one server at the same time, and when.
///
/// It tells whether each answer was one that a single store could give: a read finds a login that
/// was being written before the read ended, and that no other write had certainly replaced before
/// the read began.
struct History {
    private typealias Time = ContinuousClock.Instant

    private struct Event {
        let time: ClosedRange<Time>
        /// The user of the login; nil for none.
        let user: String?

        func endsBefore(_ other: Event) -> Bool { time.upperBound < other.time.lowerBound }
    }

    private var writes: [Event] = []
    private var reads: [Event] = []

    /// A store, or an erase, which writes no user.
    mutating func wrote(_ user: String?, during time: ClosedRange<ContinuousClock.Instant>) {
        writes.append(Event(time: time, user: user))
    }

    mutating func found(_ user: String?, during time: ClosedRange<ContinuousClock.Instant>) {
        reads.append(Event(time: time, user: user))
    }

    /// What was found and cannot have been there.
    func impossible() -> [String] {
        reads.filter { !isPossible($0) }.map { "found \($0.user ?? "nothing")" }
    }

    private func isPossible(_ read: Event) -> Bool {
        let before = writes.filter { $0.endsBefore(read) }
        // At first there was nothing.
        if read.user == nil, before.isEmpty { return true }
        return writes.contains { write in
            write.user == read.user && write.time.lowerBound <= read.time.upperBound
                && !before.contains { write.endsBefore($0) }
        }
    }
}
