internal import Glibc

/// The session bus is where the user's keyring is asked for.
package enum SessionBus {
    /// Its address; nil where there is none. A bus is never started: an address that asks for
    /// it, `autolaunch:`, counts as none, and so does an empty one, by which a user says so.
    package static func address(_ environment: Environment) -> String? {
        if environment.contains(.sessionBusAddress) {
            let addresses = (environment[.sessionBusAddress] ?? "").split(separator: ";")
                .filter { !$0.hasPrefix("autolaunch:") && !$0.hasPrefix("disabled:") }
            return addresses.isEmpty ? nil : addresses.joined(separator: ";")
        }
        guard let runtime = environment.runtimeDirectory else { return nil }
        let path = runtime + "/bus"
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK,
            status.st_uid == geteuid()
        else { return nil }
        return "unix:path=" + escaped(path)
    }

    /// As the D-Bus specification, "Server Addresses", writes a value.
    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "."), UInt8(ascii: "*"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                escaped += byte < 0x10 ? "%0" : "%"
                escaped += String(byte, radix: 16)
            }
        }
        return escaped
    }
}
