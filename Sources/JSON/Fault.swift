extension JSON {
    /// The reason why bytes are not JSON, or a value cannot be written. It quotes nothing, since
    /// the bytes may be a secret.
    package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
        package enum Kind: Hashable, Sendable {
            /// There is no value.
            case empty
            /// The value has no end.
            case truncated
            /// The bytes are not UTF-8.
            case encoding
            /// The value is nested deeper than `depthLimit`.
            case depth
            /// Any other fault, for instance a lone surrogate.
            case syntax
        }

        package let kind: Kind
        /// The position in the bytes; nil if it would not help.
        package let position: Int?

        init(_ kind: Kind, at position: Int? = nil) {
            self.kind = kind
            self.position = position
        }

        package var description: String {
            let words =
                switch kind {
                case .empty: "it is empty"
                case .truncated: "it ends too soon"
                case .encoding: "it is not UTF-8"
                case .depth: "it is nested too deeply"
                case .syntax: "it has a syntax error"
                }
            return position.map { "\(words), at byte \($0)" } ?? words
        }
    }
}
