import Credentials
import Registry
import Testing
import Web

@Suite struct WebAddressTests {
    @Test(arguments: [
        ("https://auth.example/token", "https://auth.example/token"),
        ("HTTPS://Auth.Example:443/Token?a=b&c", "https://auth.example/Token?a=b&c"),
        ("http://127.0.0.1:80", "http://127.0.0.1/"),
        ("http://127.0.0.1:443?x", "http://127.0.0.1:443/?x"),
        ("https://[::1]:5000/a//b", "https://[::1]:5000/a//b"),
    ]) func anAddressIsReadAsItIsSent(text: String, sent: String) throws {
        let address = try #require(WebAddress(Text(text) ?? ""))
        #expect(address.description == sent)
    }

    @Test(arguments: [
        "", "auth.example/token", "https:", "https://", "https:/x/y", "ftp://x/", "file:///etc",
        "https://user@x/", "https://user:word@x/", "https://x:0/", "https://x:65536/",
        "https://x:/", "https://x/#f", "https://x#@y/", "https://x\\@y/", "https://x/ y",
        "https://x/\t", "https://x/\r\ny", "https://é/", "https://x/é", "https://x%2F/",
        "https://[::1/", "https://[x]/", " https://x/", "https://x/\"", "httpss://x/",
    ]) func whatTwoReadersCouldTakeForDifferentThingsIsNoAddress(text: String) {
        #expect(WebAddress(Text(text) ?? "") == nil)
    }

    @Test(arguments: [
        "localhost", "LOCALHOST", "127.0.0.1", "127.255.3.4", "[::1]", "[0:0:0:0:0:0:0:1]",
    ]) func theseAreThisMachine(host: String) throws {
        #expect(try #require(WebAddress(Text("http://\(host):5000/") ?? "")).isLoopback)
    }

    @Test(arguments: [
        "localhost.example", "xlocalhost", "localhost.", "127.1", "0177.0.0.1", "2130706433",
        "128.0.0.1", "127.0.0.1.example", "0.0.0.0", "[::]", "[::2]", "[::ffff:127.0.0.1]",
        "[fe80::1]", "1",
    ]) func theseMayBeAnotherOne(host: String) throws {
        #expect(try !#require(WebAddress(Text("http://\(host):5000/") ?? "")).isLoopback)
    }

    @Test(arguments: [
        ("r.example", "https://r.example/v2/"), ("http://R.example/v2/", "https://r.example/v2/"),
        ("r.example:5000/team", "https://r.example:5000/v2/"),
        ("docker.io", "https://registry-1.docker.io/v2/"),
        ("https://index.docker.io/v1/", "https://registry-1.docker.io/v2/"),
    ]) func aRegistryHasItsRoot(key: String, root: String) throws {
        #expect(RegistryName(Text(key) ?? "").map { WebAddress(rootOf: $0).description } == root)
    }

    @Test(
        arguments: [
            ("r.example", "r.example"), ("HTTPS://R.Example:443/v2/", "r.example"),
            ("http://r.example/team", "r.example"), ("http://r.example:80", "r.example:80"),
            ("r.example:5000/v1/", "r.example:5000"), ("[::1]:5000", "[::1]:5000"),
            ("docker.io", "https://index.docker.io/v1/"),
            ("http://registry-1.docker.io:443/x", "https://index.docker.io/v1/"),
            ("docker.io:5000", "docker.io:5000"), ("a b", nil), ("u@r.example", nil), ("", nil),
        ] as [(Text, Text?)])
    func dockerLoginKeepsAHostAlone(typed: Text, registry: Text?) {
        #expect(RegistryName(typed)?.key == registry)
    }
}
