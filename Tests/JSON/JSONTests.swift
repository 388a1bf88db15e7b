import Credentials
import Foundation
import JSON
import Testing

@Suite struct JSONTests {
    @Test func everyKindOfValueIsDecoded() throws {
        let value = try JSON(decoding: Secret(text: #"[null,true,false,-7,1.5,"a",{"b":[]}]"#))
        #expect(try value.encoded() == Secret(text: #"[null,true,false,-7,1.5,"a",{"b":[]}]"#))
    }

    @Test func membersKeepTheirOrder() throws {
        let value = try JSON(decoding: Secret(text: #"{"b":1,"a":2,"c":3}"#))
        #expect(value.members?.map(\.name) == ["b", "a", "c"])
    }

    @Test func whatFollowsTheValueIsIgnoredOnlyWhereItMay() throws {
        let bytes = Secret(text: "{\"a\":\"b\"}\n{\u{0}garbage")
        let value = try JSON(decodingStartOf: bytes)
        #expect(value.members?.first?.value.text == "b")
        #expect(throws: JSON.Fault.self) { try JSON(decoding: bytes) }
    }

    @Test func aStringKeepsEveryCharacter() throws {
        let value = try JSON(
            decoding: Secret(text: #""\u0000\b\f\n\r\t\"\\\/é\u00e9\ud83d\ude00<>&""#))
        let expected = Secret(text: "\u{0}\u{8}\u{C}\n\r\t\"\\/éé😀<>&")
        #expect(try #require(value.secret) == expected)
        #expect(value.text == nil, "a text holds no NUL")
    }

    @Test func whatIsWrittenIsReadBack() throws {
        let all = String(
            String.UnicodeScalarView(
                (Array(0...0x10FFFF)).filter { $0 < 0x3000 || $0 % 97 == 0 }
                    .compactMap { Unicode.Scalar($0 as UInt32) }))
        let line = try JSON.object([.init("k", .string(Secret(text: all)))]).encoded()
        #expect(line.expose { line in line.indices.allSatisfy { line[$0] >= 0x20 } })
        let value = try JSON(decoding: line).members?.first?.value
        #expect(try #require(value?.secret) == Secret(text: all))
    }

    @Test func markupStandsAsItIs() throws {
        let line = try JSON.text("<token> & é \u{2027}\u{2030}\u{600}\u{A0}").encoded()
        #expect(line == Secret(text: "\"<token> & é \u{2027}\u{2030}\u{600}\u{A0}\""))
    }

    @Test(arguments: [
        0x7F, 0x80, 0x9B, 0x9F, 0x61C, 0x200E, 0x200F, 0x2028, 0x202E, 0x2066, 0x2069,
    ])
    func whatATerminalObeysIsEscaped(value: UInt32) throws {
        let scalar = try #require(Unicode.Scalar(value))
        let digits = String(value, radix: 16)
        let escape = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        let line = try JSON.string(Secret(text: "a\(scalar)b\(scalar)")).encoded()
        #expect(line == Secret(text: "\"a\(escape)b\(escape)\""))
    }

    @Test(arguments: [
        ("", JSON.Fault.Kind.empty), (" \r\n\t", .empty), ("{", .truncated),
        (#"{"a":"b"#, .truncated), ("{a:1}", .syntax), ("'a'", .syntax), ("nul", .truncated),
        ("\u{FEFF}{}", .syntax), (#"["\ud800"]"#, .syntax), (#"["\udc00\ud800"]"#, .syntax),
        ("[\"a\nb\"]", .syntax), ("[\"\u{1B}\"]", .syntax), ("[01]", .syntax), ("[1.]", .syntax),
        ("[.5]", .syntax),
        ("[+1]", .syntax), ("[-]", .syntax), ("[1e]", .syntax), ("[1e+]", .syntax),
        ("[0x1]", .syntax), ("[--1]", .syntax), ("-", .truncated), ("[1 2]", .syntax),
        ("[1,]", .syntax), (#"{"a":1,}"#, .syntax), (#"{"a" 1}"#, .syntax), ("{,}", .syntax),
        (#"{"\u0000":1}"#, .syntax), (#"["\u12g4"]"#, .syntax), (#"["\x"]"#, .syntax),
        (#"["\ud83d\u0041"]"#, .syntax), (#"["\ud83d"]"#, .syntax), ("[\"\\\"]", .truncated),
        ("{} {}", .syntax), ("truex", .syntax), ("\"a", .truncated), (#"["\u00"#, .truncated),
    ])
    func aFaultSaysWhatIsWrong(text: String, kind: JSON.Fault.Kind) {
        let fault = #expect(throws: JSON.Fault.self) { try JSON(decoding: Secret(text: text)) }
        #expect(fault?.kind == kind)
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
        ] as [[UInt8]])
    func bytesThatAreNotUTF8AreAFault(bytes: [UInt8]) {
        let document = [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")]
        let fault = #expect(throws: JSON.Fault.self) {
            try JSON(decoding: Secret(copying: document.span))
        }
        #expect(fault?.kind == .encoding)
        #expect(throws: JSON.Fault.self) {
            try JSON.string(Secret(copying: bytes.span)).encoded()
        }
    }

    @Test func aFaultQuotesNothingOfTheInput() {
        let fault = #expect(throws: JSON.Fault.self) {
            try JSON(decoding: Secret(text: #"{"Secret": hunter2}"#))
        }
        #expect(fault?.description == "it has a syntax error, at byte 11")
    }

    @Test func nestingIsBounded() throws {
        let deepest = JSON.depthLimit
        func nested(_ depth: Int) -> Secret {
            let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            return Secret(text: text)
        }
        _ = try JSON(decoding: nested(deepest + 1))
        for depth in [deepest + 2, 100_000] {
            let fault = #expect(throws: JSON.Fault.self) { try JSON(decoding: nested(depth)) }
            #expect(fault?.kind == .depth)
        }
    }

    /// So the last of two is known, also of two that differ in case.
    @Test func allMembersKeepTheirOrder() throws {
        let text = #"{"Secret":"1","secret":"2","Secret":"3"}"#
        let members = try JSON(decoding: Secret(text: text)).members
        #expect(members?.map(\.name) == ["Secret", "secret", "Secret"])
        #expect(members?.map { $0.value.text } == ["1", "2", "3"])
    }

    @Test func aNumberThatNoIntegerHoldsStaysAsItIsSpelled() throws {
        let text = "[1e999,9223372036854775807,9223372036854775808,-9223372036854775808,1.50,-0E-7]"
        let value = try JSON(decoding: Secret(text: text))
        #expect(try value.encoded() == Secret(text: text))
        guard case .array(let elements) = value, case .integer(.max) = elements[1],
            case .number("9223372036854775808") = elements[2], case .integer(.min) = elements[3]
        else {
            Issue.record("they are other values")
            return
        }
    }

    @Test func aMemberSaysWhereItStands() throws {
        let text = " { \"a\\u0062\" : [ 1, \"]\" ] , \"c\":{\"d\": null}}\n"
        let (value, range) = try JSON.reading(Secret(text: text))
        let bytes = Array(text.utf8)
        func spelled(_ range: Range<Int>?) -> String? {
            range.map { String(decoding: bytes[$0], as: UTF8.self) }
        }
        #expect(spelled(range) == text.trimmingCharacters(in: .whitespacesAndNewlines))
        let members = try #require(value.members)
        #expect(members.map(\.name) == ["ab", "c"])
        #expect(members.map(\.start) == [3, 28])
        #expect(spelled(members[0].valueRange) == "[ 1, \"]\" ]")
        #expect(spelled(members[1].valueRange) == "{\"d\": null}")
        #expect(spelled(members[1].value.members?.first?.valueRange) == "null")
    }

    /// Documents that are almost right, the same ones in every run.
    @Test func anyBytesAreAValueOrAFault() {
        var numbers = SplitMix(state: 1)
        let seed = Array(
            #"{"ServerURL":"é\ud83d\ude00\u0000","a":[1,-2.5e3,true,null,{"b":"\\\n"}]}"#.utf8)
        var values = 0
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...Int(numbers.next() % 3) {
                let index = Int(numbers.next() % UInt64(bytes.count))
                switch numbers.next() % 3 {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: numbers.next())
                case 1: bytes.remove(at: index)
                default: bytes.insert(bytes[Int(numbers.next() % UInt64(bytes.count))], at: index)
                }
            }
            guard let value = try? JSON(decodingStartOf: Secret(copying: bytes.span)) else {
                continue
            }
            values += 1
            let line = try? value.encoded()
            let again = line.flatMap { try? JSON(decoding: $0).encoded() }
            #expect(line != nil && again == line)
        }
        #expect((1_000..<19_000).contains(values))
    }

    @Test func aDecodedValueIsNeverPrinted() throws {
        let value = try JSON(decoding: Secret(text: #"{"Secret":"hunter2"}"#))
        var dumped = ""
        dump(value, to: &dumped)
        #expect(!"\(value) \(String(reflecting: value)) \(dumped)".contains("hunter2"))
    }
}

/// SplitMix64, for numbers that look random and are always the same.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var number = state
        number = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
        number = (number ^ (number >> 27)) &* 0x94D0_49BB_1331_11EB
        return number ^ (number >> 31)
    }
}

extension Secret {
    fileprivate init(text: String) { self.init(copying: Array(text.utf8).span) }
}
