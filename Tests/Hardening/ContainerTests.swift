import Foundation
import Sandbox
import Testing

/// Rootless containers of a user whose file is unlocked: the kernel takes their root for that user.
@Suite(.enabled(if: geteuid() == 0, "only root can be several users"))
struct ContainerTests {
    /// What SECURITY.md says a container is given.
    struct Case: CustomTestStringConvertible {
        let scope: String
        /// False if containers.conf says that containers stay in the session that they are started in.
        let hasOwnSession: Bool
        let readsKey: Bool
        /// True if the helper in the container finds the key by its name, too.
        let opensFile: Bool

        var testDescription: String { "\(scope)\(hasOwnSession ? "" : ", in the user's session")" }

        static let all = [
            Case(scope: "user", hasOwnSession: true, readsKey: true, opensFile: false),
            Case(scope: "session", hasOwnSession: true, readsKey: false, opensFile: false),
            Case(scope: "session", hasOwnSession: false, readsKey: true, opensFile: true),
        ]
    }

    /// The real podman, and a container that has the number of the key, and the file.
    @Test(arguments: Case.all) func aContainerOfTheUser(_ it: Case) throws {
        let vault = try Vault()
        let sandbox = vault.sandbox
        try sandbox.write(
            "[containers]\nkeyring = \(it.hasOwnSession)\n", to: "containers.conf")
        try sandbox.write(ContainerTests.script, to: "script")
        let outcome = try sandbox.run(
            "keyctl", "session", "-", "sh", sandbox.file("script"), sandbox.path, it.scope,
            vault.login.server, input: vault.passphrase + "\n",
            environment: ["CONTAINERS_CONF": sandbox.file("containers.conf")])
        let lines = outcome.output.split(separator: "\n").map(String.init)
        try #require(lines.count == 4, "\(outcome)")
        #expect(lines[0] == "41 outside")
        #expect(lines[1] == "root in a container")
        #expect(lines[2] == (it.readsKey ? "41 inside" : "0 inside"))
        #expect(outcome.errors.contains("Permission denied") == !it.readsKey)
        let isOpen = lines[3] + "\n" == vault.login.answer
        #expect(isOpen == it.opensFile)
    }

    /// The container has the programs of the machine, and the sandbox. crun, podman's default, does
    /// without the control groups of some machines only if there is runc in its place.
    private static let script = #"""
        path=$1 scope=$2 server=$3
        keyfob unlock --scope "$scope" --password-stdin >/dev/null
        number=$((0x$(grep ' keyfob:file:' /proc/keys | grep -v '^[^ ]* [^ ]*i' | cut -d ' ' -f 1)))
        echo "$(keyctl pipe $number | wc -c) outside"
        mkdir -p "$path/root/proc" "$path/root/usr" "$path/root/tmp" "$path/root$path"
        for folder in bin lib lib64 sbin; do ln -s "usr/$folder" "$path/root/$folder"; done
        inside() {
            podman $options run --rm $groups --network=host --volume /usr:/usr:ro \
                --volume "$path:$path" --env PATH --env HOME --env XDG_DATA_HOME \
                --env XDG_STATE_HOME --env XDG_CONFIG_HOME --env KEYFOB_STORE=file \
                --rootfs "$path/root" /bin/sh -c "$@"
        }
        options= groups=
        if ! inside true 2>/dev/null; then
            options='--cgroup-manager=cgroupfs --runtime=runc' groups=--cgroups=no-conmon
        fi
        inside '
            [ $(id -u) = 0 ] && [ -e /run/.containerenv ] && echo "root in a container"
            echo "$(keyctl pipe $0 | wc -c) inside"
            printf %s "$1" | docker-credential-keyfob get
        ' $number "$server" 2>"$path/errors" || :
        grep -v level= "$path/errors" >&2
        # It goes on to hold the namespace.
        kill "$(cat "$XDG_RUNTIME_DIR/libpod/tmp/pause.pid")"
        """#
}
