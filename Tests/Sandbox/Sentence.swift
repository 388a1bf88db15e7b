import Foundation

/// The sentences of all errors that tests name: the one place in the tests that knows their words.
///
/// A test writes `<code|argument|…>` for the sentence of that code, and has it expanded before it
/// compares; an argument may be a sentence. Where a code has several sentences each has a word of its
/// own after a full stop, as in `<not-json.object|…>`.
package enum Sentence {
    /// Each `{}` is an argument's place.
    package static let all = [
        "another-login.found": "the file has another login{} for it, under {}",
        "another-login.stored": "another login{} for it is stored",
        "answer-timed-out": "no {} was typed within {} s",
        "bad-configuration": "the configuration is not understood: {}",
        "bad-configuration.key": "unknown key \"{}\" in {}",
        "bad-configuration.store": "{} is not auto, secret-service or file",
        "bad-configuration.path": "{} is not an absolute path",
        "bad-configuration.seconds": "{} is not a number of seconds from 1 to 3600",
        "bad-configuration.command": "{} is not a list of a program and its arguments",
        "bad-configuration.file": "not a file",
        "bad-input.control": "{} holds a control character",
        "bad-input.hosts": "there are two hosts",
        "bad-input.index": "the request names no index of a registry",
        "bad-input.json": "the {} is not JSON: {}",
        "bad-input.line": "a line is not NAME=VALUE",
        "bad-input.no-host": "there is no host",
        "bad-input.no-protocol": "there is no protocol",
        "bad-input.no-secret":
            "there is no user with a password, and no authtype with a credential",
        "bad-input.object": "the {} is not an object",
        "bad-input.one-line": "{} holds a carriage return or a NUL",
        "bad-input.other": "the input has \"{}\", and only a token can be kept",
        "bad-input.port": "the host is not HOST or HOST:PORT",
        "bad-input.protocols": "there are two protocols",
        "bad-input.string": "{} is not a string",
        "bad-input.utf-8": "{} is not UTF-8",
        "bad-input.version": "the request is not of version 1 of the protocol",
        "bad-path": "\"{}\" is not an absolute path",
        "bad-secret.is": "the {} {}",
        "bad-secret.line": "a token is one line of text",
        "bad-secret.none": "the input has no token",
        "bad-secret.nul": "{} would hold a NUL, which no variable can",
        "bad-server": "\"{}\" is no server",
        "bad-server.host": "\"{}\" is not a host as terraform writes it",
        "bad-server.of": "\"{}\" is no server of {}",
        "bad-server.podman": "podman knows no such server",
        "bad-user-name": "\"{}\" is no user name",
        "borrowed-rights": "refusing to run set-user-ID, set-group-ID or with capabilities",
        "changed-meanwhile": "{} was removed; try again",
        "copy-remains": "it is stored, and its copy remains: {}",
        "declined": "nothing was removed",
        "file-altered":
            "{} was altered: its key is right, and its contents are not what was sealed with it",
        "file-damaged": "{} is damaged: {}",
        "file-full": "{} cannot hold more than {}",
        "file-newer": "{} was written by a newer keyfob ({})",
        "foreign-file": "{} is owned by uid {}, not by you (uid {})",
        "foreign-folder": "{} is not created: {} is owned by uid {}, not by you (uid {})",
        "hard-linked": "{} has {} hard links, and must have one",
        "hard-linked.client": "{} has {} hard links, and would live on under others",
        "has-passphrase": "the file has a passphrase already",
        "input-unreadable": "cannot read the {}: {}",
        // What a store says of a login before the error that kept it from going on.
        "item-may-remain": "an item of the login may remain in the keyring: {}",
        "older-may-remain": "the login was stored, and an older one may remain: {}",
        "removal-unknown": "whether the login was removed is unknown: {}",
        "storing-unknown": "whether the login was stored is unknown: {}",
        // What a reader says of bytes.
        "json.empty": "it is empty",
        "json.encoding": "it is not UTF-8, at byte {}",
        "json.syntax": "it has a syntax error, at byte {}",
        "json.truncated": "it ends too soon, at byte {}",
        "key-missing": "the key of {} is missing: {}",
        "key-too-short": "the key file {} is too short: {} bytes, 32 are needed",
        "key-too-short.empty": "the key file {} is empty",
        "keyring-absent": "no session bus is running",
        "keyring-absent.provider": "no Secret Service on the session bus",
        "keyring-alters-secret": "the keyring does not keep this secret as it is",
        "keyring-answers-wrongly": "the keyring answered with something of the wrong type",
        "keyring-confirms": "the keyring asks for a confirmation and nobody can answer here",
        "keyring-confirms.keepassxc": "KeePassXC wants a confirmation and nobody can answer here",
        "keyring-copy-remains":
            "this login was stored in the keyring, which cannot be reached here: a copy may remain there",
        "keyring-declined": "the prompt of the keyring was declined",
        "keyring-failed": "the keyring answered with the error {}",
        "keyring-failed.error": "the keyring answered with an error",
        "keyring-failed.search": "the keyring does not search",
        "keyring-gone": "the keyring went away",
        "keyring-gone.prompt": "the keyring went away while it was asking",
        "keyring-hides-secret": "the keyring has the login but does not give its secret",
        "keyring-item-unreadable": "the keyring has an item that cannot be read",
        "keyring-locked": "the keyring is locked and nobody can be asked here to unlock it",
        "keyring-not-unlocked": "the keyring is locked, and a list does not unlock it",
        "keyring-out-of-reach": "this login is in the keyring, which cannot be reached here: {}",
        "keyring-refused": "the session bus does not let this process use the keyring",
        "keyring-rejects-login": "the keyring does not take the login; nothing was stored",
        "keyring-removed-nothing": "the keyring said that it removed the login and did not",
        "keyring-stays-locked": "the keyring said that it was unlocked, and it is locked",
        "keyring-stored-nothing": "the keyring said that it stored the login and did not",
        "keyring-timed-out": "the keyring did not answer in time",
        "keyring-timed-out.prompt": "nobody answered the prompt of the keyring in time",
        "login-expired": "the login for {} has expired",
        "login-remains": "it was stored there, and {}",
        "login-remains.some": "logins were stored there, and {}",
        "no-index-name": "cargo's config.toml has no name for it",
        "no-passphrase": "the file has no passphrase",
        "no-session-bus": "there is no session bus",
        "no-such-file": "{} does not exist",
        "no-such-file.key": "the key file {} does not exist",
        "no-terminal": "there is no terminal to ask for the {}",
        "no-terminal.cargo": "no token supplied and no terminal",
        "no-user-name": "the login for {} has no user name",
        "not-durable": "{} was written, but may not survive a power failure",
        "not-encodable.docker": "the stored secret cannot be given to a docker client: {}",
        "not-json": "{} is not JSON: {}",
        "not-logged-in": "not logged in to {}",
        "not-logged-in.client": "no login of {} for {}",
        "not-logged-in.server": "no login for {}",
        "not-supported.file": "whose file it would be is not known",
        "not-supported.helpers": "{} knows no helpers",
        "not-supported.registry": "{} has no lasting place for the helper of one registry",
        "nothing-removed": "{}; nothing was removed",
        "nothing-stored": "{}; nothing was stored",
        "open-to-others": "{} is open to other users (mode {})",
        "passphrase-command-failed": "the passphrase command {}",
        "passphrase-length": "a passphrase has 1 to 4096 bytes",
        "passphrase-needed": "{} is protected by a passphrase, and nobody can be asked here for it",
        "passphrases-differ": "the two passphrases differ; nothing was changed",
        "password-in-address":
            "a password is not taken from the command line, where others can read it",
        "plain-text-refused": "nothing is written: {} would hold the secrets in plain text",
        "program-not-run": "{} cannot be run: {}",
        "program-not-run.exec": "cannot run {}: {}",
        "program-not-run.path": "{} is not on the PATH, and {} could not call it",
        "registry-not-asked": "the registry cannot be asked: {}",
        "registry-unreachable": "{} cannot be reached: {}",
        "same-store": "{} keeps its logins where Keyfob does",
        "several-logins": "there are {} logins: {}",
        "several-logins.clients": "{} has logins of {}",
        "several-logins.users": "{} has logins of several users: {}",
        "store-left-out": "the setting `store` leaves one of the two out",
        "store-left-out.file": "the setting `store` leaves the file out",
        "symbolic-link": "{} is a symbolic link, which is not followed",
        "system-error": "cannot {} {}: {}",
        "too-long": "the {} is longer than {} bytes",
        "too-long.file": "{} is longer than {} bytes, the most it may be",
        "too-long.line": "a line is longer than {} bytes",
        "unexpected-content.helper": "{} names another helper, {}, and terraform takes one",
        "unexpected-content.object": "{} in {} is not an object",
        "unexpected-content.podman": "{} is in podman's old format, which knows no helpers",
        "unexpected-content.table": "{} has {} without a table of its own",
        "unfit-for-file.git": "it is more than a password, which is all that a line can hold",
        "unfit-for-file.pulumi":
            "pulumi keeps more of a login in its file than the token that is stored",
        "usage.action": "{}: unknown action: {}",
        "usage.user": "{} names another user than --username",
        "wrong-key": "{} is not the key of {}",
        "wrong-key.file": "the key in {} is not the key of {}",
        "wrong-key.variable": "the passphrase in KEYFOB_PASSPHRASE is not the key of {}",
        "wrong-kind-of-file": "{} is not a regular file",
        "wrong-kind-of-file.folder": "{} is not a directory",
        "wrong-passphrase": "wrong passphrase for {}",
    ]

    /// The text with the sentence in place of each `<code|…>`; all else that stands between angle
    /// brackets stays.
    package static func expanding(_ text: some StringProtocol) -> String {
        var (expanded, rest) = ("", Substring(text))
        while let start = rest.firstIndex(of: "<") {
            expanded += rest[..<start]
            rest = rest[start...]
            if let (sentence, end) = reading(rest) {
                expanded += sentence
                rest = rest[end...]
            } else {
                expanded.append(rest.removeFirst())
            }
        }
        return expanded + rest
    }

    /// The code, a colon and the sentence that the text, one `<code|…>`, stands for.
    package static func withCode(_ text: String) -> String {
        let code = text.dropFirst().prefix { $0 != "." && $0 != "|" && $0 != ">" }
        return "\(code): \(expanding(text))"
    }

    /// The sentence that begins here, and where its closing bracket ends.
    private static func reading(_ text: Substring) -> (String, String.Index)? {
        var (parts, depth) = ([""], 0)
        for index in text.indices {
            switch text[index] {
            case "<": depth += 1
            case ">": depth -= 1
            default: break
            }
            if depth == 0 {
                guard let template = all[parts.removeFirst()] else { return nil }
                let pieces = template.components(separatedBy: "{}")
                guard pieces.count == parts.count + 1 else { return nil }
                let arguments = parts.map { expanding($0) } + [""]
                return (zip(pieces, arguments).map(+).joined(), text.index(after: index))
            }
            if depth == 1, text[index] == "|" {
                parts.append("")
            } else if index != text.startIndex {
                parts[parts.count - 1].append(text[index])
            }
        }
        return nil
    }
}
