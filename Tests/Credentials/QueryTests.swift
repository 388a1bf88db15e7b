import Credentials
import Testing

@Suite struct QueryTests {
    @Test func aFactThatIsNotNamedMatchesAnything() {
        let entry = entry(.token, ["client": "terraform", "key": "app.terraform.io"])
        #expect(Query(.token, [:]).matches(entry))
        #expect(Query(.token, ["client": "terraform"]).matches(entry))
        #expect(!Query(.token, ["client": "pulumi"]).matches(entry))
        #expect(!Query(.token, ["client": "terraform", "username": "u"]).matches(entry))
        #expect(!Query(.cargo, [:]).matches(entry))
    }

    @Test func dockerServersAreComparedInNormalForm() {
        let entry = entry(.docker, ["server": "https://r.example/v2/", "username": "u"])
        for server: Text in ["r.example", "R.EXAMPLE:443", "https://r.example/v2/"] {
            #expect(Query(.docker, ["server": server]).matches(entry))
        }
        for server: Text in ["http://r.example", "r.example:80", "r.example/x", "example"] {
            #expect(!Query(.docker, ["server": server]).matches(entry))
        }
        #expect(Query(.docker, ["server": "r.example", "username": "u"]).matches(entry))
        #expect(!Query(.docker, ["server": "r.example", "username": "U"]).matches(entry))
    }

    @Test func otherRealmsCompareTheirBytes() {
        let entry = entry(.cargo, ["url": "sparse+https://Index.example/"])
        #expect(Query(.cargo, ["url": "sparse+https://Index.example/"]).matches(entry))
        #expect(!Query(.cargo, ["url": "sparse+https://index.example/"]).matches(entry))
    }

    @Test func anEntryThatDoesNotSayWhatItIsForIsNotGiven() {
        let entry = entry(.docker, ["username": "u"])
        #expect(!Query(.docker, ["server": "r.example"]).matches(entry))
        #expect(entry.place == nil)
    }

    @Test func gitsPortMustBeNamedWhereThePlaceIs() {
        let plain = entry(.git, ["protocol": "https", "server": "g.example", "user": "u"])
        let other = entry(
            .git, ["protocol": "https", "server": "g.example", "port": "8443", "user": "u"])
        let query = Query(.git, ["protocol": "https", "server": "g.example"])
        #expect(query.matches(plain))
        #expect(!query.matches(other))
        #expect(Query(.git, ["server": "g.example"]).matches(other))
        let withPort = Query(
            .git, ["protocol": "https", "server": "g.example", "port": "8443"])
        #expect(!withPort.matches(plain))
        #expect(withPort.matches(other))
    }

    @Test func gitsPathAndUserNeedNotBeNamed() {
        let entry = entry(
            .git,
            ["protocol": "https", "server": "g.example", "object": "a/b.git", "user": "u"])
        #expect(Query(.git, ["protocol": "https", "server": "g.example"]).matches(entry))
        #expect(
            !Query(.git, ["protocol": "https", "server": "g.example", "object": "c"])
                .matches(entry))
        #expect(
            !Query(.git, ["protocol": "https", "server": "g.example", "user": "v"])
                .matches(entry))
    }

    @Test func theExactSpellingIsTheBestAnswerThenTheNewest() {
        let query = Query(.docker, ["server": "r.example"])
        let exact = entry(.docker, ["server": "r.example"], at: 1)
        let newer = entry(.docker, ["server": "https://r.example"], at: 3)
        let older = entry(.docker, ["server": "r.example/"], at: 2)
        let unknown = entry(.docker, ["server": "r.example/v2/"])
        let order = [unknown, older, newer, exact].sorted { query.prefers($0, to: $1) }
        #expect(order == [exact, newer, older, unknown])
    }

    /// A keyring gives them in another order each time.
    @Test func ofOneSecondTheAnswerIsAlwaysTheSame() {
        let query = Query(.git, ["protocol": "https", "server": "g.example"])
        let entries = ["b", "a", "c"].map { user in
            entry(.git, ["protocol": "https", "server": "g.example", "user": user], at: 5)
        }
        for order in [entries, entries.reversed()] {
            let users = order.sorted { query.prefers($0, to: $1) }.map { $0.attributes["user"] }
            #expect(users == ["a", "b", "c"])
        }
    }

    @Test func oneDockerServerHasOneLogin() {
        let one = entry(.docker, ["server": "docker.io", "username": "a"])
        let two = entry(.docker, ["server": "https://index.docker.io/v1/", "username": "b"])
        #expect(one.identity != nil)
        #expect(one.identity == two.identity)
    }

    @Test func oneGitHostHasALoginForEachUserAndPath() {
        let facts: [String: Text] = ["protocol": "https", "server": "g.example"]
        let logins = [
            entry(.git, facts), entry(.git, facts.merging(["user": "u"]) { $1 }),
            entry(.git, facts.merging(["object": "u"]) { $1 }),
            entry(.git, facts.merging(["port": "u"]) { $1 }),
        ].map(\.identity)
        #expect(Set(logins).count == 4)
        #expect(!logins.contains(nil))
    }

    private func entry(_ schema: Schema, _ attributes: [String: Text], at time: UInt64? = nil)
        -> Entry
    {
        Entry(schema: schema, attributes: attributes, label: "", modified: time)
    }
}
