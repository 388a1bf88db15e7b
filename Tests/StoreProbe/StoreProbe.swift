import Credentials
import Files
import Glibc
import Stores

/// The store probe does one thing with a file store, in a process of its own:
///
///     StoreProbe HOME save|get|remove SERVER [USER]
///     StoreProbe HOME list
///     StoreProbe HOME mark|unmark SERVER
///     StoreProbe HOME rekey|protect|unprotect
///
/// The store is in `HOME/data/keyfob`, its key and the keyring marker in `HOME/state/keyfob`. The
/// secret of a user is made of the user's name, so that none is ever passed; the passphrase is
/// `open sesame`. It prints a line for
/// each login (`USER`, and `with another's secret` if that is so), or one of `OUTCOME: MESSAGE`,
/// and then exits with 1.
@main
struct StoreProbe {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        let home = words[0]
        var options = FileStore.Options(
            folder: Folder(home + "/data/keyfob"), keyFolder: Folder(home + "/state/keyfob"),
            notice: { _ in })
        let passphrase = Secret(copying: Array("open sesame".utf8).span)
        if words[1] == "unprotect" { options.passphrase = passphrase }
        let store = FileStore(options)
        let marker = KeyringMarker(in: Folder(home + "/state/keyfob"))
        do throws(StoreError) {
            switch words[1] {
            case "save":
                try store.save(login(server: words[2], user: words[3]))
            case "get":
                for found in try store.find(Query(.docker, ["server": text(words[2])])) {
                    let user = found["username"]?.string ?? ""
                    let isItsOwn = found.secret == secret(of: user)
                    print(isItsOwn ? user : "\(user) with another's secret")
                }
            case "remove":
                try store.remove([Query(.docker, ["server": text(words[2])])])
            case "list":
                for entry in try store.list(nil).entries {
                    print(entry.attributes["username"]?.string ?? "")
                }
            case "mark":
                try marker.insert(place(of: words[2]))
            case "unmark":
                try marker.remove(place(of: words[2]))
            case "rekey":
                try store.rekey()
            case "protect":
                try store.setPassphrase(passphrase)
            case "unprotect":
                try store.removePassphrase()
            default:
                fatalError("no such action: \(words[1])")
            }
        } catch {
            print("\(error.code.rawValue): \(error.message)")
            exit(1)
        }
    }

    private static func login(server: String, user: String) -> Credential {
        let attributes = ["server": text(server), "username": text(user)]
        let entry = Entry(
            schema: .docker, attributes: attributes.merging(Schema.docker.constants) { $1 },
            label: text(server))
        return Credential(entry, secret: secret(of: user))
    }

    private static func place(of server: String) -> Place {
        guard let place = Query(.docker, ["server": text(server)]).place else {
            fatalError("a server is a place")
        }
        return place
    }

    private static func secret(of user: String) -> Secret {
        Secret(copying: Array("the secret of \(user)".utf8).span)
    }

    private static func text(_ string: String) -> Text {
        guard let text = Text(string) else { fatalError("an argument holds no NUL") }
        return text
    }
}
