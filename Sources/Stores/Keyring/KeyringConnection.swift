internal import Credentials
import Glibc

/// The connection of one store, which is made for the first request and serves those that follow,
/// one thread at a time.
///
/// Another is made where the provider is not the one any more that it was, since it was restarted
/// or another took its place, and after a request that failed.
@safe
final class KeyringConnection: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var service: SecretService?

    init() { unsafe pthread_mutex_init(mutex, nil) }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// What the body answers, which is given the service. It must begin with a search.
    func use<Answer>(
        _ busAddress: String, forSecrets: Bool,
        _ body: (SecretService) throws(StoreError) -> Answer
    ) throws(StoreError) -> Answer {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        // While a request is made there is none, and there is none if it fails.
        let earlier = service.take().flatMap { $0.canResume(forSecrets: forSecrets) ? $0 : nil }
        let service =
            if let earlier { earlier } else {
                try SecretService(busAddress: busAddress, forSecrets: forSecrets)
            }
        let answer = try body(service)
        self.service = service
        return answer
    }
}
