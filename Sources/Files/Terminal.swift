internal import CLibc
internal import CPlatform
package import Credentials

/// The terminal is `/dev/tty`, on which the user is asked. Its settings are restored however the
/// question ends.
///
/// One process of a user asks at a time, and one at each terminal. Otherwise several helpers that a
/// client starts at once would each get a part of the typed text, and turn the echo on for each
/// other.
package struct Terminal: Sendable {
    /// The longest answer, in bytes.
    package static let limit = 4096

    /// The folder of the lock that every asking process holds; nil to use the terminal's own lock
    /// only.
    private let lockFolder: Folder?
    /// Runs whenever this waits for the user, or for another question, so that a watchdog waits
    /// too.
    private let willWait: @Sendable () -> Void

    package init(lockFolder: Folder?, willWait: @escaping @Sendable () -> Void = {}) {
        self.lockFolder = lockFolder
        self.willWait = willWait
    }

    /// Waits until no other process asks; returns nil if there is no terminal.
    ///
    /// Throws `timedOut` if another question is open for a minute.
    package func takeTurn() throws(StoreError) -> Turn? {
        var turn = Turn(of: self)
        guard try turn.take() else { return nil }
        return turn
    }

    /// True if there is a terminal.
    package var isPresent: Bool {
        let device = platform_terminal_device()
        if device >= 0 { _ = Descriptor(owning: device) }
        return Int(device) != Int(platform_terminal_absent)
    }

    /// Asks one question; returns nil if there is no terminal. See `Turn.ask`.
    package func ask(
        _ question: String, for noun: String, seconds: Int, shows: Bool = false
    ) throws(StoreError) -> Secret? {
        guard var turn = try takeTurn() else { return nil }
        return try turn.ask(question, for: noun, seconds: seconds, shows: shows)
    }

    /// A turn is the time in which no other process asks. It ends when the value goes out of scope.
    package struct Turn: ~Copyable {
        private let terminal: Terminal
        private var usersLock: Folder.Lock?
        private var terminalsLock: Folder.Lock?

        fileprivate init(of terminal: Terminal) { self.terminal = terminal }

        /// Returns the text that was typed; nil if the terminal, or the process that waits for the
        /// answer, is gone. `noun` names what is asked for, in errors; `shows` is true if the text
        /// is shown as it is typed; `notice` is a line above the question.
        ///
        /// Throws `timedOut` if nothing was typed in time, `declined` if the answer is empty. A
        /// signal that arrives meanwhile is raised again once the terminal is restored; a signal
        /// that stops the process lets other processes ask until it is continued.
        package mutating func ask(
            _ question: String, notice: String? = nil, for noun: String, seconds: Int,
            shows: Bool = false
        ) throws(StoreError) -> Secret? {
            let text = (notice.map { $0.printable + "\n" } ?? "") + question.printable
            while true {
                terminal.willWait()
                noteProgress()
                var result: Int32 = 0
                let answer = Secret(capacity: Terminal.limit) { output in
                    unsafe output.withUnsafeMutableBufferPointer { memory, filled in
                        result = unsafe platform_terminal_ask(
                            text, memory.baseAddress!, Int32(memory.count),
                            UInt32(clamping: seconds), shows)
                        filled = max(0, Int(result))
                    }
                }
                switch Int(result) {
                case Int(platform_terminal_absent): return nil
                case Int(platform_terminal_stopped):
                    letOthers()
                    guard platform_terminal_stop(), try take() else { return nil }
                case Int(platform_terminal_timed_out):
                    throw StoreError(.answerTimedOut, "no \(noun) was typed within \(seconds) s")
                case Int(platform_terminal_too_long):
                    throw StoreError(
                        .tooLong, "a \(noun) that is typed cannot be longer than 4094 bytes")
                case Int(platform_terminal_interrupted), 0:
                    throw StoreError(.notAnswered, "no \(noun) was typed")
                default: return answer
                }
            }
        }

        // MARK: Taking turns

        /// Returns false if there is no terminal.
        fileprivate mutating func take() throws(StoreError) -> Bool {
            let device = platform_terminal_device()
            guard Int(device) != Int(platform_terminal_absent) else { return false }
            let descriptor = device < 0 ? nil : Descriptor(owning: device)
            // A home that cannot be written to, or is another user's, has no such lock.
            if let folder = terminal.lockFolder, let opened = try? folder.create(),
                let file = try? opened.openLock("prompt")
            {
                try wait(for: file)
                usersLock = Folder.Lock(holding: file)
            }
            // This lock also separates processes with other homes and of other users, as under
            // `sudo`.
            if let descriptor {
                try wait(for: descriptor)
                terminalsLock = Folder.Lock(holding: descriptor)
            }
            return true
        }

        private mutating func letOthers() {
            usersLock = nil
            terminalsLock = nil
        }

        /// The longest time that another question may be open, in seconds, before this one is given
        /// up. The time starts again with each new question.
        private static let patience = 60

        private mutating func wait(for file: borrowing Descriptor) throws(StoreError) {
            var last: FileStatus?
            var end = 0
            while true {
                let result = platform_lock(file.number, 0)
                if result == 1 { return }
                // Without locks in the file system, no process can wait for another.
                guard result == 0 else { return }
                var now = timespec()
                unsafe clock_gettime(CLOCK_MONOTONIC, &now)
                let status = try? file.status()
                let isUnchanged = last.flatMap { status?.wasChangedWith($0) } ?? false
                if !isUnchanged {
                    last = status
                    end = now.tv_sec + Turn.patience
                }
                guard now.tv_sec < end else {
                    throw StoreError(
                        .anotherQuestion, "another keyfob prompt is waiting for an answer",
                        hint: "answer it, or end the program that asks, then try again")
                }
                terminal.willWait()
                usleep(20_000)
            }
        }

        /// Tells the waiting processes that the user is answering.
        private borrowing func noteProgress() { usersLock?.touch() }
    }
}
