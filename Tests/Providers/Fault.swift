import Sandbox
import Testing

/// A fault is what a Secret Service does wrong, and what the helper answers.
struct Fault: CustomTestStringConvertible {
    let name: String
    let plan: HostileService.Plan
    var isMarked = false
    /// No answer: the fault does not concern the request.
    let answers: [Request: Answer]
    /// What an error leaves in the service, where that is not what was there before.
    private let remains: [Request: [String]]

    init(
        _ name: String, _ faults: [String], locked: Bool = false,
        items: [HeldItem] = [Request.held], isMarked: Bool = false, _ answers: [Request: Answer],
        remains: [Request: [String]] = [:]
    ) {
        self.name = name
        self.plan = HostileService.Plan(items: items, locked: locked, faults: faults)
        self.isMarked = isMarked
        self.answers = answers
        self.remains = remains
    }

    /// The logins that the service must hold after the request.
    func leaves(_ request: Request, _ outcome: Outcome) -> [String] {
        if let remains = remains[request] { return remains.sorted() }
        guard outcome.succeeded, request.changes else { return plan.items.logins }
        return (plan.items.logins.filter { $0 != "u: old" } + request.result).sorted()
    }

    var testDescription: String { name }
}

extension Fault {
    static let table: [Fault] = prompts + changes + searches + secrets + sessions + refusals

    private static let honest: [Fault] = [
        // The session of a get that is expected to find something is opened while it searches.
        Fault(
            "opens no session, and has nothing", ["silent OpenSession"],
            items: [HeldItem("other.example", "u", "old")], isMarked: true, [.get: .notFound]),
        Fault("none", [], answers(to: everything) { $0.success }),
        Fault(
            "makes a note of a client too late", ["gnome", "late"], isMarked: true,
            answers(to: everything) { $0.success }),
        Fault("none, locked", [], locked: true, answers(to: unlocking) { $0.success }),
    ]

    private static let prompts: [Fault] =
        honest + [
            Fault(
                "vanishes during the prompt", ["prompt vanish"], locked: true,
                errors(to: unlocking, "<keyring-gone.prompt>")),
            Fault(
                "a prompt that never completes", ["prompt never"], locked: true,
                errors(to: unlocking, "<keyring-timed-out.prompt>")),
            Fault(
                "a prompt that never completes and cannot be dismissed", ["prompt deaf"],
                locked: true,
                errors(to: unlocking, "<keyring-timed-out.prompt>")),
            Fault(
                "a prompt refused with a result of the wrong type", ["prompt refuse-string"],
                locked: true, errors(to: unlocking, "<keyring-declined>")),
            Fault(
                "a prompt refused with an empty result", ["prompt refuse-list"], locked: true,
                errors(to: unlocking, "<keyring-declined>")),
            Fault(
                "a prompt that completes and unlocks nothing", ["prompt idle"], locked: true,
                errors(to: unlocking, "<keyring-stays-locked>")),
            Fault(
                "a prompt that completes with something else", ["prompt wrong-signal"],
                locked: true,
                errors(to: unlocking, "<keyring-answers-wrongly>")),
            Fault(
                "unlocks without a prompt, and does not", ["pretend Unlock"], locked: true,
                errors(to: unlocking, "<keyring-stays-locked>")),
            Fault(
                "asks before it creates and deletes", ["ask CreateItem", "ask Delete"],
                answers(to: everything) { $0.success }),
            Fault(
                "asks before it creates and deletes, and does not",
                ["ask CreateItem", "ask Delete", "prompt idle"],
                [
                    .replace: .error(
                        "<storing-unknown|<keyring-stored-nothing>>"),
                    .erase: .error("<keyring-removed-nothing>"),
                ]),
            Fault(
                "asks before it creates and deletes, and is refused",
                ["ask CreateItem", "ask Delete", "prompt refuse-string"],
                errors(to: [.replace, .erase], "<keyring-declined>")),
        ]

