internal import Credentials
internal import Files

/// The session bus is the D-Bus bus on which the user's keyring is found.
package enum SessionBus {
    /// Returns the address of the bus; nil if there is none.
    ///
    /// It is `DBUS_SESSION_BUS_ADDRESS`. If that is not set it is the socket `bus` in
    /// `XDG_RUNTIME_DIR`. If that is not set either, as in a cron job or after `su`, or belongs to
    /// another user, it is the socket in `/run/user/UID`. A bus is never started: an address that
    /// would start one, `autolaunch:`, counts as none, and so does an empty one, by which a user
    /// says that there is none.
    package static func address(_ environment: Environment) -> String? {
        if environment.contains(.sessionBusAddress) {
            var addresses = ""
            for address in (environment[.sessionBusAddress] ?? "").utf8.split(
                separator: UInt8(ascii: ";"))
            where !address.starts(with: "autolaunch:".utf8)
                && !address.starts(with: "disabled:".utf8)
            {
                if !addresses.isEmpty { addresses += ";" }
                addresses += String(decoding: address, as: UTF8.self)
            }
            return addresses.isEmpty ? nil : addresses
        }
        guard let runtime = environment.runtimeDirectory ?? environment.systemRuntimeDirectory
        else { return nil }
        let path = runtime + "/bus"
        guard let status = FileStatus(of: path, followsLinks: false), status.kind == .socket,
            status.isMine
        else { return nil }
        return "unix:path=" + escaped(path)
    }

    /// Returns a value as it is escaped in an address (D-Bus specification, "Server Addresses").
    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for byte in value.utf8 {
            if byte.isAlphanumeric || "-_/\\.*".utf8.contains(byte) {
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                escaped += byte < 0x10 ? "%0" : "%"
                escaped += String(byte, radix: 16)
            }
        }
        return escaped
    }
}
