import Foundation
import Sandbox
import Testing

/// The release helper as `make build` leaves it, which must run on machines that have no Swift.
@Suite struct ReleaseTests {
    private let sandbox: Sandbox
    private let helper: String

    init() throws {
        sandbox = try Sandbox()
        let build = (Sandbox.products as NSString).deletingLastPathComponent
        helper = "\(build)/release/docker-credential-keyfob"
        try #require(FileManager.default.fileExists(atPath: helper), "make build makes it")
    }

    @Test func itIsSmallAndStripped() throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: helper)
        let size = try #require(attributes[.size] as? Int)
        #expect(size <= 1_200_000)
        #expect(try !readelf("--sections").contains(".symtab"))
    }

    @Test func itNeedsNoLibraryButTheFewThatItIsMeantToNeed() throws {
        let needed = try readelf("--dynamic").matches(of: /\(NEEDED\).*\[(.*)\]/).map {
            String($0.1)
        }
        let expected = ["libc.so.6", "libsodium.so.23"]
        #expect(
            Set(needed).subtracting(["ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"]).sorted()
                == expected)
    }

    @Test func itLooksForLibrariesNowhereButWhereTheSystemKeepsThem() throws {
        let dynamic = try readelf("--dynamic")
        #expect(!dynamic.contains("RUNPATH"))
        #expect(!dynamic.contains("RPATH"))
    }

    @Test func itBindsEverySymbolAtItsStartAndCanThenChangeNone() throws {
        #expect(try readelf("--dynamic").contains("BIND_NOW"))
        #expect(try readelf("--segments").contains("GNU_RELRO"))
        #expect(try readelf("--file-header").contains("DYN (Position-Independent Executable file)"))
    }

    /// Those of RHEL 9, Amazon Linux 2023 and Ubuntu 22.04, and of all that came later.
    @Test(arguments: ["docker-credential-keyfob", "keyfob"])
    func itNeedsNoSymbolThatGlibc34DoesNotHave(name: String) throws {
        let path = (helper as NSString).deletingLastPathComponent + "/\(name)"
        let outcome = try sandbox.run("readelf", "--wide", "--dyn-syms", path)
        try #require(outcome.succeeded, "\(outcome)")
        let needed = outcome.output.split(separator: "\n").filter { $0.contains("@GLIBC_") }
        #expect(needed.count > 50)
        let newer = needed.filter { line in
            line.matches(of: /@GLIBC_2\.(\d+)/).contains { Int($0.1) ?? .max > 34 }
        }
        #expect(newer.isEmpty, "\(newer.joined(separator: "\n"))")
    }

    private func readelf(_ option: String) throws -> String {
        let outcome = try sandbox.run("readelf", "--wide", option, helper)
        try #require(outcome.succeeded, "\(outcome)")
        return outcome.output
    }
}
