import Credentials
import Foundation

@testable import Clients
@testable import TextEditing

extension Subject {
    /// A client's JSON file. What is taken out is gone, what is put in is there, all else is as it
    /// was, and what comes out is JSON again.
    package static let clientJSON = Subject("client-json") { input in
        let content = Secret(copying: input.span)
        guard let text = try? JSONText(content), let root = text.root, let members = root.members
        else { return }
        for index in members.indices {
            var edits = Edits()
            text.cut([index], of: root, in: &edits)
            let rest = try require(
                try? JSONText(edits.applied(to: content)).root?.members, "what is left is JSON")
            try require(rest.count == members.count - 1, "one member is gone")
            let names = members.enumerated().filter { $0.offset != index }.map(\.element.name)
            try require(rest.map(\.name) == names, "the others are there, in their order")
        }
        let addition = text.addition(#""a name of its own": 1"#, to: root, depth: 1)
        let more = try require(
            try? JSONText(addition.applied(to: content)).root?.members, "what is added to is JSON")
        try require(more.count == members.count + 1, "one member is added")
        try require(
            more.dropLast().map(\.name) == members.map(\.name), "the others are as they were")
        for member in members {
            let secret = Secret(copying: Array("\"x\"".utf8).span)
            let path: [JSONText.Step] = [.key(member.name), .key("a name of its own"), .field("a")]
            let last = members.last { $0.name == member.name }?.value
            guard let changed = text.setting(path, to: secret, indent: " ") else {
                try require(last?.members == nil, "an object can be added to")
                continue
            }
            let after = try require(try? JSONText(changed), "what is set in is JSON")
            let now = try require(after.root?.members, "it is an object")
            try require(now.map(\.name) == members.map(\.name), "it has the same members")
            let inner = try require(
                now.last { $0.name == member.name }?.value.members, "the object is there")
            try require(inner.count == (last?.members?.count ?? 0) + 1, "it has one member more")
            try require(inner.last?.value["a"]?.text == "x", "and that has the value")
        }
    }

    /// A client's TOML file. As above.
    package static let clientTOML = Subject("client-toml") { input in
        let content = Secret(copying: input.span)
        guard let text = try? TOMLText(content) else { return }
        let places = text.places
        for (index, found) in places.enumerated() {
            var edits = Edits()
            text.cut([found.place], in: &edits)
            let rest = try require(
                try? TOMLText(edits.applied(to: content)).places, "what is left is TOML")
            let names = places.enumerated().filter { $0.offset != index }.map(\.element.keys)
            try require(rest.map(\.keys) == names, "the others are there, in their order")
        }
        for table in [["a name of its own"]] + text.tables.map(\.keys) where !table.isEmpty {
            let keys = table + ["another of its own"]
            let secret = Secret(copying: Array("\"x\"".utf8).span)
            guard let changed = text.adding(keys, secret) else { continue }
            let all = try require(
                try? TOMLText(changed).places, "what is added to is TOML")
            try require(
                all.filter { $0.keys == keys && $0.place.entry.value.text == "x" }.count == 1,
                "one entry is added")
            try require(
                all.map(\.keys).filter { $0 != keys } == places.map(\.keys),
                "the others are there, in their order")
        }
    }

    /// terraform's configuration, in HCL. As above, for its items and those in them.
    package static let clientHCL = Subject("client-hcl") { input in
        let content = Secret(copying: input.span)
        guard let text = try? HCLText(content) else { return }
        func keys(_ items: [HCLText.Item]) -> [[String]] {
            items.flatMap { [$0.keys] + keys($0.inner) }
        }
        func examine(_ items: [HCLText.Item], _ rest: ([[String]]) -> [[String]]) throws {
            for (index, item) in items.enumerated() {
                var edits = Edits()
                edits.replace(text.lines(of: item))
                let left = try require(
                    try? HCLText(edits.applied(to: content)).items, "what is left is HCL")
                var others = items
                others.remove(at: index)
                try require(
                    keys(left) == rest(keys(others)), "the others are there, in their order")
                let before = keys(Array(items[..<index])) + [item.keys]
                let after = keys(Array(items[(index + 1)...]))
                try examine(item.inner) { rest(before + $0 + after) }
            }
        }
        try examine(text.items) { $0 }
    }
}

extension HCLText.Item {
    fileprivate var inner: [HCLText.Item] {
        guard case .object(let items) = value else { return [] }
        return items
    }
}
