import Credentials
import Files
import Foundation
import Sandbox
import Testing

@testable import Clients
@testable import TextEditing

@Suite struct ClientFileTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test func modeOwnerAndLinkStay() throws {
        let real = try sandbox.write("before", to: "home/dotfiles/config.json")
        let link = sandbox.file("home/link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: real)
        unsafe chmod(real, 0o640)
        if geteuid() == 0 { unsafe chown(real, 12345, 54321) }
        #expect(try ClientFile(link).edit { _ in secret("after") })
        #expect(sandbox.text("home/dotfiles/config.json") == "after")
        var status = stat()
        #expect(unsafe stat(real, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o640)
        if geteuid() == 0 { #expect(status.st_uid == 12345 && status.st_gid == 54321) }
        #expect(unsafe lstat(link, &status) == 0)
        #expect(status.st_mode & S_IFMT == S_IFLNK)
    }

    @Test func nothingIsTouchedWhereNothingChanges() throws {
        let path = try sandbox.write("before", to: "home/file")
        let inode =
            try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
        #expect(try !ClientFile(path).edit { _ in nil })
        let after =
            try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
        #expect(inode == after)
        #expect(try ClientFile(sandbox.file("home/none")).edit { _ in nil } == false)
        #expect(try ClientFile(sandbox.file("home/none")).read() == nil)
    }

    @Test func aFileIsCreatedWithItsFolder() throws {
        let file = ClientFile(sandbox.file("home/a/b/c.json"))
        #expect(try file.edit { $0 == nil ? secret("new") : nil })
        #expect(sandbox.text("home/a/b/c.json") == "new")
        #expect(try !file.remove(ifItIs: secret("other")))
        #expect(try file.remove(ifItIs: secret("new")))
        #expect(try file.read() == nil)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: sandbox.file("home/a/b")).isEmpty)
    }

    @Test func whatAnotherProgramWritesMeanwhileIsNotLost() throws {
        let path = try sandbox.write("1", to: "home/file")
        var seen: [String] = []
        try ClientFile(path).edit { content in
            seen.append(string(content ?? secret("")))
            if seen.count == 1 { try? Data("2".utf8).write(to: URL(fileURLWithPath: path)) }
            return secret(seen.last! + "!")
        }
        #expect(seen == ["1", "2"])
        #expect(sandbox.text("home/file") == "2!")
    }

    @Test func whatAKilledOneHasLeftGoes() throws {
        let path = try sandbox.write("1", to: "home/file")
        let left = try sandbox.write("secret", to: "home/.file.keyfob.12ab")
        let others = try sandbox.write("x", to: "home/.file2.keyfob.12ab")
        try ClientFile(path).edit { _ in secret("2") }
        #expect(!FileManager.default.fileExists(atPath: left))
        #expect(FileManager.default.fileExists(atPath: others))
    }

    @Test func aFileWithTwoNamesIsRefused() throws {
        let path = try sandbox.write("1", to: "home/file")
        try FileManager.default.linkItem(atPath: path, toPath: sandbox.file("home/other"))
        let error = #expect(throws: StoreError.self) {
            try ClientFile(path).edit { _ in secret("2") }
        }
        #expect(error?.message.contains("2 hard links") == true)
        #expect(sandbox.text("home/file") == "1")
    }

    @Test func whatIsNoFileIsRefused() throws {
        try sandbox.makeFolder("home/folder")
        #expect(throws: StoreError.self) { try ClientFile(sandbox.file("home/folder")).read() }
        let link = sandbox.file("home/nowhere")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/none/x")
        #expect(throws: StoreError.self) { try ClientFile(link).edit { _ in secret("2") } }
    }

    /// As under sudo: the home is another user's.
    @Test func nothingIsCreatedInAnothersFolder() throws {
        try #require(geteuid() == 0, "only root can give a folder away: run the tests as root")
        unsafe chown(sandbox.file("home"), 12345, 54321)
        let error = #expect(throws: StoreError.self) {
            try ClientFile(sandbox.file("home/.docker/config.json")).edit { _ in secret("{}") }
        }
        #expect(error?.message.contains("is owned by uid 12345") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.file("home")).isEmpty)
    }

    @Test func aLockIsWaitedFor() throws {
        let path = try sandbox.write("1", to: "home/file")
        let file = unsafe open(path, O_RDWR | O_CLOEXEC)
        try #require(flock(file, LOCK_EX) == 0)
        let holder = Thread {
            usleep(200_000)
            close(file)
        }
        holder.start()
        #expect(try ClientFile(path).edit { _ in secret("2") })
        #expect(sandbox.text("home/file") == "2")
    }
}
