import Foundation
import Sandbox

/// What a client asks of the helper about the one login that the service holds: `h.example`, user
/// `u`, secret `old`.
enum Request: CaseIterable {
    case get, list, erase
    /// A store for the same user: the item gets another secret.
    case update
    /// A store for another user: the item is replaced.
    case replace

    static let server = "h.example"

    /// The login as it is before the request.
    static let held = HeldItem(server, "u", "old")

    var action: String {
        switch self {
        case .get: "get"
        case .list: "list"
        case .erase: "erase"
        case .update, .replace: "store"
        }
    }

    var input: String {
        switch self {
        case .get, .erase: Request.server
        case .list: ""
        case .update: #"{"ServerURL":"h.example","Username":"u","Secret":"new"}"#
        case .replace: #"{"ServerURL":"h.example","Username":"other","Secret":"new"}"#
        }
    }

    /// Whether it may change what the service holds.
    var changes: Bool { action == "store" || action == "erase" }

    /// What a helper prints that has done what it was asked.
    var success: Answer {
        switch self {
        case .get: .login(user: "u", secret: "old")
        case .list: .listing(user: "u")
        case .erase, .update, .replace: .done
        }
    }

    /// What the service holds when the request was done: for each docker login of the server, its
    /// user and secret.
    var result: [String] {
        switch self {
        case .get, .list: ["u: old"]
        case .erase: []
        case .update: ["u: new"]
        case .replace: ["other: new"]
        }
    }
}

/// What the helper answers.
enum Answer: Hashable {
    case done
    case login(user: String, secret: String)
    case listing(user: String)
    case nothingListed
    case notFound
    /// Its sentence, as `Sentence` is written.
    case error(String)

    var status: Int32 {
        switch self {
        case .done, .login, .listing, .nothingListed: 0
        case .notFound, .error: 1
        }
    }

    /// Standard output, byte for byte.
    var output: String {
        switch self {
        case .done: ""
        case .login(let user, let secret):
            #"{"ServerURL":"h.example","Username":"\#(user)","Secret":"\#(secret)"}"# + "\n"
        case .listing(let user): #"{"h.example":"\#(user)"}"# + "\n"
        case .nothingListed: "{}\n"
        case .notFound: "credentials not found in native keychain\n"
        case .error(let line): Sentence.expanding(line) + "\n"
        }
    }
}
