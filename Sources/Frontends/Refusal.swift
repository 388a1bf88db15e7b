internal import Credentials
internal import JSON

/// A refusal is the reason why a request gets no normal answer.
enum Refusal: Error {
    /// There is no such login; each protocol has its own words for that.
    case notFound
    case refused(StoreError)

    static func refused(_ code: ErrorCode, _ message: String, hint: String? = nil) -> Refusal {
        .refused(StoreError(code, message, hint: hint))
    }
}

extension Channel {
    /// Returns the whole input; throws a refusal if it is too long or cannot be read.
    func input(atMost limit: Int) throws(Refusal) -> Secret {
        do throws(InputError) {
            return try read(atMost: limit)
        } catch {
            throw Refusal(error, of: "input", limit: limit)
        }
    }
}

extension Refusal {
    /// Makes the refusal of an input, named `noun`, that is longer than the limit or cannot be
    /// read.
    init(_ error: InputError, of noun: String, limit: Int) {
        switch error {
        case .tooLong: self = .refused(.tooLong, "the \(noun) is longer than \(limit) bytes")
        case .unreadable(let reason):
            self = .refused(.inputUnreadable, "cannot read the \(noun): \(reason)")
        }
    }
}

extension JSON {
    /// Reads the one value of an input, named `noun`; throws a refusal if it is not an object.
    init(object input: Secret, named noun: String) throws(Refusal) {
        do throws(JSON.Fault) {
            try self.init(decoding: input)
        } catch {
            throw .refused(.badInput, "the \(noun) is not JSON: \(error)")
        }
        guard members != nil else { throw .refused(.badInput, "the \(noun) is not an object") }
    }
}
