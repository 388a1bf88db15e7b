/// A case is one thing that one program is measured at.
struct Case: Hashable, Encodable {
    /// Where the logins are kept.
    enum Place: String, Encodable { case keyring, file, none }

    /// What is run: `keyfob`, a peer, or a floor.
    let program: String
    /// What it is asked to do: `get`, `store`, …
    let action: String
    let place: Place
    /// How many logins are kept there.
    let logins: Int
    /// How many other items are kept there.
    var others = 0
    /// How many of its processes run at once.
    var processes = 1

    /// The program that is ours.
    static let ours = "keyfob"
    /// The case of doing nothing, which all others are told in multiples of.
    static let nothing = Case(program: "nothing", action: "", place: .none, logins: 0)

    func by(_ program: String) -> Case {
        Case(
            program: program, action: action, place: place, logins: logins, others: others,
            processes: processes)
    }
}

extension Case: CustomStringConvertible {
    var description: String {
        guard place != .none else { return [program, action].joined(separator: " ") }
        let among = others > 0 ? " among \(logins + others) items" : ""
        let at = processes > 1 ? ", \(processes) at once" : ""
        return "\(program) \(action), \(place.rawValue), \(logins) logins\(among)\(at)"
    }
}
