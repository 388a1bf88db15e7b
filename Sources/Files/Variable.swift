internal import CLibc
internal import CPlatform
package import Credentials

/// A variable of another program's environment.
package struct Variable {
    package let name: String
    package let value: Secret

    package init(_ name: String, _ value: Secret) {
        self.name = name
        self.value = value
    }

    /// True if the value contains a NUL, which no environment variable can.
    package var holdsNUL: Bool {
        value.contains(0)
    }

    /// Replaces this process by a program. Returns the error if that fails.
    package static func exec(_ command: [String], _ variables: [Variable]) -> SystemError {
        let error = unsafe withPointers(variables) { list, count in
            unsafe withArguments(command) { unsafe platform_exec($0, list, count) }
        }
        return SystemError(code: error)
    }

    /// Runs a program to its end and returns its status. The program holds the folder's lock, so
    /// that no other run removes the folder.
    package static func run(
        _ command: [String], _ variables: [Variable], keeping folder: borrowing RunFolder
    ) throws(SystemError) -> Int32 {
        let descriptor = folder.descriptor
        let status = unsafe withPointers(variables) { list, count in
            unsafe withArguments(command) { unsafe platform_run($0, list, count, descriptor) }
        }
        guard status >= 0 else { throw SystemError(code: -status) }
        return status
    }

    private static func withArguments(
        _ command: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        let arguments = unsafe command.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        return unsafe arguments.withUnsafeBufferPointer { unsafe body($0.baseAddress!) }
    }

    private static func withPointers(
        _ variables: [Variable], _ made: [PlatformVariable] = unsafe [],
        _ body: (UnsafePointer<PlatformVariable>, Int) -> Int32
    ) -> Int32 {
        guard let next = variables.first else {
            return unsafe made.withUnsafeBufferPointer { list in
                unsafe body(list.baseAddress!, list.count)
            }
        }
        return unsafe next.name.withCString { name in
            next.value.expose { bytes in
                unsafe bytes.withUnsafeBufferPointer { bytes in
                    let empty: StaticString = ""
                    let variable = unsafe PlatformVariable(
                        name: name, value: bytes.baseAddress ?? empty.utf8Start,
                        length: bytes.count)
                    return unsafe withPointers(
                        Array(variables.dropFirst()), made + [variable], body)
                }
            }
        }
    }
}
