internal import Credentials
internal import Files

/// The connection of one store, which is made for the first request and serves those that follow,
/// one thread at a time.
///
/// Another is made where the provider is not the one any more that it was, since it was restarted
/// or another took its place, and after a request that failed.
final class KeyringConnection: Sendable {
    private let service = Guarded<SecretService?>(nil)

    /// What the body answers, which is given the service. It must begin with a search.
    func use<Answer>(
        _ busAddress: String, forSecrets: Bool,
        _ body: (SecretService) throws(StoreError) -> Answer
    ) throws(StoreError) -> Answer {
        try service.with { kept throws(StoreError) in
            // While a request is made there is none, and there is none if it fails.
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
