internal import CJansson
internal import Credentials
internal import Glibc

/// A document is what Jansson made of some bytes, owned and wiped.
@safe
final class Document {
    private let root: UnsafeMutablePointer<json_t>
    /// Whether a name stands twice in one object, spelled alike. Jansson then keeps the place of
    /// the first with the value of the last.
    private let repeatsNames: Bool

    init(_ bytes: Secret, allowsRest: Bool) throws(JSON.Fault) {
        Allocator.install()
        let isBlank = bytes.expose { bytes in
            bytes.indices.allSatisfy { " \t\r\n".utf8.contains(bytes[$0]) }
        }
        guard !isBlank else { throw JSON.Fault(.empty) }
        let flags = Int32(allowsRest ? JSON_DISABLE_EOF_CHECK : 0)
        do throws(LoadError) {
            unsafe root = try unsafe Document.load(bytes, flags | JSON_REJECT_DUPLICATES)
            repeatsNames = false
        } catch  where error.code == json_error_duplicate_key {
            do throws(LoadError) {
                unsafe root = try unsafe Document.load(bytes, flags)
                repeatsNames = true
            } catch {
                throw error.fault
            }
        } catch {
            throw error.fault
        }
    }

    deinit { unsafe json_decref(root) }

    /// The whole of it. All strings lie in one piece of memory, in the order of the document.
    var value: JSON {
        get throws(JSON.Fault) {
            let node = unsafe Node(root)
            let strings = Secret(capacity: try measure(node, depth: 0)) { memory in
                var count = 0
                copyStrings(of: node, into: &memory, at: &count)
                return count
            }
            var start = 0
            return value(of: node, strings, from: &start)
        }
    }

    /// How long its strings are together.
    private func measure(_ node: Node, depth: Int) throws(JSON.Fault) -> Int {
        guard depth <= JSON.depthLimit else { throw JSON.Fault(.depth) }
        switch node.type {
        case JSON_STRING:
            return node.stringLength
        case JSON_ARRAY:
            var length = 0
            for element in node.elements { length += try measure(element, depth: depth + 1) }
            return length
        case JSON_OBJECT:
            var length = 0
            var names: Set<[UInt8]> = []
            for (name, member) in node.members {
                if repeatsNames, !names.insert(name.bytes.map(\.lowerCased)).inserted {
                    throw JSON.Fault(.ambiguous)
                }
                length += try measure(member, depth: depth + 1)
            }
            return length
        default:
            return 0
        }
    }

    private func copyStrings(
        of node: Node, into memory: inout MutableSpan<UInt8>, at start: inout Int
    ) {
        switch node.type {
        case JSON_STRING: node.copyString(into: &memory, at: &start)
        case JSON_ARRAY:
            for element in node.elements { copyStrings(of: element, into: &memory, at: &start) }
        case JSON_OBJECT:
            for (_, member) in node.members { copyStrings(of: member, into: &memory, at: &start) }
        default: break
        }
    }

    private func value(of node: Node, _ strings: Secret, from start: inout Int) -> JSON {
        switch node.type {
        case JSON_STRING:
            let end = start + node.stringLength
            defer { start = end }
            return .string(strings[start..<end])
        case JSON_ARRAY:
            return .array(node.elements.map { value(of: $0, strings, from: &start) })
        case JSON_OBJECT:
            return .object(
                node.members.map { JSON.Member($0, value(of: $1, strings, from: &start)) })
        case JSON_INTEGER: return .integer(node.integer)
        case JSON_REAL: return .real(node.real)
        case JSON_TRUE: return .bool(true)
        case JSON_FALSE: return .bool(false)
        default: return .null
        }
    }

    /// The error's text, which quotes the input, is wiped unread.
    private static func load(
        _ bytes: Secret, _ flags: Int32
    ) throws(LoadError) -> UnsafeMutablePointer<json_t> {
        let flags = flags | JSON_ALLOW_NUL | JSON_DECODE_ANY
        var error = json_error_t()
        defer { unsafe explicit_bzero(&error, MemoryLayout<json_error_t>.size) }
        let root = unsafe bytes.expose { bytes in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe json_loadb(bytes.baseAddress, bytes.count, Int(flags), &error)
            }
        }
        guard let root = unsafe root else {
            throw LoadError(code: unsafe json_error_code(&error), position: Int(error.position))
        }
        return unsafe root
    }
}

/// What Jansson says of bytes that it could not parse.
private struct LoadError: Error {
    let code: json_error_code
    let position: Int

    var fault: JSON.Fault {
        let kind: JSON.Fault.Kind =
            switch code {
            case json_error_premature_end_of_input: .truncated
            case json_error_invalid_utf8: .encoding
            case json_error_numeric_overflow: .number
            case json_error_stack_overflow: .depth
            default: .syntax
            }
        return JSON.Fault(kind, at: position)
    }
}

/// One value of a document, and valid as long as the document is.
@safe
private struct Node {
    private let pointer: UnsafeMutablePointer<json_t>

    init(_ pointer: UnsafeMutablePointer<json_t>) { unsafe self.pointer = pointer }

    var type: json_type { unsafe pointer.pointee.type }

    var integer: Int64 { unsafe json_integer_value(pointer) }

    var real: Double { unsafe json_real_value(pointer) }

    var stringLength: Int { unsafe json_string_length(pointer) }

    func copyString(into memory: inout MutableSpan<UInt8>, at start: inout Int) {
        guard let bytes = unsafe json_string_value(pointer) else { return }
        for offset in 0..<stringLength {
            memory[start] = unsafe UInt8(bitPattern: bytes[offset])
            start += 1
        }
    }

    var elements: [Node] {
        (0..<(unsafe json_array_size(pointer))).compactMap { index in
            guard let element = unsafe json_array_get(pointer, index) else { return nil }
            return unsafe Node(element)
        }
    }

    /// In the order of the document.
    var members: [(name: Text, value: Node)] {
        var members: [(name: Text, value: Node)] = []
        var position = unsafe json_object_iter(pointer)
        while let current = unsafe position {
            if let name = unsafe json_object_iter_key(current),
                let value = unsafe json_object_iter_value(current),
                // Jansson has checked that a name is UTF-8 without NUL.
                let name = unsafe Text(
                    validating: UnsafeRawBufferPointer(start: name, count: strlen(name)))
            {
                members.append((name, unsafe Node(value)))
            }
            unsafe position = unsafe json_object_iter_next(pointer, current)
        }
        return members
    }
}
