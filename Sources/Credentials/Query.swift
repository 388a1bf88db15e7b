/// A query describes the logins that are wanted: a schema, and facts about its attributes.
///
/// One rule holds for every store and every client: a fact that is named must hold, in normal form;
/// a fact that is not named matches anything. If the facts name the whole place (a server, or a
/// protocol and host), an optional part of it that is not named, a port, must be absent:
/// `example.com` is never answered with the login of `example.com:8443`.
package struct Query: Hashable, Sendable {
    package let schema: Schema
    package let facts: [String: Text]
    /// The identity of the one login that is wanted; nil if the facts alone decide.
    private let identity: Place?

    package init(_ schema: Schema, _ facts: [String: Text] = [:]) {
        self.init(schema, facts, identity: nil)
    }

    /// Makes the query for exactly what the entry replaces when it is stored; nil if the entry does
    /// not name its server.
    package init?(replacedBy entry: Entry) {
        guard let identity = entry.identity else { return nil }
        self.schema = entry.schema
        self.facts = entry.attributes.filter { entry.schema.identityNames.contains($0.key) }
        self.identity = identity
    }

    /// Returns the same query for logins of an account, or (nil) for those outside every account.
    package func `in`(_ account: AccountName?) -> Query {
        let schema = Schema(schema.family, in: account)
        let identity = identity.map { Place(schema: schema, parts: $0.parts) }
        return Query(schema, facts, identity: identity)
    }

    private init(_ schema: Schema, _ facts: [String: Text], identity: Place?) {
        self.schema = schema
        self.facts = facts
        self.identity = identity
    }

    /// The one place that the query is about; nil if the facts do not name it completely.
    package var place: Place? { schema.place(of: facts) }

    /// The query for all logins of this query's place, of any user; nil if this is that query, or
    /// names no place.
    package var widenedToPlace: Query? {
        let placeFacts = facts.filter { schema.placeNames.contains($0.key) }
        guard place != nil, identity != nil || placeFacts != facts else { return nil }
        return Query(schema, placeFacts)
    }

    /// Returns true if the entry matches.
    package func matches(_ entry: Entry) -> Bool {
        guard entry.schema == schema else { return false }
        if let place, entry.place != place { return false }
        if let identity, entry.identity != identity { return false }
        return facts.allSatisfy { name, fact in
            guard let value = entry[name] else { return false }
            return schema.normalForm(of: value, named: name)
                == schema.normalForm(of: fact, named: name)
        }
    }

    /// Returns true if the entry is spelled exactly as the query is.
    package func matchesExactly(_ entry: Entry) -> Bool {
        facts.allSatisfy { name, fact in entry[name] == fact }
    }

    /// Returns true if `left` answers the query better than `right`: the exact spelling comes
    /// first, then the newer entry. An unknown time counts as the oldest. Entries of one second are
    /// ordered by user, since a keyring returns them in any order.
    package func prefers(_ left: Entry, to right: Entry) -> Bool {
        let (leftIsExact, rightIsExact) = (matchesExactly(left), matchesExactly(right))
        guard leftIsExact == rightIsExact else { return leftIsExact }
        let (leftTime, rightTime) = (left.modified ?? 0, right.modified ?? 0)
        guard leftTime == rightTime else { return leftTime > rightTime }
        func account(_ entry: Entry) -> [Text] {
            schema.accountNames.map { entry[$0] ?? "" }
        }
        return account(left).lexicographicallyPrecedes(account(right))
    }

    /// Returns the logins with the best answer first.
    package func ranked(_ found: [Credential]) -> [Credential] {
        found.sorted { prefers($0.entry, to: $1.entry) }
    }
}
