/// A suggestion is the command that the user may have meant by an unknown one.
enum Suggestion {
    /// The names that other programs use for these commands.
    private static let otherNames = [
        "ls": "list", "show": "list", "whoami": "status", "doctor": "status", "info": "status",
        "rm": "logout", "remove": "logout", "erase": "logout", "delete": "logout",
        "add": "login", "store": "login", "get": "token", "print": "token", "run": "exec",
        "install": "setup", "configure": "setup", "mv": "move",
    ]

    /// Returns the command that was probably meant; nil if none is similar.
    static func command(for typed: String, among commands: [String]) -> String? {
        if let other = otherNames[typed] { return other }
        let nearest = commands.min { distance(typed, $0) < distance(typed, $1) }
        return nearest.flatMap { distance(typed, $0) <= 2 ? $0 : nil }
    }

    /// Returns how many letters must be added, removed or replaced (Levenshtein).
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (index, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let replaced = diagonal + (letter == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
