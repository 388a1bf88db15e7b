import Foundation

/// An exchange is what has gone to a running program and come from it.
struct Exchange {
    private var input: FileDescriptor?
    private var unsent: ArraySlice<UInt8>
    private var output: FileDescriptor?
    private var errors: FileDescriptor?
    private(set) var outputBytes: [UInt8] = []
    private(set) var errorBytes: [UInt8] = []

    init(
        input: FileDescriptor, sending bytes: [UInt8], output: FileDescriptor,
        errors: FileDescriptor
    ) {
        for end in [input, output, errors] { _ = fcntl(end.number, F_SETFL, O_NONBLOCK) }
        self.input = input
        self.unsent = bytes[...]
        self.output = output
        self.errors = errors
        send()
    }

    /// Waits a moment for one of the streams to be ready, and moves what can be moved.
    mutating func step() {
        var waits: [pollfd] = []
        if let input { waits.append(pollfd(fd: input.number, events: Int16(POLLOUT), revents: 0)) }
        for stream in [output, errors].compactMap(\.self) {
            waits.append(pollfd(fd: stream.number, events: Int16(POLLIN), revents: 0))
        }
        // A program that leaves another one behind may end without closing a stream, and one that
        // has closed its streams may go on: look again soon.
        unsafe poll(&waits, nfds_t(waits.count), waits.isEmpty ? 1 : 10)
        send()
        receive()
    }

    /// Reads what is there.
    mutating func receive() {
        Exchange.receive(from: &output, into: &outputBytes)
        Exchange.receive(from: &errors, into: &errorBytes)
    }

    private mutating func send() {
        guard let input else { return }
        if !unsent.isEmpty, let count = input.writeAvailable(unsent) {
            unsent = unsent.dropFirst(count)
            if !unsent.isEmpty { return }
        }
        self.input = nil
    }

    private static func receive(from stream: inout FileDescriptor?, into bytes: inout [UInt8]) {
        guard let open = stream else { return }
        if let more = open.readAvailable() { bytes += more } else { stream = nil }
    }
}
