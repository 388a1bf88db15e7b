/// A line fault is the error of a text that cannot be parsed. It quotes nothing, because the text may
/// be secret.
package struct LineFault: Error, Hashable {
    /// The line of the error, counted from 1.
    package let line: Int
}