    private static let changes: [Fault] = [
        Fault(
            "CreateItem does nothing", ["pretend CreateItem"],
            errors(to: [.replace], "<keyring-stored-nothing>")),
        Fault(
            "CreateItem keeps no attributes", ["forget CreateItem"],
            errors(
                to: [.replace],
                "<item-may-remain|<keyring-stored-nothing>>"),
            remains: [.replace: ["nobody: new", "u: old"]]),
        Fault(
            "CreateItem does it and fails",
            ["error-after org.example.No CreateItem"],
            errors(
                to: [.replace], "<keyring-rejects-login>")),
        Fault(
            "CreateItem does it after a prompt, and says that it was declined",
            ["ask CreateItem", "prompt refuse-after"],
            errors(
                to: [.replace],
                "<nothing-stored|<keyring-alters-secret>>")),
        Fault(
            "CreateItem gives another login's item as the new one", ["mislead CreateItem"],
            items: [HeldItem("other.example", "u", "theirs"), Request.held],
            errors(
                to: [.replace],
                "<item-may-remain|<keyring-stored-nothing>>")),
        Fault(
            "CreateItem gives the old item as the new one", ["mislead CreateItem"],
            errors(
                to: [.replace],
                "<item-may-remain|<keyring-stored-nothing>>")),
        Fault(
            "SetSecret does nothing", ["pretend SetSecret"],
            errors(
                to: [.update],
                "<nothing-stored|<keyring-alters-secret>>")),
        Fault(
            "Delete does nothing", ["pretend Delete"],
            [
                .erase: .error("<keyring-removed-nothing>"),
                .replace: .error(
                    "<older-may-remain|<keyring-removed-nothing>>"),
            ], remains: [.replace: ["other: new", "u: old"]]),
        Fault(
            "an item that cannot be described", ["error org.example.No Set"],
            [.update: Request.update.success]),
    ]

    private static let searches: [Fault] = [
        Fault(
            "finds every item twice", ["search twice"], answers(to: everything) { $0.success }),
        Fault(
            "finds every item unlocked and locked", ["search both"],
            answers(to: unlocking) { $0.success }),
        Fault(
            "does not know the method at first",
            ["error org.freedesktop.DBus.Error.UnknownMethod 2"],
            answers(to: everything) { $0.success }),
        Fault(
            "does not search", ["error org.freedesktop.DBus.Error.UnknownMethod SearchItems"],
            errors(to: everything, "<keyring-failed.search>")),
        Fault(
            "finds everything", ["search all"],
            items: [
                Request.held, HeldItem("h.example:8443", "u", "port"),
                HeldItem("h.example/path", "u", "path"),
                HeldItem("http://h.example", "u", "scheme"),
                HeldItem("other.example", "u", "host"),
                HeldItem("h.example", "u", "schema").with("xdg:schema", "org.example.Other"),
                HeldItem("h.example", "u", "cli").with("docker_cli", nil),
                HeldItem("h.example", "u", "label").with("label", "other"),
            ], answers(to: [.get, .erase, .update, .replace]) { $0.success }),
        Fault(
            "holds others of that server alone", [],
            items: [
                HeldItem("h.example", "u", "schema").with("xdg:schema", "org.example.Other"),
                HeldItem("h.example", "u", "none").with("xdg:schema", nil),
                HeldItem("h.example:8443", "u", "port"),
                HeldItem("h.example/path", "u", "path"),
                HeldItem("http://h.example", "u", "scheme"),
            ], [.get: .notFound, .erase: .done, .update: .done, .replace: .done]),
        Fault(
            "holds one with the attribute user beside the login", [],
            items: [
                Request.held.with("username", nil).with("user", "someone"), Request.held,
            ], [.get: Request.get.success, .list: Request.list.success]),
        Fault(
            "holds one with the attribute user", [],
            items: [Request.held.with("username", nil).with("user", "someone")],
            [.get: .notFound, .list: .nothingListed]),
        Fault(
            "hashes attributes until it is unlocked", ["gnome"], locked: true,
            items: [
                Request.held.sealed([
                    "gkr:compat:hashed:server": "5f4dcc3b5aa765d61d8327deb882cf99",
                    "xdg:schema": "org.freedesktop.Secret.Generic",
                ])
            ],
            answers(to: unlocking) { $0.success }.merging(
                [
                    .list: .error(
                        "<keyring-not-unlocked>")
                ]
            ) { $1 }),
        Fault(
            "shows attributes of old until it is unlocked", [], locked: true,
            items: [Request.held.sealed(HeldItem("other.example", "x", "").attributes)],
            answers(to: unlocking) { $0.success }),
        Fault(
            "replaces the item as it is read", ["replace Read"],
            errors(to: [.get], "<keyring-item-unreadable>"),
            remains: [.get: ["u: replaced"]]),
        Fault(
            "replaces the item as its secret is read", ["replace GetSecrets"],
            errors(to: [.get], "<keyring-hides-secret>"),
            remains: [.get: ["u: replaced"]]),
        Fault(
            "hides locked items", ["search no-locked"], locked: true,
            [
                .get: .notFound, .erase: .done, .update: .done, .replace: .done,
                .list: .nothingListed,
            ]),
        Fault(
            "hides locked items that were stored", ["search no-locked"], locked: true,
            isMarked: true, answers(to: unlocking) { $0.success }),
        Fault(
            "hides locked items that were stored, and stays locked",
            ["search no-locked", "prompt idle"], locked: true, isMarked: true,
            errors(to: unlocking, "<keyring-stays-locked>")),
    ]

