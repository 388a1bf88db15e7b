internal import ArgumentParser
internal import Credentials

/// How `keyfob` ends, by the kind of what went wrong (keyfob(1), EXIT STATUS).
enum ExitStatus: Int32 {
    case done = 0
    case notDone
    case usage
    case notFound
    /// The store is locked, or there was nobody to ask.
    case locked
    /// A person said no, or the registry did.
    case declined
    /// The keyring or the registry could not be reached, or stopped answering.
    case unreachable

    /// The status of a run that had these errors: their own if they are of one kind.
    init(_ errors: [StoreError]) {
        let kinds = Set(errors.map(\.exitStatus))
        self = kinds.count > 1 ? .notDone : kinds.first ?? .done
    }

    /// What ends a command whose errors have been told.
    func exit() throws {
        if self != .done { throw ExitCode(rawValue) }
    }
}

extension StoreError {
    var exitStatus: ExitStatus {
        switch code {
        case .usage: return .usage
        case .notLoggedIn, .noSuchFile: return .notFound
        case .noTerminal, .answerTimedOut, .inputTimedOut, .anotherQuestion: return .locked
        case .registryRefuses: return .declined
        case .registryUnreachable, .registryNotAsked, .keyringOutOfReach, .noSuchCollection,
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
