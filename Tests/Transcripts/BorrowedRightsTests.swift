import Foundation
import Sandbox
import Testing

/// Only root can give a program away.
@Suite(.enabled(if: geteuid() == 0)) struct BorrowedRightsTests {
    @Test(arguments: ["u+s", "g+s"])
    func aProgramWithTheRightsOfAnotherRefusesToRun(mode: String) throws {
        let sandbox = try Sandbox()
        let outcome = try sandbox.run(
            "/bin/sh", "-c",
            """
            set -e
            cp -L "$(command -v docker-credential-keyfob)" "$TMPDIR"
            cd "$TMPDIR"
            chown 65534:65534 docker-credential-keyfob
            chmod \(mode) docker-credential-keyfob
            ./docker-credential-keyfob version
            """)
        #expect(outcome.status == 1)
        #expect(
            outcome.output == Sentence.expanding("<borrowed-rights>\n"))
    }
}
