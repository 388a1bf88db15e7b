import Credentials
import Foundation
import Testing

@testable import Stores

/// The keyring marker: what it remembers, and that it is never read as empty.
struct KeyringMarkerTests {
    @Test func aPlaceIsInItFromInsertToRemove() throws {
        let home = try TemporaryHome()
        let marker = KeyringMarker(in: home.state)
        let (one, two) = (try place("a.example"), try place("b.example"))
        #expect(try !marker.contains(one))
        try marker.insert(one)
        try marker.insert(two)
        try marker.insert(one)
        #expect(try KeyringMarker(in: home.state).contains(try place("https://A.example/v2/")))
        try marker.remove(one)
        #expect(try !marker.contains(one))
        #expect(try marker.contains(two))
    }

    @Test func askingAndRemovingWhatIsNotThereCreateNothing() throws {
        let home = try TemporaryHome()
        let marker = KeyringMarker(in: home.state)
        #expect(try !marker.contains(try place("a.example")))
        try marker.remove(try place("a.example"))
        #expect(try home.names(in: home.path) == [])
    }

    @Test func theFileHoldsNoName() throws {
        let home = try TemporaryHome()
        try KeyringMarker(in: home.state).insert(try place("a-server.example"))
        let file = Data(try home.read(home.state.path + "/in-keyring"))
        #expect(file.range(of: Data("a-server".utf8)) == nil)
        #expect(file.count == 8 + 16 + 16 + 32)
    }

    @Test func aFileWithAByteFlippedOrCutIsDamagedAndStays() throws {
        let home = try TemporaryHome()
        let marker = KeyringMarker(in: home.state)
        let path = home.state.path + "/in-keyring"
        let place = try place("a.example")
        try marker.insert(place)
        let file = try home.read(path)
        var faults = file.indices.map { Array(file.prefix($0)) }
        faults += file.indices.map { index in
            var flipped = file
            flipped[index] ^= 0x10
            return flipped
        }
        for fault in faults {
            try home.write(fault, to: path)
            for action in [
                { _ = try marker.contains(place) }, { try marker.insert(place) },
                { try marker.remove(place) },
            ] {
                try #require(refusal { try action() }.outcome == .damaged)
            }
            try #require(try home.read(path) == fault)
        }
    }

    @Test func aFileThatIsNotTheUsersAloneIsRefused() throws {
        let home = try TemporaryHome()
        let marker = KeyringMarker(in: home.state)
        try marker.insert(try place("a.example"))
        try #require(unsafe chmod(home.state.path + "/in-keyring", 0o644) == 0)
        let error = try refusal { _ = try marker.contains(try place("a.example")) }
        #expect(error.outcome == .failed)
    }

    @Test func writersAtTheSameTimeAllGetIn() throws {
        let home = try TemporaryHome()
        let places = try (0..<32).map { try place("host\($0).example") }
        DispatchQueue.concurrentPerform(iterations: places.count) { index in
            #expect(throws: Never.self) {
                try KeyringMarker(in: home.state).insert(places[index])
            }
        }
        for place in places { #expect(try KeyringMarker(in: home.state).contains(place)) }
        #expect(try home.names(in: home.state.path) == ["in-keyring", "in-keyring.lock"])
    }

    private func place(_ spelling: String) throws -> Place {
        try #require(server(spelling).place)
    }
}
