/// Why a sandbox could not give a test what it asked for. It never names a program's input.
package struct SandboxError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
