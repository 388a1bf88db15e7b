import Sandbox
import Testing

/// What another process of the same user can learn from a helper that runs, and what a helper
/// leaves that crashes. Both wait for their input.
@Suite struct OtherProcessTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox(unprivileged: true) }

    @Test func itsMemoryAndItsEnvironmentCannotBeRead() throws {
        let outcome = try run(
            """
            can_be_read() { head -c 1 "/proc/$1/$2" >/dev/null 2>&1; }
            sleep 60 & other=$!
            can_be_read "$other" environ || echo "this test says nothing: no process can be read"
            kill "$other"
            for file in mem environ maps smaps auxv stack; do
                ! can_be_read "$helper" "$file" || echo "$file can be read"
            done
            ! ls "/proc/$helper/fd" >/dev/null 2>&1 || echo "its files can be seen"
            kill "$helper"
            """)
        #expect(outcome.output == "")
    }

    @Test(arguments: ["ABRT", "BUS", "ILL", "SEGV", "TRAP"])
    func itLeavesNoCoreAndPrintsNoMemory(signal: String) throws {
        let outcome = try run(
            """
            kill -s \(signal) "$helper"
            wait "$helper"
            echo "$?"
            ls -A | grep -v '^input$'
            """)
        // A crash is an answer, and no more than a line of it.
        let line = "crashed (SIG\(signal)); nothing was changed\n"
        #expect(outcome.output == line + "1\n")
        #expect(outcome.errors == line)
    }

    /// Runs a script in an empty folder, with `$helper` the process that waits: once its memory
    /// is hidden, its files in /proc are root's.
    private func run(_ script: String) throws -> Outcome {
        let outcome = try sandbox.run(
            "bash", "-c",
            """
            cd "$TMPDIR"
            ulimit -c "$(ulimit -H -c)"
            mkfifo input
            exec 3<>input
            docker-credential-keyfob get <input 3>&- & helper=$!
            for _ in {1..500}; do
                [[ $(stat -c %u "/proc/$helper/environ") == "$UID" ]] || break
                sleep 0.01
            done
            \(script)
            """)
        return outcome
    }
}