    private static let secrets: [Fault] = [
        Fault(
            "GetSecrets omits the item", ["secrets omit"],
            [
                .get: .error("<keyring-hides-secret>")
            ]),
        Fault(
            "a secret of another session", ["secrets other-session"],
            [.get: .error("<keyring-hides-secret>")]),
        Fault(
            "a secret with bad padding", ["secrets bad-padding"],
            [.get: .error("<keyring-hides-secret>")]),
        Fault(
            "a secret with bad parameters", ["secrets bad-vector"],
            [.get: .error("<keyring-hides-secret>")]),
        Fault(
            "a secret that is not UTF-8", [], items: [Request.held.with(secret: [0x6F, 0xFF])],
            [
                .get: .error(
                    "<not-encodable.docker|<bad-input.utf-8|it>>"),
                .update: .done, .replace: .done, .erase: .done, .list: .listing(user: "u"),
            ], remains: [.update: ["u: new"], .replace: ["other: new"], .erase: []]),
        Fault(
            "a plain secret with parameters", ["secrets bad-vector", "session plain"],
            [.get: .error("<keyring-hides-secret>")]),
    ]

    private static let sessions: [Fault] = [
        Fault(
            "knows no encrypted session", ["session plain"],
            answers(to: everything) { $0.success }),
        Fault(
            "knows no session", ["error org.freedesktop.DBus.Error.NotSupported OpenSession"],
            errors(
                to: [.get, .update, .replace],
                "<keyring-failed|org.freedesktop.DBus.Error.NotSupported>")),
        Fault(
            "an algorithm is an invalid argument to it",
            ["error org.freedesktop.DBus.Error.InvalidArgs OpenSession"],
            errors(
                to: [.get, .update, .replace],
                "<keyring-failed|org.freedesktop.DBus.Error.InvalidArgs>")),
        Fault(
            "an error of its own for a session", ["error org.example.Strange OpenSession"],
            errors(
                to: [.get, .update, .replace],
                "<keyring-failed.error>")),
        Fault(
            "refuses the first session", ["session refuse-first"],
            answers(to: everything) { $0.success }),
        Fault(
            "agrees on no key in the first session", ["session strange-first"],
            answers(to: everything) { $0.success }),
        Fault(
            "agrees on no key in the first session, and what that decrypts looks padded",
            ["session strange-first", "secrets lucky"], answers(to: everything) { $0.success }),
        Fault(
            "agrees on no key, and what that decrypts looks padded",
            ["secrets other-key", "secrets lucky"],
            [.get: .error("<keyring-hides-secret>")]),
        Fault(
            "a public key of no use", ["session bad-key"],
            [
                .get: .error("<keyring-hides-secret>"),
                .update: .error(
                    "<nothing-stored|<keyring-stored-nothing>>"),
                .replace: .error(
                    "<nothing-stored|<keyring-stored-nothing>>"),
            ]),
    ]

