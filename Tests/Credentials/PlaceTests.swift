import Credentials
import Testing

@Suite struct PlaceTests {
    @Test func equalPlacesHaveEqualBytesAndNoOthers() throws {
        let queries = [
            Query(.docker, ["server": "r.example"]),
            Query(.docker, ["server": "http://r.example"]),
            Query(.docker, ["server": ""]),
            Query(.cargo, ["url": "https://r.example"]),
            Query(.cargo, ["url": ""]),
            Query(.git, ["protocol": "https", "server": "g"]),
            Query(.git, ["protocol": "https", "server": "g", "port": ""]),
            Query(.git, ["protocol": "https", "server": "g", "port": "1"]),
            Query(.git, ["protocol": "https", "server": "g1"]),
            Query(.git, ["protocol": "httpsg", "server": ""]),
            Query(.git, ["protocol": "", "server": "httpsg"]),
            Query(.token, ["client": "a", "key": "bc"]),
            Query(.token, ["client": "ab", "key": "c"]),
            Query(.token, ["client": "abc", "key": ""]),
            Query(.token, ["client": "\u{1}", "key": ""]),
            Query(.token, ["client": "", "key": "\u{1}"]),
        ]
        let places = try queries.map { try #require($0.place) }
        #expect(Set(places).count == places.count)
        #expect(Set(places.map(\.encoded)).count == places.count)
        #expect(
            Query(.docker, ["server": "R.example:443"]).place?.encoded == places[0].encoded)
    }

    /// Files on disk hold hashes of these bytes.
    @Test func theBytesNeverChange() {
        let place = Query(.git, ["protocol": "https", "server": "g"]).place
        #expect(
            place?.encoded
                == [3, 0, 0, 0] + "git".utf8 + [5, 0, 0, 0] + "https".utf8
                + [1, 0, 0, 0] + "g".utf8 + [255, 255, 255, 255])
    }
}
