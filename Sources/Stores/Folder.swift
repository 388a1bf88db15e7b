/// Folder is the one door to the file system.
package struct Folder: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }
}
