internal import Credentials

/// Trust is what a client needs, besides the system's certificates, to know a registry and to show
/// itself to it.
package struct Trust: Sendable {
    /// The paths of files of certificates. Each is tried if the system's do not verify a host.
    package var authorities: [String] = []
    /// The paths of a client certificate and its key, which are used with the registry's host only.
    package var identity: (certificate: String, key: String)?
    /// True if the certificate of the registry's host is not verified.
    package var isUnverified = false
    private let host: [UInt8]?

    /// Trust in a registry; nil stands for none in particular.
    package init(of registry: RegistryName? = nil) { host = registry?.authority.host }

    /// True if the address is on the registry's host.
    func isOwn(_ address: WebAddress) -> Bool { address.host == host }
}
