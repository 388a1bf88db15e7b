internal import CLibc

/// An address of the Internet Protocol, as the system reads it.
package enum IPAddress {
    /// Returns the four bytes of an address such as `127.0.0.1`; nil for any other text.
    package static func bytes(ofVersion4 text: String) -> [UInt8]? {
        bytes(text, AF_INET, count: 4)
    }

    /// Returns the sixteen bytes of an address such as `::1`; nil for any other text.
    package static func bytes(ofVersion6 text: String) -> [UInt8]? {
        bytes(text, AF_INET6, count: 16)
    }

    /// Returns a version 6 address in the one spelling that RFC 5952 defines; nil for any other
    /// text.
    package static func normalForm(ofVersion6 text: String) -> String? {
        guard let address = bytes(ofVersion6: text) else { return nil }
        var form = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(AF_INET6, address, &form, socklen_t(form.count)) != nil else {
            return nil
        }
        return String(
            decoding: form.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func bytes(_ text: String, _ family: Int32, count: Int) -> [UInt8]? {
        var address = [UInt8](repeating: 0, count: count)
        return unsafe inet_pton(family, text, &address) == 1 ? address : nil
    }
}
