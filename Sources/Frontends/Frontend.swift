/// A front-end implements one protocol by which clients ask for logins.
package protocol Frontend {
    /// Serves the one request that consists of the arguments, without the program's name, and the
    /// channel's input. The caller ends the process with the status.
    func serve(_ arguments: [String], over channel: any Channel) -> ExitStatus
}

/// The exit status of the process. Clients distinguish these two and no others: testcontainers-java
/// takes the output of any third status for an answer.
package enum ExitStatus: Int32, Sendable {
    case success = 0
    case failure = 1
}
