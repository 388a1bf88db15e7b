internal import ArgumentParser
internal import Credentials

/// The exit status of `keyfob`, by the kind of error (keyfob(1), EXIT STATUS).
enum ExitStatus: Int32 {
    case done = 0
    case notDone
    case usage
    case notFound
    /// The store is locked, or there was no terminal to ask at, or no input in time.
    case locked
    /// The user declined, or the registry refused the login.
    case declined
    /// The keyring or the registry could not be reached, or stopped responding.
    case unreachable

    /// The status of a run with these errors: their own if they are of one kind, else `notDone`.
    init(_ errors: [StoreError?]) {
        let kinds = Set(errors.compactMap(\.self).map(\.exitStatus))
        self = kinds.count > 1 ? .notDone : kinds.first ?? .done
    }

    /// Ends a command whose errors have been reported. Throws unless the status is `done`.
    func exit() throws {
        if self != .done { throw ExitCode(rawValue) }
    }
}

extension StoreError {
    var exitStatus: ExitStatus {
        switch code {
        case .usage: return .usage
        case .notLoggedIn, .noSuchFile, .noRoute: return .notFound
        case .noTerminal, .answerTimedOut, .inputTimedOut, .anotherQuestion: return .locked
        case .registryRefuses: return .declined
        case .registryUnreachable, .registryNotAsked, .routeUnreachable, .keyringOutOfReach,
            .noSuchCollection,
            .keyringTimedOut:
            return .unreachable
        default: break
        }
        switch outcome {
        case .locked: return .locked
        case .declined: return .declined
        case .absent, .gone: return .unreachable
        case .timedOut, .damaged, .failed: return .notDone
        }
    }
}
