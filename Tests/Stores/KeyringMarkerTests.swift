import Credentials
import Files
import Foundation
import Testing

@testable import Stores

/// The keyring marker: what it remembers, and that damage is never read as emptiness.
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

    @Test func thereIsNoNameInIt() throws {
        let home = try TemporaryHome()
        try KeyringMarker(in: home.state).insert(try place("a-server.example"))
        let names = try home.names(in: folder(home))
        let mark = try #require(names.first { $0 != "salt" && $0 != "salt.lock" })
        #expect(names.count == 3 && mark.wholeMatch(of: #/[0-9a-f]{32}/#) != nil)
        #expect(try home.read("\(folder(home))/\(mark)") == [])
        #expect(try home.read(folder(home) + "/salt").count == 8 + 16 + 32)
    }

    @Test func twoMarkersHaveTwoHashesOfAPlace() throws {
        let (one, two) = (try TemporaryHome(), try TemporaryHome())
        for home in [one, two] {
            try KeyringMarker(in: home.state).insert(try place("a.example"))
        }
        #expect(try home(one) != home(two))
        func home(_ home: TemporaryHome) throws -> [String] { try home.names(in: folder(home)) }
    }

    @Test func aSaltThatIsMissingOrHasAByteFlippedOrCutIsDamageAndStays() throws {
        let home = try TemporaryHome()
        let marker = KeyringMarker(in: home.state)
        let path = folder(home) + "/salt"
        let place = try place("a.example")
        try marker.insert(place)
        let salt = try home.read(path)
        var faults = salt.indices.map { Array(salt.prefix($0)) }
        faults += salt.indices.map { index in
            var flipped = salt
            flipped[index] ^= 0x10
            return flipped
        }
        let actions = [
            { _ = try marker.contains(place) }, { try marker.insert(place) },
            { try marker.remove(place) },
        ]
        for fault in faults {
            try home.write(fault, to: path)
            for action in actions {
                try #require(refusal { try action() }.outcome == .damaged)
            }
            try #require(try home.read(path) == fault)
        }
        try FileManager.default.removeItem(atPath: path)
        for action in actions { #expect(try refusal { try action() }.outcome == .damaged) }
        #expect(try !home.names(in: folder(home)).contains("salt"))
        // What was in it is known without it.
        #expect(try marker.count() == 1)
    }

    @Test func whereNothingIsMarkedANewSaltIsMade() throws {
        let home = try TemporaryHome()
        let marker = KeyringMarker(in: home.state)
        let place = try place("a.example")
        try marker.insert(place)
        try marker.remove(place)
        #expect(try marker.count() == 0)
        try FileManager.default.removeItem(atPath: folder(home) + "/salt")
        try marker.insert(place)
        #expect(try marker.contains(place))
    }

    @Test func aFolderThatIsNotTheUsersAloneOrNoneIsRefused() throws {
        let home = try TemporaryHome()
        let marker = KeyringMarker(in: home.state)
        try marker.insert(try place("a.example"))
        try #require(unsafe chmod(folder(home), 0o755) == 0)
        #expect(try refusal { _ = try marker.contains(try place("a.example")) }.outcome == .failed)
        try FileManager.default.removeItem(atPath: folder(home))
        try home.write([1], to: folder(home))
        #expect(try refusal { _ = try marker.contains(try place("a.example")) }.outcome == .failed)
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
        let names = try home.names(in: folder(home))
        #expect(names.count == places.count + 2 && names.suffix(2) == ["salt", "salt.lock"])
    }

    private func folder(_ home: TemporaryHome) -> String { home.state.path + "/in-keyring" }

    private func place(_ spelling: String) throws -> Place {
        try #require(server(spelling).place)
    }
}
