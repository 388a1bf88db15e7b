import Credentials
import Testing

/// One table of vectors: what a key is in normal form. `=` stands for a key that is itself and
/// nothing but itself.
private let vectors: [(key: Text, normalForm: Text)] = [
    // Docker Hub, as clients spell it.
    ("https://index.docker.io/v1/", "https://index.docker.io"),
    ("https://index.docker.io/v1", "https://index.docker.io"),
    ("https://index.docker.io", "https://index.docker.io"),
    ("index.docker.io", "https://index.docker.io"),
    ("docker.io", "https://index.docker.io"),
    ("Docker.IO", "https://index.docker.io"),
    ("docker.io:443", "https://index.docker.io"),
    ("https://docker.io/", "https://index.docker.io"),
    ("registry-1.docker.io", "https://index.docker.io"),
    ("https://registry-1.docker.io/v2/", "https://index.docker.io"),
    ("https://index.docker.io/v1/access-token", "https://index.docker.io/v1/access-token"),
    ("https://index.docker.io/v1//access-token", "https://index.docker.io/v1/access-token"),
    ("docker.io/v1/refresh-token/", "https://index.docker.io/v1/refresh-token"),
    // Not Docker Hub.
    ("http://docker.io", "http://docker.io"),
    ("docker.io:80", "https://docker.io:80"),
    ("docker.io:5000", "https://docker.io:5000"),
    ("hub.docker.io", "https://hub.docker.io"),
    ("xdocker.io", "https://xdocker.io"),
    ("docker.io.example", "https://docker.io.example"),
    ("docker.io.", "https://docker.io."),
    // Scheme, case, port, slashes, API root.
    ("r.example", "https://r.example"),
    ("R.Example", "https://r.example"),
    ("https://r.example", "https://r.example"),
    ("HTTPS://R.EXAMPLE", "https://r.example"),
    ("hTTps://r.example:443/", "https://r.example"),
    ("r.example:443", "https://r.example"),
    ("r.example:443/v2/", "https://r.example"),
    ("r.example/", "https://r.example"),
    ("r.example//", "https://r.example"),
    ("r.example/v1", "https://r.example"),
    ("r.example/v1/", "https://r.example"),
    ("r.example//v2//", "https://r.example"),
    ("r.example:80", "https://r.example:80"),
    ("r.example:5000", "https://r.example:5000"),
    ("https://r.example:5000/v2/", "https://r.example:5000"),
    ("http://r.example", "http://r.example"),
    ("HTTP://r.example:80/", "http://r.example"),
    ("http://r.example:443", "http://r.example:443"),
    ("http://r.example/v2", "http://r.example"),
    ("localhost:5000", "https://localhost:5000"),
    ("127.0.0.1:65535", "https://127.0.0.1:65535"),
    ("r_1-x.example", "https://r_1-x.example"),
    // Paths: kept, in their case.
    ("r.example/Team", "https://r.example/Team"),
    ("r.example//team///a/", "https://r.example/team/a"),
    ("r.example/V1", "https://r.example/V1"),
    ("r.example/v1/x", "https://r.example/v1/x"),
    ("r.example/v2/v2", "https://r.example/v2/v2"),
    ("r.example/v3", "https://r.example/v3"),
    ("r.example/v1/v2/", "https://r.example/v1/v2"),
    ("r.example/a@b:c", "https://r.example/a@b:c"),
    ("r.example/é", "https://r.example/é"),
    ("r.example/..", "https://r.example/.."),
    // IPv6.
    ("[::1]", "https://[::1]"),
    ("[::1]:443", "https://[::1]"),
    ("[2001:DB8::A]:5000/v2/", "https://[2001:db8::a]:5000"),
    ("http://[::ffff:127.0.0.1]:80", "http://[::ffff:127.0.0.1]"),
    // Outside of the grammar.
    ("", "="),
    ("/", "="),
    ("https://", "="),
    ("https:///v1/", "="),
    ("//r.example", "="),
    ("ftp://r.example", "="),
    ("https:r.example", "="),
    ("https://https://r.example", "="),
    ("u@r.example", "="),
    ("u:p@r.example", "="),
    ("https://u:p@r.example/", "="),
    ("r.example:", "="),
    ("r.example:0", "="),
    ("r.example:0443", "="),
    ("r.example:65536", "="),
    ("r.example:99999", "="),
    ("r.example:100000", "="),
    ("r.example:+443", "="),
    ("r.example:4 43", "="),
    ("r.example:443:443", "="),
    ("r.example:٤٤٣", "="),
    ("r.example?x", "="),
    ("r.example/?x", "="),
    ("r.example/#x", "="),
    ("r.example/%2e", "="),
    ("r%2eexample", "="),
    ("r.example\\x", "="),
    ("r.example/a\\b", "="),
    ("r.example/a b", "="),
    ("r.example/\u{7F}", "="),
    ("r example", "="),
    (" r.example", "="),
    ("r.example\n", "="),
    ("r.example\r\n", "="),
    ("é.example", "="),
    ("e\u{301}.example", "="),
    ("ｒ.example", "="),
    ("\u{212A}.example", "="),
    ("[::1", "="),
    ("::1", "="),
    ("[]", "="),
    ("[::g]", "="),
    ("[::1%eth0]", "="),
    ("[127.0.0.1]", "="),
    ("[::1]x", "="),
    ("[::1]5000", "="),
    ("x[::1]", "="),
    ("*", "="),
    ("*.example", "="),
]

