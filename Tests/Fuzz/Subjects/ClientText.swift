import Credentials
import Foundation

@testable import ClientFiles

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
    }
}
