import Foundation

/// A guardian is a process that outlives the tests if they crash: it then ends the sandbox's
/// daemons and removes its folder.
struct Guardian {
    private let input: FileDescriptor

    init(of path: String) throws {
        let words = try Pipe()
        let silence = try FileDescriptor(opening: "/dev/null", O_RDWR)
        let program = Program(
            arguments: ["/bin/sh", "-c", Guardian.script, "sh", path],
            environment: ["PATH": "/usr/bin:/bin"], input: [],
            deadline: .seconds(0))
        _ = try program.spawn(
            input: words.reading.number, output: silence.number, errors: silence.number)
        input = words.writing
    }

    /// Tells it of a process group to end.
    func watch(_ group: pid_t) { _ = input.writeAvailable(Array("\(group)\n".utf8)[...]) }

    /// Lets it go: everything has been cleaned up.
    func dismiss() { _ = input.writeAvailable(Array("dismiss\n".utf8)[...]) }

    private static let script = """
        while read -r word; do
            case $word in
                dismiss) exit ;;
                *) groups="$groups -$word" ;;
            esac
        done
        [ -z "$groups" ] || kill -s KILL -- $groups
        rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
        """
}
