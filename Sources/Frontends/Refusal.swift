internal import Credentials

/// A refusal is why a request is not answered as it was meant.
enum Refusal: Error {
    /// There is no such login, which every protocol has its own words for.
    case notFound
    case refused(String, hint: String? = nil)
}

extension Channel {
    /// The whole input, or the refusal of one that is too long or cannot be read.
    func input(atMost limit: Int) throws(Refusal) -> Secret {
        do throws(InputError) {
            return try read(atMost: limit)
        } catch {
            switch error {
            case .tooLong: throw .refused("the input is longer than \(limit) bytes")
            case .unreadable(let reason): throw .refused("cannot read the input: \(reason)")
            }
        }
    }
}

/// What a store answers, its errors as refusals. The store is opened for it.
func ask<Answer>(
    _ open: () throws(StoreError) -> any CredentialStore,
    _ request: (any CredentialStore) throws(StoreError) -> Answer
) throws(Refusal) -> Answer {
    do throws(StoreError) {
        return try request(try open())
    } catch {
        throw .refused(error.message, hint: error.hint)
    }
}
