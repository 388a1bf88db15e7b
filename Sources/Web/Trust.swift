/// Trust is the certificates, besides the system's, by which a client verifies a registry and
/// authenticates itself to it.
package struct Trust: Sendable {
    /// The paths of files of certificates. Each is tried if the system's certificates do not verify
    /// a host.
    package var authorities: [String] = []
    /// The paths of a client certificate and its key, which are used with the registry's host only.
    package var identity: (certificate: String, key: String)?
    /// True if the certificate of the registry's host is not verified.
    package var isUnverified = false
    private let host: [UInt8]?

    /// Makes the trust in a host, in lower case; nil is for a server that has no such certificates.
    package init(host: [UInt8]? = nil) { self.host = host }

    /// True if the address is on the registry's host.
    func isOwn(_ address: WebAddress) -> Bool { address.host == host }
}
