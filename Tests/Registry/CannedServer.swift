import Foundation
import Synchronization

/// A canned server answers every connection on a port of this machine with the same bytes, whatever
/// it is asked, and remembers that.
final class CannedServer: Sendable {
    let port: UInt16
    private let socket: Int32
    private let answers: Bool
    private let asked = Mutex<[String]>([])

    /// Without an answer it takes connections and is silent.
    init(_ answer: String?) throws {
        let socket = Foundation.socket(
            AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.socket = socket
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failure = unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(socket, address, length) + listen(socket, 8)
                    + getsockname(socket, address, &length)
            }
        }
        guard failure == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        port = UInt16(bigEndian: address.sin_port)
        self.answers = answer != nil
        guard let answer else { return }
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(socket, nil, nil)
                guard connection >= 0 else { break }
                var request = [UInt8](repeating: 0, count: 1 << 16)
                let count = unsafe read(connection, &request, request.count)
                let text = String(decoding: request[..<max(0, count)], as: UTF8.self)
                self?.asked.withLock { $0.append(text) }
                _ = unsafe send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
                shutdown(connection, Int32(SHUT_WR))
                // What is left of the request would make a reset of the end.
                while unsafe read(connection, &request, request.count) > 0 {}
                close(connection)
            }
            close(socket)
        }
    }

    deinit {
        shutdown(socket, Int32(SHUT_RDWR))
        // The number may be another socket's from then on: the thread that accepts closes its own.
        if !answers { close(socket) }
    }

    /// All that it was asked so far.
    var requests: [String] { asked.withLock { $0 } }
}