    private static let refusals: [Fault] =
        [
            Fault(
                "answers with the wrong type", ["wrong-type OpenSession"],
                errors(to: [.get], "<keyring-answers-wrongly>")),
            Fault(
                "creates, and answers with the wrong type", ["wrong-type-after CreateItem"],
                errors(
                    to: [.replace],
                    "<storing-unknown|<keyring-answers-wrongly>>"),
                remains: [.replace: ["other: new", "u: old"]]),
            Fault(
                "sets the secret, and answers with the wrong type", ["wrong-type-after SetSecret"],
                errors(
                    to: [.update],
                    "<storing-unknown|<keyring-answers-wrongly>>"),
                remains: [.update: ["u: new"]]),
            Fault(
                "deletes, and answers with the wrong type", ["wrong-type-after Delete"],
                errors(
                    to: [.erase],
                    "<removal-unknown|<keyring-answers-wrongly>>"),
                remains: [.erase: []]),
        ]
        + ["SearchItems", "Read", "OpenSession", "ReadAlias", "CreateItem", "SetSecret"].map {
            method in
            Fault(
                "AccessDenied to \(method)",
                ["error org.freedesktop.DBus.Error.AccessDenied \(method)"],
                errors(
                    to: users(of: method),
                    "<keyring-refused>"))
        } + [
            Fault(
                "AccessDenied to GetSecrets",
                ["error org.freedesktop.DBus.Error.AccessDenied GetSecrets"],
                errors(
                    to: [.get, .update],
                    "<keyring-refused>")),
            Fault(
                "AccessDenied to GetSecrets after it created the item",
                ["error org.freedesktop.DBus.Error.AccessDenied GetSecrets"],
                errors(
                    to: [.replace],
                    "<nothing-stored|<keyring-refused>>")),
            Fault(
                "AccessDenied to Delete", ["error org.freedesktop.DBus.Error.AccessDenied Delete"],
                [
                    .erase: .error("<keyring-refused>"),
                    .replace: .error(
                        "<older-may-remain|<keyring-refused>>"),
                ], remains: [.replace: ["other: new", "u: old"]]),
        ]

    private static func users(of method: String) -> [Request] {
        switch method {
        case "OpenSession", "GetSecrets": [.get, .update, .replace]
        case "ReadAlias": [.update, .replace]
        case "CreateItem": [.replace]
        case "SetSecret": [.update]
        case "Delete": [.erase, .replace]
        default: everything
        }
    }

    static let silences: [Fault] = [
        silent("SearchItems", everything),
        silent("Read", [.get, .list, .erase]),
        silent("OpenSession", [.get]),
        silent("ReadAlias", [.update]),
        silent("GetSecrets", [.get, .update]),
        silent(
            "GetSecrets", [.replace], leaving: "storing-unknown",
            remains: ["u: old", "other: new"]),
        silent("SetSecret", [.update], leaving: "storing-unknown"),
        silent("CreateItem", [.replace], leaving: "storing-unknown"),
        silent("Delete", [.erase], leaving: "removal-unknown"),
        silent("Unlock", [.get, .replace], locked: true),
        Fault(
            "silent Delete of what was replaced", ["silent Delete"],
            [
                .replace: .error(
                    "<older-may-remain|<keyring-timed-out>>")
            ], remains: [.replace: ["u: old", "other: new"]]),
        Fault(
            "silent Prompt", ["silent Prompt"], locked: true,
            errors(to: [.get], "<keyring-timed-out.prompt>")),
        Fault("silent Set", ["silent Set"], [.update: .done]),
        Fault(
            "silent Get of collections", ["silent Get", "search no-locked"], locked: true,
            errors(to: [.get, .erase], "<keyring-timed-out>")),
    ]

    private static func silent(
        _ method: String, _ requests: [Request], locked: Bool = false, leaving state: String? = nil,
        remains: [String]? = nil
    ) -> Fault {
        Fault(
            "silent \(method)", ["silent \(method)"], locked: locked,
            errors(
                to: requests,
                state.map { "<\($0)|<keyring-timed-out>>" } ?? "<keyring-timed-out>"),
            remains: Dictionary(
                uniqueKeysWithValues: requests.compactMap { request in
                    remains.map { (request, $0) }
                }))
    }

    private static let everything = Request.allCases
    private static let unlocking: [Request] = [.get, .erase, .update, .replace]

    private static func errors(to requests: [Request], _ line: String) -> [Request: Answer] {
        answers(to: requests) { _ in .error(line) }
    }

    private static func answers(
        to requests: [Request], _ answer: (Request) -> Answer
    ) -> [Request: Answer] {
        Dictionary(uniqueKeysWithValues: requests.map { ($0, answer($0)) })
    }
}
