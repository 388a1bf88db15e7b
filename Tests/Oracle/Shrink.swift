import Foundation

/// Takes from a case what it does not need to break a law.
struct Shrinking {
    let law: Case.Law
    let kind: Violation.Kind
    /// How often the law may be checked.
    var budget: Int

    /// The smallest case that was found within the budget.
    mutating func smallest(of plan: Case) -> Case {
        var best = plan
        var hasShrunk = true
        while hasShrunk, budget > 0 {
            hasShrunk = false
            for candidate in Shrinking.smaller(than: best) {
                guard budget > 0 else { break }
                budget -= 1
                let broken = try? violations(of: law, by: candidate)
                if broken?.contains(where: { $0.kind == kind }) == true, isValid(candidate) {
                    best = candidate
                    hasShrunk = true
                    break
                }
            }
        }
        return best
    }

    /// Whether the client understands what is left.
    private func isValid(_ plan: Case) -> Bool {
        guard let client = oracleClient(plan.client), let house = try? House(plan) else {
            return false
        }
        return (try? client.complaints(in: house)) == ""
    }

    /// Cases with one thing less, those that take away most first.
    static func smaller(than plan: Case) -> [Case] {
        var cases: [Case] = []
        func without(_ change: (inout Case) -> Void) {
            var smaller = plan
            smaller.features = nil
            change(&smaller)
            cases.append(smaller)
        }
        if plan.ask.count > 1 {
            for index in plan.ask.indices { without { $0.ask = [plan.ask[index]] } }
        }
        if plan.prefer != nil { without { $0.prefer = nil } }
        if plan.isInUse != nil { without { $0.isInUse = nil } }
        if plan.hasKeyring != nil { without { $0.hasKeyring = nil } }
        for name in (plan.helpers ?? [:]).keys.sorted() { without { $0.helpers?[name] = nil } }
        for name in (plan.links ?? [:]).keys.sorted() { without { $0.links?[name] = nil } }
        for name in (plan.environment ?? [:]).keys.sorted() {
            without { $0.environment?.removeValue(forKey: name) }
        }
        for (path, text) in plan.files.sorted(by: { $0.key < $1.key }) {
            without { $0.files[path] = nil }
            let texts = JSONTree(text)?.smaller.map(\.text) ?? linesLess(text)
            for smaller in texts { without { $0.files[path] = smaller } }
        }
        return cases
    }

    private static func linesLess(_ text: String) -> [String] {
        let end = text.contains("\r\n") ? "\r\n" : "\n"
        let lines = text.components(separatedBy: end)
        guard lines.count > 1 else { return [] }
        return lines.indices.map { index in
            var rest = lines
            rest.remove(at: index)
            return rest.joined(separator: end)
        }
    }
}

/// JSON as it stands in a file: order, equal names and spelling of values are kept.
indirect enum JSONTree {
    case object([(name: String, value: JSONTree)])
    case array([JSONTree])
    /// A string, number or word as it is spelled.
    case leaf(String)

    init?(_ text: String) {
        var rest = Array(text.unicodeScalars)[...]
        guard let tree = JSONTree.parse(&rest) else { return nil }
        JSONTree.skipSpace(&rest)
        guard rest.isEmpty, case .object = tree else { return nil }
        self = tree
    }

    var text: String {
        switch self {
        case .object(let members):
            "{" + members.map { "\($0.name):\($0.value.text)" }.joined(separator: ",") + "}"
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .leaf(let text): text
        }
    }

    /// Trees with one member or element less.
    var smaller: [JSONTree] {
        switch self {
        case .object(let members):
            members.indices.map { index in
                var rest = members
                rest.remove(at: index)
                return .object(rest)
            }
                + members.indices.flatMap { index in
                    members[index].value.smaller.map { value in
                        var changed = members
                        changed[index].value = value
                        return .object(changed)
                    }
                }
        case .array(let elements):
            elements.indices.map { index in
                var rest = elements
                rest.remove(at: index)
                return .array(rest)
            }
        case .leaf: []
        }
    }

    private static func skipSpace(_ rest: inout ArraySlice<Unicode.Scalar>) {
        while let first = rest.first, " \t\r\n".unicodeScalars.contains(first) {
            rest.removeFirst()
        }
    }

    private static func parse(_ rest: inout ArraySlice<Unicode.Scalar>) -> JSONTree? {
        skipSpace(&rest)
        switch rest.first {
        case "{":
            var members: [(String, JSONTree)] = []
            rest.removeFirst()
            repeat {
                skipSpace(&rest)
                if members.isEmpty, rest.first == "}" { break }
                guard let name = string(&rest) else { return nil }
                skipSpace(&rest)
                guard rest.popFirst() == ":", let value = parse(&rest) else { return nil }
                members.append((name, value))
                skipSpace(&rest)
            } while take(",", &rest)
            return take("}", &rest) ? .object(members) : nil
        case "[":
            var elements: [JSONTree] = []
            rest.removeFirst()
            repeat {
                skipSpace(&rest)
                if elements.isEmpty, rest.first == "]" { break }
                guard let value = parse(&rest) else { return nil }
                elements.append(value)
                skipSpace(&rest)
            } while take(",", &rest)
            return take("]", &rest) ? .array(elements) : nil
        case "\"": return string(&rest).map { .leaf($0) }
        default:
            let word = rest.prefix { !",]} \t\r\n".unicodeScalars.contains($0) }
            guard !word.isEmpty else { return nil }
            rest = rest.dropFirst(word.count)
            return .leaf(String(String.UnicodeScalarView(word)))
        }
    }

    private static func take(
        _ scalar: Unicode.Scalar, _ rest: inout ArraySlice<Unicode.Scalar>
    ) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private static func string(_ rest: inout ArraySlice<Unicode.Scalar>) -> String? {
        guard rest.first == "\"" else { return nil }
        var text = String.UnicodeScalarView()
        text.append(rest.removeFirst())
        while let scalar = rest.popFirst() {
            text.append(scalar)
            if scalar == "\\" {
                guard let next = rest.popFirst() else { return nil }
                text.append(next)
            } else if scalar == "\"" {
                return String(text)
            }
        }
        return nil
    }
}
