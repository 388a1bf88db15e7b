package import Credentials
package import Files

/// `.netrc`, in which curl, git and many others find passwords. It does not say to which of them a
/// login belongs, so it is reported and never changed.
package struct Netrc: Sendable {
    package let file: ClientFile

    /// Returns the machines with a password, as `machine NAME` or `default` names them.
    package func machines() throws(StoreError) -> [String] {
        guard let content = try file.read() else { return [] }
        var machines: [String] = []
        var (machine, keyword) = (String?.none, "")
        var isMacro = false
        var end = 0
        while let start = content.first(from: end, where: { $0 > 0x20 }) {
            // The body of a macro ends at a blank line.
            if (end..<start).contains(where: { content.holds([0x0A, 0x0A], at: $0) }) {
                isMacro = false
            }
            end = content.first(from: start) { $0 <= 0x20 } ?? content.count
            if isMacro { continue }
            // A password is skipped, and never put into a string.
            if ["password", "passwd"].contains(keyword) {
                if let machine { machines.append(machine) }
                (machine, keyword) = (nil, "")
                continue
            }
            let word = content[start..<end].publicString
            if ["machine", "login", "account"].contains(keyword) {
                if keyword == "machine" { machine = word }
                keyword = ""
            } else if word.hasPrefix("#") {
                end = content.first(from: start) { $0 == 0x0A } ?? content.count
            } else {
                (keyword, isMacro) = (word, word == "macdef")
                if word == "default" { machine = word }
            }
        }
        return machines
    }
}