@Suite struct ServerKeyTests {
    @Test(arguments: vectors) func aKeyHasANormalForm(key: Text, normalForm: Text) {
        #expect(ServerKey(key).normalForm == (normalForm == "=" ? key : normalForm))
        #expect(ServerKey(key).spelling == key)
    }

    @Test(arguments: vectors) func theNormalFormIsItsOwn(key: Text, normalForm: Text) {
        let once = ServerKey(key).normalForm
        #expect(ServerKey(once).normalForm == once)
    }

    @Test(arguments: vectors) func everySpellingIsTheSameServer(key: Text, normalForm: Text) {
        let spellings = ServerKey(key).spellings
        #expect(spellings.contains(key))
        #expect(Set(spellings).count == spellings.count)
        for spelling in spellings {
            #expect(ServerKey(spelling).normalForm == ServerKey(key).normalForm)
        }
    }

    @Test(arguments: vectors) func whatIsListedIsTheSameServer(key: Text, normalForm: Text) {
        let key = ServerKey(key)
        #expect(ServerKey(key.listed).normalForm == key.normalForm)
        #expect(key.spelling.listed == key.listed)
        if let host = key.podmanHost { #expect(ServerKey(host).normalForm == key.normalForm) }
    }

    /// What docker, podman, nerdctl and crane write for one server (docker-clients.md, 2, 3, 5).
    @Test func theSpellingsAreThoseThatOtherHelpersWrite() {
        let spellings = ServerKey("R.example").spellings
        for spelling: Text in [
            "R.example", "r.example", "https://r.example", "https://r.example/",
            "https://r.example/v1/", "https://r.example/v2/", "r.example:443",
        ] {
            #expect(spellings.contains(spelling))
        }
        #expect(!spellings.contains("http://r.example"))
    }

    @Test(
        arguments: ["docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"] as [Text])
    func theSpellingsOfHubAreThoseOfItsThreeNames(key: Text) {
        let spellings = ServerKey(key).spellings
        for spelling: Text in [
            "https://index.docker.io/v1/", "index.docker.io", "docker.io", "https://docker.io",
            "registry-1.docker.io", "https://registry-1.docker.io/v2/", "docker.io:443",
        ] {
            #expect(spellings.contains(spelling))
        }
        #expect(ServerKey(key).isHub)
    }

    @Test func aServerAtAPortIsSpelledWithIt() {
        #expect(
            Set(ServerKey("r.example:5000").spellings) == [
                "r.example:5000", "https://r.example:5000", "https://r.example:5000/",
                "https://r.example:5000/v1/", "https://r.example:5000/v2/",
            ])
    }

    @Test(
        arguments: [
            ("docker.io", "https://index.docker.io/v1/", "docker.io"),
            ("https://index.docker.io/v1/", "https://index.docker.io/v1/", "docker.io"),
            (
                "https://index.docker.io/v1/access-token",
                "https://index.docker.io/v1/access-token", nil
            ),
            ("r.example", "r.example", "r.example"),
            ("R.example:443", "R.example", "r.example"),
            ("https://r.example:443", "https://r.example:443", "r.example"),
            ("https://r.example/v2/", "https://r.example/v2/", "r.example"),
            ("r.example:5000", "r.example:5000", "r.example:5000"),
            ("r.example:5443", "r.example:5443", "r.example:5443"),
            ("[::1]:443", "[::1]", "[::1]"),
            ("http://r.example", "http://r.example", nil),
            ("http://r.example:443", "http://r.example:443", nil),
            ("r.example/team", "r.example/team", nil),
            ("r.example/a:443", "r.example/a:443", nil),
            ("not a server", "not a server", nil),
        ] as [(Text, Text, Text?)])
    func listPrintsWhatClientsLookUp(key: Text, listed: Text, podmanHost: Text?) {
        #expect(ServerKey(key).listed == listed)
        #expect(key.listed == listed)
        #expect(ServerKey(key).podmanHost == podmanHost)
    }

    @Test func aLogoutOfHubIsOfItsTokensToo() {
        #expect(
            ServerKey("docker.io").logout.map(\.normalForm) == [
                "https://index.docker.io", "https://index.docker.io/v1/access-token",
                "https://index.docker.io/v1/refresh-token",
            ])
        for key: Text in ["r.example", "docker.io/team", "http://docker.io", "not a server"] {
            #expect(ServerKey(key).logout == [ServerKey(key)])
        }
    }
}
