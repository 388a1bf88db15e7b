import Foundation
import Settings
import Testing

@Suite struct SessionBusTests {
    @Test(
        arguments: [
            ("unix:path=/run/user/1000/bus", "unix:path=/run/user/1000/bus"),
            ("unix:path=/a;tcp:host=b,port=1", "unix:path=/a;tcp:host=b,port=1"),
            ("autolaunch:", nil),
            ("autolaunch:scope=*x", nil),
            ("autolaunch:;unix:path=/a", "unix:path=/a"),
            ("", nil),
            ("nonsense", "nonsense"),
        ] as [(String, String?)])
    func theAddressIsTheVariablesWithoutAutolaunch(variable: String, address: String?) {
        #expect(SessionBus.address(Environment([.sessionBusAddress: variable])) == address)
    }

    @Test func withoutAVariableItIsTheSocketOfTheRuntimeDirectory() throws {
        let directory = try TemporaryDirectory()
        let environment = Environment([.runtimeDirectory: directory.path])
        #expect(SessionBus.address(environment) == nil)

        try directory.write("not a socket", to: "bus")
        #expect(SessionBus.address(environment) == nil)

        try FileManager.default.removeItem(atPath: directory.path + "/bus")
        let socket = try Socket(at: directory.path + "/bus")
        #expect(SessionBus.address(environment) == "unix:path=\(directory.path)/bus")
        let empty = Environment([.runtimeDirectory: directory.path, .sessionBusAddress: ""])
        #expect(SessionBus.address(empty) == nil, "an empty address says that there is none")
        withExtendedLifetime(socket) {}
    }

    @Test func thePathIsEscapedAsDBusWantsIt() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/a b,é"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        let socket = try Socket(at: path + "/bus")
        #expect(
            SessionBus.address(Environment([.runtimeDirectory: path]))
                == "unix:path=\(directory.path)/a%20b%2c%c3%a9/bus")
        withExtendedLifetime(socket) {}
    }
}

/// A socket in the file system that nobody listens to.
private final class Socket {
    private let descriptor: Int32

    init(at path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            unsafe bytes.copyBytes(from: path.utf8)
        }
        let status = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw POSIXError(.EINVAL) }
    }

    deinit { close(descriptor) }
}
