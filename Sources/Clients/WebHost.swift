internal import Credentials

/// A web host is the host of an address as browsers and libraries write it (WHATWG URL Standard,
/// "host parsing"; UTS 46): in lower case, and in punycode where it is not ASCII.
enum WebHost {
    /// Returns the normal form. Nil if the host is not valid, or if its normal form would need more
    /// rules than are implemented here.
    static func normalForm(of host: Text) -> Text? {
        if host.bytes.first == UInt8(ascii: "[") { return address(host) }
        var labels: [String] = []
        let parts = host.string.unicodeScalars.split(omittingEmptySubsequences: false) {
            ".\u{3002}\u{FF0E}\u{FF61}".unicodeScalars.contains($0)
        }
        for label in parts.map(String.init) {
            guard let ascii = WebHost.ascii(label.lowercased()) else { return nil }
            labels.append(ascii)
        }
        let name = labels.joined(separator: ".")
        // A host that ends in a number is an IPv4 address; only the form of four numbers is
        // accepted.
        if let last = labels.last(where: { !$0.isEmpty }), last.allSatisfy(\.isNumber) {
            guard IPAddress.bytes(ofVersion4: name) != nil else { return nil }
        }
        return name.isEmpty ? nil : Text(name)
    }

    private static func address(_ host: Text) -> Text? {
        let inner = String(host.string.dropFirst().dropLast())
        guard host.bytes.last == UInt8(ascii: "]"),
            let form = IPAddress.normalForm(ofVersion6: inner)
        else { return nil }
        return Text("[\(form)]")
    }

    private static func ascii(_ label: String) -> String? {
        let scalars = Array(label.unicodeScalars)
        if scalars.allSatisfy(\.isASCII) {
            return label.allSatisfy { $0.isLetter || $0.isNumber || "-_".contains($0) }
                ? label : nil
        }
        // Anything but letters is refused, and so is a letter that may be mapped to something else.
        let isPlain = scalars.allSatisfy { scalar in
            let category = scalar.properties.generalCategory
            return scalar.isASCII
                ? scalar == "-" || scalar.properties.isAlphabetic
                    || scalar.properties.numericType != nil
                : (category == .lowercaseLetter || category == .otherLetter)
                    && !scalar.properties.changesWhenNFKCCaseFolded
        }
        guard isPlain, scalars.count == label.count else { return nil }
        return "xn--" + punycode(scalars.map(\.value))
    }

    /// RFC 3492, section 6.3.
    private static func punycode(_ input: [UInt32]) -> String {
        var output = input.filter { $0 < 0x80 }.map { UInt8($0) }
        var handled = UInt32(output.count)
        let basic = handled
        if basic > 0 { output.append(UInt8(ascii: "-")) }
        var (least, delta, bias): (UInt32, UInt32, UInt32) = (128, 0, 72)
        while handled < UInt32(input.count), let next = input.filter({ $0 >= least }).min() {
            delta += (next - least) * (handled + 1)
            least = next
            for point in input {
                if point < least { delta += 1 }
                guard point == least else { continue }
                var (rest, base) = (delta, UInt32(36))
                while true {
                    let threshold = base <= bias ? 1 : min(base - bias, 26)
                    guard rest >= threshold else { break }
                    output.append(digit(threshold + (rest - threshold) % (36 - threshold)))
                    rest = (rest - threshold) / (36 - threshold)
                    base += 36
                }
                output.append(digit(rest))
                bias = adapted(delta, handled + 1, isFirst: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            least += 1
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func digit(_ value: UInt32) -> UInt8 {
        UInt8(value < 26 ? 97 + value : 22 + value)
    }

    private static func adapted(_ delta: UInt32, _ count: UInt32, isFirst: Bool) -> UInt32 {
        var rest = isFirst ? delta / 700 : delta / 2
        rest += rest / count
        var base: UInt32 = 0
        while rest > 455 {
            rest /= 35
            base += 36
        }
        return base + 36 * rest / (rest + 38)
    }
}
