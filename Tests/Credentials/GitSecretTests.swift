import Credentials
import Testing

@Suite struct GitSecretTests {
    private func secret(_ change: (inout GitSecret) -> Void) -> GitSecret {
        var secret = GitSecret()
        change(&secret)
        return secret
    }

    @Test func whatIsStoredIsReadBack() {
        let all = [
            secret { $0.password = "p".secret }, secret { $0.password = "".secret },
            secret {
                $0.password = "username=p".secret
                $0.expiry = 7
                $0.refreshToken = "r".secret
            },
            secret {
                $0.authtype = "Bearer"
                $0.credential = "c".secret
                $0.expiry = 7
            },
            secret {
                $0.token = "t".secret
                $0.password = "".secret
            },
            secret {
                $0.token = "t".secret
                $0.password = "x-oauth-basic".secret
                $0.refreshToken = "r".secret
            },
        ]
        for secret in all {
            let read = GitSecret(stored: secret.stored)
            #expect(read.isSame(as: secret) && read.stored == secret.stored)
            #expect(read.expiry == secret.expiry && read.refreshToken == secret.refreshToken)
            #expect(read.isWhole(for: "alice"))
        }
    }

    /// What git-credential-libsecret stores (git 2.43).
    @Test func libsecretsFormIsRead() {
        let read = GitSecret(
            stored: "hunter2\npassword_expiry_utc=9\noauth_refresh_token=r\nother=x".secret)
        #expect(read.password == "hunter2".secret && read.expiry == 9)
        #expect(read.refreshToken == "r".secret && read.token == nil)
        // A line below a password is no name of a user.
        #expect(GitSecret(stored: "p\nusername=t\npassword=q".secret).password == "p".secret)
    }

    @Test(arguments: [
        ("alice", "password", false), ("", "", false), ("alice", "", true),
        ("0123", "x-oauth-basic", true), ("0123", "x-access-token", true), ("0123", "oauth2", true),
        ("oauth2", "glpat-0123456789abcdefghij", false), ("x-access-token", "ghs_0123", false),
        ("ghp_0123456789abcdefghij", "anything", true), ("ghp_short", "password", false),
        ("0123456789abcdef0123456789abcdef01234567", "password", true),
        ("0123456789abcdef0123456789abcdef0123456", "password", false),
    ]) func aUserNameThatIsCheckedIsASecret(user: Text, password: String, isSecret: Bool) {
        let entry = Entry.git(protocol: "https", server: "h.example", user: user)
        let login = Credential.git(entry, secret { $0.password = password.secret })
        #expect((login.entry.attributes["user"] == nil) == isSecret)
        let read = GitSecret(stored: login.secret)
        #expect(read.token == (isSecret ? user.string.secret : nil))
        #expect(read.password == password.secret)
        #expect(
            read.alone(for: login.entry.attributes["user"])
                == (isSecret ? user.string : password).secret)
    }
}
