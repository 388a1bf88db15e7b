/// The version of Keyfob, which each of its programs prints.
package enum Version {
    package static let current = "0.1.0"
}
