import Credentials
import Stores
import Testing

/// The patterns of routes: the kubelet's rules, and what is stricter than they are.
@Suite struct RoutePatternTests {
    private static let ecr = "*.dkr.ecr.*.amazonaws.com"

    @Test(arguments: [
        (ecr, "123456789012.dkr.ecr.us-east-1.amazonaws.com"),
        (ecr, "https://123456789012.dkr.ecr.us-east-1.amazonaws.com"),
        (ecr, "https://123456789012.dkr.ecr.us-east-1.amazonaws.com/v2/"),
        (ecr, "123456789012.dkr.ecr.us-east-1.amazonaws.com:443"),
        (ecr, "123456789012.DKR.ecr.us-east-1.AmazonAWS.com"),
        (ecr, "HTTPS://a.dkr.ecr.b.amazonaws.com/"),
        (ecr, "a.dkr.ecr.b.amazonaws.com/team/image"),
        ("*.DKR.ecr.*.amazonaws.COM", "a.dkr.ecr.b.amazonaws.com"),
        ("registry.example.com", "registry.example.com"),
        ("registry.example.com", "Registry.Example.Com:443/v1/"),
        ("registry.example.com:443", "registry.example.com"),
        ("registry.example.com/", "registry.example.com"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("registry.example.com:5000", "https://registry.example.com:5000/v2/"),
        ("*.example.com:5000", "a.example.com:5000"),
        ("registry.example.com/team", "registry.example.com/team"),
        ("registry.example.com/team", "registry.example.com/team/image"),
        ("registry.example.com/team/", "registry.example.com//team//"),
        ("localhost:5000", "localhost:5000"), ("localhost", "https://localhost"),
        ("127.0.0.1:5000", "127.0.0.1:5000"), ("[::1]:5000", "[::1]:5000"),
        ("app*.k8s.example", "app1.k8s.example"), ("app*.k8s.example", "app.k8s.example"),
        ("*-docker.pkg.dev", "europe-west1-docker.pkg.dev"),
        ("a*b*c.example.com", "a-b-b-c.example.com"), ("a*b*c.example.com", "abc.example.com"),
        ("*.*.example.com", "a.b.example.com"),
        ("xn--bcher-kva.example.com", "xn--bcher-kva.example.com"),
        ("docker.io", "https://index.docker.io/v1/"), ("docker.io", "docker.io"),
        ("index.docker.io", "registry-1.docker.io"), ("*.azurecr.io", "team.azurecr.io"),
        ("under_score.example.com", "under_score.example.com"),
    ])
    func itMatches(pattern: String, server: String) throws {
        #expect(try labels(pattern, server) != nil)
    }

    @Test(arguments: [
        (ecr, "a.b.dkr.ecr.us-east-1.amazonaws.com"), (ecr, "dkr.ecr.us-east-1.amazonaws.com"),
        (ecr, ".dkr.ecr.us-east-1.amazonaws.com"), (ecr, "a.dkr.ecr..amazonaws.com"),
        (ecr, "a.dkr.ecr.us.east.amazonaws.com"), (ecr, "a.dkr.ecr.us-east-1.amazonaws.com.cn"),
        (ecr, "1.dkr.ecr.us-east-1.amazonaws.com.evil.example"),
        (ecr, "1.dkr.ecr.us-east-1.evilamazonaws.com"),
        (ecr, "1.dkr.ecr.us-east-1.amazonaws.co"), (ecr, "1.dkr.ecr.us-east-1.amazonaws.comm"),
        (ecr, "1.dkr.ecr.us-east-1.amazonaws.com."), (ecr, "1.dkr.ecr.us-east-1.amazonaws.com:80"),
        (ecr, "1.dkr.ecr.us-east-1.amazonaws.com:8443"),
        (ecr, "http://1.dkr.ecr.us-east-1.amazonaws.com"),
        (ecr, "http://1.dkr.ecr.us-east-1.amazonaws.com:443"),
        (ecr, "ftp://1.dkr.ecr.us-east-1.amazonaws.com"),
        (ecr, "evil.example/1.dkr.ecr.us-east-1.amazonaws.com"),
        (ecr, "evil.example#1.dkr.ecr.us-east-1.amazonaws.com"),
        (ecr, "1.dkr.ecr.us-east-1.amazonaws.com@evil.example"),
        (ecr, "user@1.dkr.ecr.us-east-1.amazonaws.com"),
        (ecr, "1.dkr.ecr.us-east-1.amazonaws.com\\.evil.example"),
        (ecr, "1.dkr.ecr.us-east-1.amazonaws.com%2eevil.example"),
        (ecr, "1.dkr.ecr.us-east-1.amazonaws.com?x"),
        (ecr, "1.dkr.ecr.us-east-1.\u{430}mazonaws.com"),
        (ecr, "1.dkr.ecr.us-east-1.amazonaws.com:443:443"), (ecr, "*.dkr.ecr.*.amazonaws.com"),
        ("registry.example.com", "registry.example.com:5000"),
        ("registry.example.com", "http://registry.example.com"),
        ("registry.example.com", "a.registry.example.com"),
        ("registry.example.com", "registry.example.com."), ("registry.example.com", "example.com"),
        ("registry.example.com", "registry-example.com"),
        ("registry.example.com:5000", "registry.example.com"),
        ("registry.example.com:5000", "registry.example.com:5001"),
        ("registry.example.com/team", "registry.example.com"),
        ("registry.example.com/team", "registry.example.com/teams"),
        ("registry.example.com/team", "registry.example.com/Team"),
        ("app*.k8s.example", "my-app1.k8s.example"), ("app*.k8s.example", "app1.k8s.example.com"),
        ("*-docker.pkg.dev", "docker.pkg.dev"), ("*-docker.pkg.dev", "a.b-docker.pkg.dev"),
        ("a*b*c.example.com", "acb.example.com"), ("ab*ba.example.com", "aba.example.com"),
        ("*.*.example.com", "a.example.com"), ("127.0.0.1:5000", "127.0.0.1"),
        ("127.0.0.1:5000", "127.0.0.10:5000"), ("localhost", "localhost:5000"),
        ("docker.io", "https://index.docker.io/v1/refresh-token"),
        ("docker.io", "http://docker.io"), ("docker.io", "docker.io:8443"),
        ("b\u{FC}cher.example.com".replacing("\u{FC}", with: "u"), "b\u{FC}cher.example.com"),
        ("[::1]:5000", "[::2]:5000"),
    ])
    func itDoesNotMatch(pattern: String, server: String) throws {
        #expect(try labels(pattern, server) == nil)
    }

    @Test(
        arguments: [
            ("*", .tooWide), ("*.com", .tooWide), ("*.*", .tooWide), ("example.*", .tooWide),
            ("registry.*.com", .tooWide), ("registry.exa*.com", .tooWide), ("10.0.0.*", .tooWide),
            ("*.*.*.example.com", .tooManyStars), ("host.example.com:*", .starInPortOrPath),
            ("host.example.com/*", .starInPortOrPath), ("", .notAHost), ("/team", .notAHost),
            ("https://host.example.com", .notAHost), ("http://host.example.com", .notAHost),
            ("user@host.example.com", .notAHost), ("host.example.com:0", .notAHost),
            ("host.example.com:", .notAHost), ("host..example.com", .notAHost),
            ("host.example.com.", .notAHost), (".example.com", .notAHost),
            ("b\u{FC}cher.example.com", .notAHost), ("host example.com", .notAHost),
            ("[*]:5000", .notAHost), ("**.example.com/a b", .notAHost),
            ("docker.io/v1/refresh-token", .notAHost),
        ] as [(String, RoutePattern.Fault)])
    func itIsRefused(text: String, fault: RoutePattern.Fault) throws {
        #expect(throws: fault) { try RoutePattern(try #require(Text(text))) }
    }

    @Test func theLabelsWithAStarAreTold() throws {
        let found = try labels(RoutePatternTests.ecr, "123.DKR.ecr.us-east-1.amazonaws.com")
        #expect(found == ["123", "us-east-1"])
        #expect(try labels("*-docker.pkg.dev", "eu-docker.pkg.dev") == ["eu-docker"])
        #expect(try labels("host.example.com", "host.example.com") == [])
    }

    private func labels(_ pattern: String, _ server: String) throws -> [String]? {
        let pattern = try RoutePattern(try #require(Text(pattern)))
        return ServerKey(try #require(Text(server))).webServer.flatMap { pattern.match($0) }
    }
}
