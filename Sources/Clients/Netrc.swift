package import Credentials

/// `.netrc`, in which curl, git and many others find passwords. Whose a login in it is nobody can
/// tell, so it is reported and never changed.
package struct Netrc: Sendable {
    package let file: ClientFile

    package init(_ file: ClientFile) { self.file = file }

    /// The machines that it has a password for, as `machine NAME` or `default` names them.
    package func machines() throws(StoreError) -> [String] {
        guard let content = try file.read() else { return [] }
        var machines: [String] = []
        var machine: String?
        var words = Netrc.words(of: content).makeIterator()
        while let word = words.next() {
            switch word {
            case "machine": machine = words.next()
            case "default": machine = word
            case "password", "passwd":
                if words.next() != nil, let name = machine {
                    machines.append(name)
                    machine = nil
                }
            case "login", "account": _ = words.next()
            default: break
            }
        }
        return machines
    }

    /// The words, with a `*` in place of each password, and without the bodies of macros, which end
    /// at a blank line.
    private static func words(of content: Secret) -> [String] {
        content.expose { bytes in
            var words: [String] = []
            var (index, isMacro) = (0, false)
            while index < bytes.count {
                if bytes[index] == 0x0A, isMacro, index + 1 < bytes.count, bytes[index + 1] == 0x0A
                {
                    isMacro = false
                }
                guard bytes[index] > 0x20 else {
                    index += 1
                    continue
                }
                let start = index
                while index < bytes.count, bytes[index] > 0x20 { index += 1 }
                if isMacro { continue }
                if ["password", "passwd"].contains(words.last) {
                    words.append("*")
                    continue
                }
                let word = String(decoding: (start..<index).map { bytes[$0] }, as: UTF8.self)
                if word.hasPrefix("#") {
                    while index < bytes.count, bytes[index] != 0x0A { index += 1 }
                    continue
                }
                isMacro = word == "macdef"
                words.append(word)
            }
            return words
        }
    }
}
