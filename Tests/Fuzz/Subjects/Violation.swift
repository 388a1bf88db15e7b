/// A violation is a law that did not hold.
struct Violation: Error, CustomStringConvertible {
    let description: String
}

/// Throws the law as a violation if it does not hold.
func require(_ holds: Bool, _ law: String) throws(Violation) {
    guard holds else { throw Violation(description: law) }
}

/// The value, which by this law is there.
func require<Value>(_ value: Value?, _ law: String) throws(Violation) -> Value {
    guard let value else { throw Violation(description: law) }
    return value
}
