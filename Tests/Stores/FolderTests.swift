import Credentials
import Foundation
import Sandbox
import StoreContract
import Synchronization
import Testing

@testable import Files
@testable import Stores

/// A folder: what it refuses to trust, and what it creates.
struct FolderTests {
    /// A file that is not the user's alone, in the place of the store.
    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// What is done to the home before the store is asked.
        let make: @Sendable (TemporaryHome) throws -> Void
        /// Why, as `Sentence` is written, without the home's path.
        let message: String
        var needsRoot = false
    }

    static let faults: [Fault] = [
        Fault(
            testDescription: "a file of another user",
            make: { try #require(unsafe chown($0.file, 0, 0) == 0) },
            message: "<foreign-file|/data/keyfob/credentials|0|UID>",
            needsRoot: true),
        Fault(
            testDescription: "mode 0644",
            make: { try #require(unsafe chmod($0.file, 0o644) == 0) },
            message: "<open-to-others|/data/keyfob/credentials|0644>"),
        Fault(
            testDescription: "mode 0620",
            make: { try #require(unsafe chmod($0.file, 0o620) == 0) },
            message: "<open-to-others|/data/keyfob/credentials|0620>"),
        Fault(
            testDescription: "mode 0000",
            make: { try #require(unsafe chmod($0.file, 0) == 0) },
            message: "<system-error|open|/data/keyfob/credentials|permission denied>"),
        Fault(
            testDescription: "a symbolic link in its place",
            make: {
                try #require(unsafe rename($0.file, $0.file + ".real") == 0)
                try #require(unsafe symlink("credentials.real", $0.file) == 0)
            },
            message: "<symbolic-link|/data/keyfob/credentials>"),
        Fault(
            testDescription: "a second hard link",
            make: { try #require(unsafe link($0.file, $0.file + ".second") == 0) },
            message: "<hard-linked|/data/keyfob/credentials|2>"),
        Fault(
            testDescription: "a FIFO in its place",
            make: {
                try #require(unsafe rename($0.file, $0.file + ".real") == 0)
                try #require(unsafe mkfifo($0.file, 0o600) == 0)
            },
            message: "<wrong-kind-of-file|/data/keyfob/credentials>"),
        Fault(
            testDescription: "a directory in its place",
            make: {
                try #require(unsafe rename($0.file, $0.file + ".real") == 0)
                try #require(unsafe mkdir($0.file, 0o700) == 0)
            },
            message: "<wrong-kind-of-file|/data/keyfob/credentials>"),
        Fault(
            testDescription: "a folder of another user",
            make: { try #require(unsafe chown($0.data.path, 0, 0) == 0) },
            message: "<foreign-file|/data/keyfob|0|UID>",
            needsRoot: true),
        Fault(
            testDescription: "a folder that others may enter",
            make: { try #require(unsafe chmod($0.data.path, 0o755) == 0) },
            message: "<open-to-others|/data/keyfob|0755>"),
        Fault(
            testDescription: "a symbolic link in the folder's place",
            make: {
                try #require(unsafe rename($0.data.path, $0.data.path + ".real") == 0)
                try #require(unsafe symlink("keyfob.real", $0.data.path) == 0)
            },
            message: "<symbolic-link|/data/keyfob>"),
        Fault(
            testDescription: "a file in the folder's place",
            make: {
                try #require(unsafe rename($0.data.path, $0.data.path + ".real") == 0)
                try $0.write([], to: $0.data.path)
            },
            message: "<wrong-kind-of-file.folder|/data/keyfob>"),
        Fault(
            testDescription: "a key that others may read",
            make: { try #require(unsafe chmod($0.key, 0o640) == 0) },
            message: "<open-to-others|/state/keyfob/key|0640>"),
        Fault(
            testDescription: "a second name of the key",
            make: { try #require(unsafe link($0.key, $0.path + "/key") == 0) },
            message: "<hard-linked|/state/keyfob/key|2>"),
    ]

    @Test(arguments: faults)
    func whatIsNotTheUsersAloneIsRefusedAndStays(_ fault: Fault) throws {
        guard geteuid() == 0 || !fault.needsRoot else { return }
        let home = try unprivilegedHome()
        #expect(try run(home, "save", "a.example", "ann") == Probe.Outcome(lines: [], status: 0))
        let path = home.file
        let file = try home.read(path)
        try fault.make(home)
        let expected = Sentence.withCode(fault.message)
            .replacing(" /", with: " \(home.path)/", maxReplacements: 1)
            .replacing("UID", with: "\(geteuid() == 0 ? Probe.nobody : geteuid())")
        for words in [
            ["get", "a.example"], ["list"], ["save", "a.example", "bob"],
            ["save", "b.example", "bob"], ["remove", "a.example"],
        ] {
            let outcome = try Probe(home, words, unprivileged: true).wait()
            #expect(outcome == Probe.Outcome(lines: [expected], status: 1), "\(words)")
        }
        // Whoever runs the tests may now look.
        unsafe chmod(path, 0o600)
        let real = [
            path, path + ".real", home.data.path + ".real/credentials",
        ].filter { home.exists($0) && (try? home.read($0)) == file }
        #expect(!real.isEmpty)
    }

    @Test func everyFaultHasAMessageOfItsOwn() {
        let messages = FolderTests.faults.map { $0.message }
        // A FIFO and a directory are both not a regular file.
        #expect(Set(messages).count == messages.count - 1)
    }

    @Test func aReadOnlyHomeIsReadAndAStoreSaysWhyItCannot() throws {
        let home = try unprivilegedHome()
        try #require(unsafe chmod(home.path, 0o500) == 0)
        defer { unsafe chmod(home.path, 0o700) }
        #expect(try run(home, "get", "a.example") == Probe.Outcome(lines: [], status: 0))
        #expect(try run(home, "remove", "a.example") == Probe.Outcome(lines: [], status: 0))
        let message = Sentence.withCode("<system-error|create|\(home.path)/data|permission denied>")
        #expect(
            try run(home, "save", "a.example", "ann")
                == Probe.Outcome(lines: [message], status: 1))
        #expect(!home.exists(home.path + "/data"))
    }

    @Test func aReadOnlyStoreIsReadAndAStoreSaysWhyItCannot() throws {
        let home = try unprivilegedHome()
        #expect(try run(home, "save", "a.example", "ann") == Probe.Outcome(lines: [], status: 0))
        let file = try home.read(home.file)
        try #require(unsafe chmod(home.data.path, 0o500) == 0)
        defer { unsafe chmod(home.data.path, 0o700) }
        #expect(try run(home, "get", "a.example") == Probe.Outcome(lines: ["ann"], status: 0))
        let message = Sentence.withCode("<system-error|write|\(home.file)|permission denied>")
        for words in [["save", "b.example", "bob"], ["remove", "a.example"]] {
            let outcome = try Probe(home, words, unprivileged: true).wait()
            #expect(outcome == Probe.Outcome(lines: [message], status: 1))
        }
        #expect(try home.read(home.file) == file)
    }

    // MARK: Creating

    @Test func missingDirectoriesAreCreatedForTheUserAlone() throws {
        let home = try TemporaryHome()
        _ = try Folder(home.path + "/a//b/c").create()
        for name in ["/a", "/a/b", "/a/b/c"] {
            #expect(try permissions(of: home.path + name) == 0o700)
        }
        _ = try Folder(home.path + "/a/b/c").create()
    }

    /// Under sudo, HOME may be another user's.
    @Test(.enabled(if: geteuid() == 0))
    func nothingIsCreatedUnderAnotherUsersHome() throws {
        let home = try unprivilegedHome()
        let error = try refusal { try home.store.save(login("a.example", "ann")) }
        #expect(
            error.withCode
                == Sentence.withCode(
                    "<foreign-folder|\(home.data.path)|\(home.path)|\(Probe.nobody)|0>"))
        #expect(try home.store.find(server("a.example")).isEmpty)
        #expect(try home.names(in: home.path) == [])
    }

    @Test func aDanglingLinkAboveIsNotCreatedThrough() throws {
        let home = try TemporaryHome()
        try #require(unsafe symlink("elsewhere", home.path + "/data") == 0)
        let error = try refusal { try home.store.save(login("a.example", "ann")) }
        #expect(
            error.withCode
                == Sentence.withCode("<system-error|create|\(home.path)/data|not a directory>"))
        #expect(try home.names(in: home.path) == ["data"])
    }

    @Test(arguments: ["", "relative/keyfob", "a\u{0}b", "/"])
    func aPathThatIsNotAbsoluteIsRefused(_ path: String) throws {
        let error = try refusal { _ = try Folder(path).lock("x") }
        // The root is a folder, and everybody's.
        #expect(error.code == (path == "/" ? .openToOthers : .badPath))
    }

    @Test func aMessageIsOneLineWhateverThePath() throws {
        let error = try refusal { _ = try Folder("not\nabsolute\u{1B}[31m").lock("x") }
        #expect(error.withCode == Sentence.withCode(#"<bad-path|not\u000aabsolute\u001b[31m>"#))
    }

    // MARK: Whose it must be

    @Test func whatRootGivesMayBeReadByTheUsersGroup() throws {
        var status = stat()
        status.st_nlink = 1
        func isTrusted(_ owned: Ownership, owner: uid_t, mode: mode_t, user: uid_t) -> Bool {
            status.st_uid = owner
            status.st_mode = S_IFREG | mode
            return (try? owned.check(FileStatus(status), of: "/key", user: user)) != nil
        }
        #expect(isTrusted(.mine, owner: 1000, mode: 0o600, user: 1000))
        #expect(isTrusted(.mine, owner: 1000, mode: 0o400, user: 1000))
        #expect(!isTrusted(.mine, owner: 1000, mode: 0o640, user: 1000))
        #expect(!isTrusted(.mine, owner: 0, mode: 0o600, user: 1000))
        #expect(!isTrusted(.mine, owner: 1001, mode: 0o600, user: 1000))
        #expect(isTrusted(.mineOrGivenByRoot, owner: 1000, mode: 0o600, user: 1000))
        #expect(!isTrusted(.mineOrGivenByRoot, owner: 1000, mode: 0o640, user: 1000))
        #expect(isTrusted(.mineOrGivenByRoot, owner: 0, mode: 0o440, user: 1000))
        #expect(!isTrusted(.mineOrGivenByRoot, owner: 0, mode: 0o460, user: 1000))
        #expect(!isTrusted(.mineOrGivenByRoot, owner: 0, mode: 0o444, user: 1000))
        #expect(!isTrusted(.mineOrGivenByRoot, owner: 1001, mode: 0o400, user: 1000))
        #expect(!isTrusted(.mineOrGivenByRoot, owner: 0, mode: 0o440, user: 0))
    }

    @Test func aFileThatHasJustBeenReplacedIsTrusted() throws {
        var status = stat()
        status.st_uid = geteuid()
        status.st_mode = S_IFREG | 0o600
        status.st_nlink = 0
        try Ownership.mine.check(FileStatus(status), of: "/credentials")
        status.st_nlink = 2
        #expect(throws: StoreError.self) {
            try Ownership.mine.check(FileStatus(status), of: "/credentials")
        }
    }

    // MARK: Files

    @Test func addingNeverReplacesAndReplacingDoes() throws {
        let home = try TemporaryHome()
        let folder = try home.data.create()
        let lock = try folder.lock("file")
        #expect(try folder.add("file", with: Secret(copying: [1, 2].span), under: lock))
        #expect(try !folder.add("file", with: Secret(copying: [3].span), under: lock))
        #expect(try home.read(home.data.path + "/file") == [1, 2])
        try folder.replace("file", with: Secret(copying: [4].span), under: lock)
        #expect(try home.read(home.data.path + "/file") == [4])
        #expect(try home.names(in: home.data.path) == ["file", "file.lock"])
    }

    @Test func aFileLongerThanItMayBeIsNotRead() throws {
        let home = try TemporaryHome()
        let folder = try home.data.create()
        try home.write([1, 2, 3, 4], to: home.data.path + "/file")
        #expect(try folder.read("file", atMost: 4)?.count == 4)
        let error = try refusal { _ = try folder.read("file", atMost: 3) }
        #expect(
            error.withCode == Sentence.withCode("<too-long.file|\(home.data.path)/file|3>"))
        #expect(try folder.read("missing", atMost: 3) == nil)
    }

    @Test func aLockIsHeldUntilItIsReleasedOrItsScopeIsLeft() throws {
        let home = try TemporaryHome()
        func isFree() throws -> Bool {
            let file = unsafe open(home.data.path + "/x.lock", O_RDWR)
            defer { close(file) }
            try #require(file >= 0)
            return flock(file, LOCK_EX | LOCK_NB) == 0
        }
        let lock = try home.data.lock("x")
        #expect(try !isFree())
        lock.release()
        #expect(try isFree())
        func fail() throws {
            let lock = try home.data.lock("x")
            #expect(try !isFree())
            try Folder("relative").lock("x").release()
            lock.release()
        }
        #expect(throws: StoreError.self) { try fail() }
        #expect(try isFree())
        #expect(home.exists(home.data.path + "/x.lock"))
    }

    @Test func aLockThatIsRemovedWhileItIsWaitedForIsNotHeld() throws {
        let home = try TemporaryHome()
        let lock = try home.data.lock("credentials")
        let writer = try Probe(home, ["save", "a.example", "ann"])
        let path = home.data.path + "/credentials.lock"
        // As soon as the writer has it open it waits.
        while try !isOpen(path, byOthersThan: getpid()) { usleep(1000) }
        try FileManager.default.removeItem(atPath: path)
        lock.release()
        #expect(
            writer.wait()
                == Probe.Outcome(
                    lines: [Sentence.withCode("<changed-meanwhile|\(path)>")], status: 1))
        #expect(try Probe(home, ["save", "a.example", "ann"]).wait().status == 0)
    }

    @Test func waitersGetALockInTheOrderInWhichTheyAsked() throws {
        let home = try TemporaryHome()
        let folder = home.data
        let lock = try folder.lock("x")
        let order = Mutex<[Int]>([])
        let waiters = DispatchGroup()
        for waiter in 0..<8 {
            waiters.enter()
            Thread.detachNewThread {
                defer { waiters.leave() }
                guard let lock = try? folder.lock("x") else { return }
                order.withLock { $0.append(waiter) }
                usleep(3000)
                lock.release()
            }
            usleep(50_000)
        }
        lock.release()
        waiters.wait()
        #expect(order.withLock { $0 } == Array(0..<8))
    }

    // MARK: Helpers

    /// A home of the user as whom probes run.
    private func unprivilegedHome() throws -> TemporaryHome {
        let home = try TemporaryHome()
        if geteuid() == 0 {
            try #require(unsafe chown(home.path, Probe.nobody, Probe.nobody) == 0)
        }
        return home
    }

    private func run(_ home: TemporaryHome, _ words: String...) throws -> Probe.Outcome {
        try Probe(home, words, unprivileged: true).wait()
    }

    private func isOpen(_ path: String, byOthersThan process: pid_t) throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").contains { number in
            guard let other = pid_t(number), other != process else { return false }
            let folder = "/proc/\(number)/fd"
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return files.contains { name in
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)"))
                    == path
            }
        }
    }

    private func permissions(of path: String) throws -> mode_t {
        var status = stat()
        try #require(unsafe stat(path, &status) == 0)
        return status.st_mode & 0o7777
    }
}
