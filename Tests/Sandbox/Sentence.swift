import Foundation

/// The sentences of all errors that tests name: the one place in the tests that knows their words.
///
/// A test writes `<code|argument|…>` for the sentence of that code, and has it expanded before it
/// compares; an argument may be a sentence. Where a code has several sentences each has a word of its
/// own after a full stop, as in `<not-json.object|…>`.
package enum Sentence {
    /// Each `{}` is an argument's place.
    package static let all = [
        "another-login.found": "the file has another login{} for this server, as {}",
        "another-login.stored": "the store has another login{} for this server",
        "answer-timed-out": "no {} was typed within {} s",
        "bad-account": "KEYFOB_ACCOUNT is not the name of an account",
        "bad-configuration": "a setting is not valid: {}",
        "bad-configuration.key": "unknown key \"{}\" in {}",
        "bad-configuration.routes": "the config file has routes, and they cannot be used: {}",
        "bad-configuration.unread-routes":
            "the config file may have routes, and cannot be used: {}",
        "bad-configuration.store": "{} must be auto, secret-service or file",
        "bad-configuration.path": "{} must be an absolute path",
        "bad-configuration.seconds": "{} must be a number of seconds from 1 to 3600",
        "bad-configuration.command": "{} must be a list of a program and its arguments",
        "bad-configuration.file": "not a file",
        "bad-input.control": "{} contains a control character",
        "bad-input.hosts": "there are two hosts",
        "bad-input.index": "the request names no index of a registry",
        "bad-input.json": "the {} is not JSON: {}",
        "bad-input.line": "a line is not NAME=VALUE",
        "bad-input.no-host": "there is no host",
        "bad-input.no-protocol": "there is no protocol",
        "bad-input.no-secret":
            "there is neither a user with a password nor an authtype with a credential",
        "bad-input.object": "the {} is not an object",
        "bad-input.one-line": "{} contains a carriage return or a NUL",
        "bad-input.other": "the input has \"{}\", but only a token can be stored",
        "bad-input.port": "the host is not HOST or HOST:PORT",
        "bad-input.protocols": "there are two protocols",
        "bad-input.string": "{} is not a string",
        "bad-input.utf-8": "{} is not UTF-8",
        "bad-input.version": "the request does not have protocol version 1",
        "bad-path.variable": "{} is not UTF-8",
        "bad-path": "\"{}\" is not an absolute path",
        "bad-secret.is": "the {} {}",
        "bad-secret.line": "a token is one line of text",
        "bad-secret.none": "the input has no token",
        "bad-secret.input": "the {} holds a NUL",
        "bad-secret.nul": "{} cannot hold a NUL, which the secret contains",
        "bad-server": "\"{}\" is not a valid server name",
        "bad-server.host": "\"{}\" is not a host name in terraform's form",
        "bad-server.of": "\"{}\" is not a valid server name for {}",
        "bad-server.podman": "podman does not accept this server name",
        "bad-user-name": "\"{}\" is not a valid user name",
        "borrowed-rights": "refusing to run set-user-ID, set-group-ID or with capabilities",
        "changed-meanwhile": "{} was removed; try again",
        "copy-remains": "it was stored, but its copy remains: {}",
        "declined": "nothing was removed",
        "file-altered":
            "{} was altered: the key is right, but the contents are not what was encrypted with it",
        "file-damaged": "{} is damaged: {}",
        "file-full": "{} cannot hold more than {}",
        "file-newer": "{} was written by a newer keyfob ({})",
        "foreign-file": "{} is owned by uid {}, not by you (uid {})",
        "foreign-folder": "{} is not created: {} is owned by uid {}, not by you (uid {})",
        "hard-linked": "{} has {} hard links, and must have one",
        "hard-linked.client":
            "{} has {} hard links, so its old content would remain under the other names",
        "helper-failed.probe": "{}; the test login for {} remains in it",
        "helper-keeps-nothing": "{} generates tokens and stores none",
        "has-passphrase": "the encrypted file already has a passphrase",
        "input-unreadable": "cannot read the {}: {}",
        // What a store says of a login before the error that kept it from going on.
        "item-may-remain": "an item of the login may remain in the keyring: {}",
        "no-route": "no route serves {}",
        "older-may-remain": "the login was stored, and an older one may remain: {}",
        "removal-unknown": "the login may or may not have been removed: {}",
        "route-failed": "the route {} failed: {}",
        "route-loop": "the route {} leads back to keyfob, by the route {}",
        "route-timed-out": "the route {} failed: {}",
        "route-unreachable": "the route {} failed: {}",
        "served-by-route": "nothing is stored for {}: the route {} serves it",
        "served-by-route.add": "the route would never be asked for {}: the route {} serves it",
        "storing-unknown": "the login may or may not have been stored: {}",
        // What a reader says of bytes.
        "json.empty": "it is empty",
        "json.encoding": "it is not UTF-8, at byte {}",
        "json.syntax": "it has a syntax error, at byte {}",
        "json.truncated": "it ends too soon, at byte {}",
        "kernel-hides-keys":
            "the kernel does not show its keys here, so a file may still be unlocked",
        "key-missing": "the key of {} is missing: {}",
        "key-too-short": "the key file {} is too short: {} bytes, 32 are needed",
        "key-too-short.empty": "the key file {} is empty",
        "keyring-absent": "no session bus is running",
        "keyring-absent.provider": "no Secret Service on the session bus",
        "keyring-alters-secret": "the keyring does not store this secret unchanged",
        "keyring-answers-wrongly": "the keyring answered with something of the wrong type",
        "keyring-confirms": "the keyring asks for a confirmation, which cannot be given from here",
        "keyring-confirms.keepassxc":
            "KeePassXC asks for a confirmation, which cannot be given from here",
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
        "keyring-locked": "the keyring is locked, and cannot ask for its password here",
        "keyring-not-unlocked": "the keyring is locked, and a list does not unlock it",
        "keyring-out-of-reach": "this login is in the keyring, which cannot be reached here: {}",
        "keyring-refused": "the session bus does not let this process use the keyring",
        "keyring-rejects-login": "the keyring refused the login; nothing was stored",
        "keyring-removed-nothing": "the keyring reported that it removed the login, but did not",
        "keyring-stays-locked": "the keyring reported that it was unlocked, but it is locked",
        "keyring-stored-nothing": "the keyring reported that it stored the login, but did not",
        "keyring-takes-no-password": "{} takes its password in its own window alone",
        "keyring-timed-out": "the keyring did not answer in time",
        "keyring-timed-out.prompt": "nobody answered the prompt of the keyring in time",
        "login-expired": "the login for {} has expired",
        "login-remains": "it was stored there, and {}",
        "login-remains.some": "logins were stored there, and {}",
        "no-index-name": "cargo's config.toml has no name for it",
        "no-login-session":
            "there is no login session of your own here that it could be unlocked for",
        "no-passphrase": "the encrypted file has no passphrase",
        "no-session-bus": "there is no session bus",
        "no-such-file": "{} does not exist",
        "no-such-file.key": "the key file {} does not exist",
        "no-terminal": "there is no terminal to ask for the {}",
        "no-terminal.cargo": "no token was given, and there is no terminal to ask for it",
        "no-user-name": "the login for {} has no user name",
        "not-asked": "{} does not use it, but the login of {}",
        "not-durable": "{} was written, but may not survive a power failure",
        "not-encodable.docker": "the stored secret cannot be returned to a docker client: {}",
        "not-json": "{} is not JSON: {}",
        "not-logged-in": "not logged in to {}",
        "not-logged-in.client": "{} has no login for {}",
        "not-logged-in.server": "no login for {}",
        "not-supported.file": "this client has no file to write to",
        "not-supported.helpers": "setup does not apply to {}, which has no credential helpers",
        "not-supported.registry": "{} cannot be set up for a single registry",
        "nothing-removed": "{}; nothing was removed",
        "nothing-stored": "{}; nothing was stored",
        "open-to-others": "{} is open to other users (mode {})",
        "passphrase-command-failed": "the passphrase command {}",
        "passphrase-length": "a passphrase has 1 to 4096 bytes",
        "passphrase-needed": "{} needs its passphrase, which cannot be asked for here",
        "passphrases-differ": "the two passphrases differ; nothing was changed",
        "password-in-address":
            "other users can read a password on the command line",
        "plain-text-refused": "nothing was written: {} would contain the secrets in plain text",
        "program-not-run": "{} cannot be run: {}",
        "program-not-run.exec": "cannot run {}: {}",
        "program-not-run.path": "{} is not on the PATH, so {} could not run it",
        "registry-is-unsafe.http": "others could read what is sent to {}, which has no TLS",
        "registry-not-asked": "the registry cannot be asked: {}",
        "registry-unreachable": "{} cannot be reached: {}",
        "same-store": "{} uses the same store as Keyfob",
        "several-logins": "there are {} logins: {}",
        "several-logins.clients": "{} has logins of {}",
        "several-logins.users": "{} has logins of several users: {}",
        "store-left-out": "the setting `store` excludes one of the two stores",
        "store-left-out.file": "the setting `store` excludes the encrypted file",
        "symbolic-link": "{} is a symbolic link, which is not followed",
        "system-error": "cannot {} {}: {}",
        "too-long": "the {} is longer than {} bytes",
        "too-long.file": "{} is longer than {} bytes, the most it may be",
        "too-long.line": "a line is longer than {} bytes",
        "unexpected-content.backup": "{} is not a backup of Keyfob",
        "unexpected-content.helper": "{} names another helper, {}, and terraform uses only one",
        "unexpected-content.object": "{} in {} is not an object",
        "unexpected-content.podman": "{} has podman's old format, which does not support helpers",
        "unexpected-content.table": "{} sets {} in a form that keyfob cannot edit",
        "unfit-for-file.git":
            "it contains more than a password, and the file can hold only a password",
        "unfit-for-file.pulumi":
            "pulumi's file needs more than the stored token",
        "usage.argument": "an argument is not UTF-8",
        "usage.action": "{}: unknown action: {}",
        "usage.user": "{} and --username name different users",
        "wrong-key": "{} does not open {}",
        "wrong-key.file": "the key in {} does not open {}",
        "wrong-key.variable": "the passphrase in KEYFOB_PASSPHRASE does not open {}",
        "wrong-kind-of-file": "{} is not a regular file",
        "wrong-kind-of-file.folder": "{} is not a directory",
        "wrong-passphrase": "wrong passphrase for {}",
        "wrong-password": "wrong password for the keyring",
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
