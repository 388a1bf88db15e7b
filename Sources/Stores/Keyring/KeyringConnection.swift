internal import Credentials
internal import Files

/// The connection of one store. It is made for the first request and serves the later ones, one
/// thread at a time.
///
/// A new one is made if the provider was restarted or another took its place, and after a request
/// that failed.
final class KeyringConnection: Sendable {
    private let service = Guarded<SecretService?>(nil)

    /// Returns the result of `body`, which is given the service. It must begin with a search.
    func use<Answer>(
        _ busAddress: String, forSecrets: Bool,
        _ body: (SecretService) throws(StoreError) -> Answer
    ) throws(StoreError) -> Answer {
        try service.with { kept throws(StoreError) in
            // No connection is kept during a request, so that none is kept if the request fails.
            let earlier = kept.take().flatMap { $0.canResume(forSecrets: forSecrets) ? $0 : nil }
            let service =
                if let earlier { earlier } else {
                    try SecretService(busAddress: busAddress, forSecrets: forSecrets)
                }
            let answer = try body(service)
            kept = service
            return answer
        }
    }
}
