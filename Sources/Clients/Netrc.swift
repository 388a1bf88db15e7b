package import Credentials
package import Files

/// `.netrc`, in which curl, git and many others find passwords. It does not say to which of them a
/// login belongs, so it is reported and never changed.
package struct Netrc: Sendable {
    package let file: ClientFile

    package init(_ file: ClientFile) { self.file = file }

    /// Returns the machines with a password, as `machine NAME` or `default` names them.
    package func machines() throws(StoreError) -> [String] {
        guard let content = try file.read() else { return [] }
        var machines: [String] = []
        content.expose { bytes in
            var (machine, keyword) = (String?.none, "")
            var (index, isMacro) = (0, false)
            while index < bytes.count {
                guard bytes[index] > 0x20 else {
                    // The body of a macro ends at a blank line.
                    if bytes[index] == 0x0A, index > 0, bytes[index - 1] == 0x0A { isMacro = false }
                    index += 1
                    continue
                }
                let end = (index..<bytes.count).first { bytes[$0] <= 0x20 } ?? bytes.count
                defer { index = max(index, end) }
                if isMacro { continue }
                // A password is skipped, and never put into a string.
                if ["password", "passwd"].contains(keyword) {
                    if let machine { machines.append(machine) }
                    (machine, keyword) = (nil, "")
                    continue
                }
                let word = String(decoding: (index..<end).map { bytes[$0] }, as: UTF8.self)
                if ["machine", "login", "account"].contains(keyword) {
                    if keyword == "machine" { machine = word }
                    keyword = ""
                } else if word.hasPrefix("#") {
                    index = (index..<bytes.count).first { bytes[$0] == 0x0A } ?? bytes.count
                } else {
                    (keyword, isMacro) = (word, word == "macdef")
                    if word == "default" { machine = word }
                }
            }
        }
        return machines
    }
}
