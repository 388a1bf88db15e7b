import Foundation
import Sandbox
import Testing

/// Amazon's registry, as moto plays it, by the AWS CLI and by Amazon's own helper.
@Suite struct CloudTests {
    private static let server = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    private let home: RoutedHome
    private let port: String

    init() throws {
        home = try RoutedHome("", asUserOfItsOwn: false)
        let sandbox = home.sandbox
        // Made once, and kept with the build: it takes half a minute.
        let modules = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../.build/moto").standardized.path
        if !FileManager.default.fileExists(atPath: modules + "/moto/server.py") {
            let install = try sandbox.run(
                "/usr/bin/python3", "-m", "pip", "install", "--quiet", "--target", modules,
                "moto==5.2.5",
                "flask", "flask-cors", deadline: .seconds(300))
            try #require(install.succeeded, "\(install)")
        }
        sandbox.setEnvironment("PYTHONPATH", to: modules)
        let free = String(Int.random(in: 20_000..<30_000))
        let moto = try sandbox.startDaemon(
            ["/usr/bin/python3", "-m", "moto.server", "-H", "127.0.0.1", "-p", free])
        try moto.wait(for: "answer") { moto.log.contains("Running on") ? () : nil }
        sandbox.setEnvironment("PYTHONPATH", to: nil)
        port = free
        for (name, value) in ["AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"] {
            sandbox.setEnvironment(name, to: value)
        }
    }

    private func command(_ words: String) -> String {
        let all = "aws --endpoint-url http://127.0.0.1:\(port) ecr \(words) --region {2}"
        return all.split(separator: " ").map { "\"\($0)\"" }.joined(separator: ", ")
    }

    @Test func theTokenOfMotoIsGivenAndOneThatHasEndedIsNotCached() throws {
        try home.configure(
            #"""
            {"match": "*.dkr.ecr.*.amazonaws.com",
             "command": [\#(command("get-authorization-token --output json"))],
             "basic": "/authorizationData/0/authorizationToken",
             "expires": "/authorizationData/0/expiresAt"}
            """#)
        #expect(try home.login(CloudTests.server) == ["AWS", "123456789012-auth-token"])
        // It ended in 2015.
        #expect(try home.helper("list").output == "{}\n")
        let gets = try home.together(8, "get", CloudTests.server)
        #expect(gets.filter { !$0.output.contains("123456789012-auth-token") }.isEmpty)
    }

    /// The AWS CLI takes a second. What a cached token and a login of the file cost is printed.
    @Test func manyFirstGetsAskOnce() throws {
        let stored = #"{"ServerURL":"stored.example.com","Username":"u","Secret":"s"}"#
        #expect(try home.helper("store", stored).succeeded)
        try home.configure(
            #"""
            {"match": "*.dkr.ecr.*.amazonaws.com", "username": "AWS", "lifetime": "6h",
             "command": ["count", \#(command("get-login-password"))]}
            """#)
        try home.script("count", #"exec "$@""#)
        let gets = try home.together(64, "get", CloudTests.server)
        #expect(gets.filter { !$0.output.contains("123456789012-auth-token") }.isEmpty)
        #expect(home.calls("count") == 1)
        // In turn, so that both meet the same load; the least of each is what it costs.
        var (cached, file) = (Double.infinity, Double.infinity)
        for _ in 0..<60 {
            cached = min(cached, try home.get(CloudTests.server).seconds)
            file = min(file, try home.get("stored.example.com").seconds)
        }
        // A figure, and no verdict: machines are noisy.
        print("a cached token: \(cached * 1000) ms; a login of the file: \(file * 1000) ms")
        #expect(home.calls("count") == 1)
    }

    /// It says "not found" for every failure.
    @Test func whatAmazonsHelperDoesNotFindIsAFailure() throws {
        try home.configure(#"{"match": "*.dkr.ecr.*.amazonaws.com", "helper": "ecr-login"}"#)
        let environment: [String: String?] = [
            "AWS_ACCESS_KEY_ID": nil, "AWS_SECRET_ACCESS_KEY": nil,
            "AWS_EC2_METADATA_DISABLED": "true",
        ]
        let outcome = try home.get(CloudTests.server, environment: environment)
        #expect(outcome.status == 1)
        #expect(
            outcome.output
                == "the route *.dkr.ecr.*.amazonaws.com failed: docker-credential-ecr-login says: "
                + RoutedHome.notFound)
    }
}
