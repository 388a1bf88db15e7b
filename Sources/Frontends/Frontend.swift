/// A front-end speaks one protocol by which clients ask for logins.
package protocol Frontend {
    /// Serves the one request that the arguments, without the program's name, and the channel's
    /// input make. The caller ends the process with the status.
    func serve(_ arguments: [String], over channel: any Channel) -> ExitStatus
}

/// How the process ends. Clients tell these two apart and no others: testcontainers-java takes
/// the output of any third status for an answer.
package enum ExitStatus: Int32, Sendable {
    case success = 0
    case failure = 1
}
