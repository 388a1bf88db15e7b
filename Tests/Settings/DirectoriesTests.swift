import Credentials
import Foundation
import Settings
import Testing

@Suite struct DirectoriesTests {
    @Test func theyLieInTheHomeDirectory() throws {
        let directories = try Directories(Environment([.home: "/home/u/"]))
        #expect(directories.config == "/home/u/.config/keyfob")
        #expect(directories.data == "/home/u/.local/share/keyfob")
        #expect(directories.state == "/home/u/.local/state/keyfob")
        #expect(directories.runtime == nil)
    }

    @Test func theXDGVariablesMoveThem() throws {
        let runtime = try TemporaryDirectory()
        let directories = try Directories(
            Environment([
                .home: "/home/u", .configHome: "/c", .dataHome: "/d/", .stateHome: "/s",
                .runtimeDirectory: runtime.path,
            ]))
        #expect(directories.config == "/c/keyfob")
        #expect(directories.data == "/d/keyfob")
        #expect(directories.state == "/s/keyfob")
        #expect(directories.runtime == runtime.path + "/keyfob")
    }

    @Test(arguments: ["", "relative", "./c", "~/c", "/c\u{FFFD}"])
    func aPathThatIsNotAbsoluteIsIgnored(path: String) throws {
        let directories = try Directories(
            Environment([
                .home: "/home/u", .configHome: path, .dataHome: path, .stateHome: path,
                .runtimeDirectory: path,
            ]))
        #expect(directories.config == "/home/u/.config/keyfob")
        #expect(directories.data == "/home/u/.local/share/keyfob")
        #expect(directories.state == "/home/u/.local/state/keyfob")
        #expect(directories.runtime == nil)
    }

    @Test(arguments: [[:], [.home: ""], [.home: "relative"]] as [[Environment.Name: String]])
    func withoutAHomeThePasswordDatabaseIsAsked(variables: [Environment.Name: String]) throws {
        let home = unsafe String(cString: getpwuid(geteuid()).pointee.pw_dir)
        let directories = try Directories(Environment(variables))
        #expect(directories.config == home + "/.config/keyfob")
    }

    @Test func theRuntimeDirectoryOfAnotherIsNotUsed() throws {
        let directory = try TemporaryDirectory()
        let other = geteuid() == 0 ? directory.path : "/"
        if geteuid() == 0 { #expect(unsafe chown(other, 65534, 65534) == 0) }
        let directories = try Directories(
            Environment([.home: "/home/u", .runtimeDirectory: other]))
        #expect(directories.runtime == nil)
    }
}
