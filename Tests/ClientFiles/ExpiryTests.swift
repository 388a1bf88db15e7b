import Clients
import Credentials
import Foundation
import Testing

/// When a secret says that it ends.
@Suite struct ExpiryTests {
    @Test(arguments: [
        "h.\(base64(claims)).s", "h.\(base64(#"{"exp":1900000000.5}"#)).s",
        "Bearer h.\(base64(claims)).s", "h.\(base64url(claims)).s",
    ]) func aJSONWebTokenSaysSo(secret: String) {
        #expect(login("alice", secret).expiry == 1_900_000_000)
    }

    @Test func aPasswordOfECRSaysSo() {
        let password = base64(#"{"payload":"p","version":"2","expiration":1800000000}"#)
        #expect(login("AWS", password).expiry == 1_800_000_000)
        #expect(login("alice", password).expiry == nil)
    }

    @Test func gitsPasswordSaysSo() {
        let entry = Entry.git(protocol: "https", server: "g.example", user: "alice")
        let stored = "password\npassword_expiry_utc=1700000000"
        let login = Credential(entry, secret: secret(stored))
        #expect(login.expiry == 1_700_000_000)
        #expect(!login.isRenewed)
        let renewed = Credential(entry, secret: secret(stored + "\noauth_refresh_token=t"))
        #expect(renewed.isRenewed)
    }

    @Test(arguments: [
        "", ".", "..", "a.b", "a.b.c.d", "password", "h.!!.s", "h.\(base64("{}")).s",
        "h.\(base64(#"{"exp":-1}"#)).s", "h.\(base64(#"{"exp":"1900000000"}"#)).s",
        "h.\(base64("[1900000000]")).s", "h.\(base64(#"{"exp":1.9e9}"#)).s",
    ]) func allElseSaysNothing(secret: String) {
        #expect(login("alice", secret).expiry == nil)
        #expect(login("AWS", secret).expiry == nil)
    }

    @Test(arguments: [
        ("https://index.docker.io/v1/access-token", true), ("https://index.docker.io/v1/", false),
        ("registry.example.com", false),
    ]) func dockerRenewsHubsTokensAlone(server: String, isRenewed: Bool) {
        let entry = Entry.docker(server: Text(server) ?? "", username: "alice")
        #expect(Credential(entry, secret: secret("x")).isRenewed == isRenewed)
    }

    private func login(_ user: Text, _ secret: String) -> Credential {
        Credential(.docker(server: "r.example", username: user), secret: self.secret(secret))
    }

    private func secret(_ text: String) -> Secret { Secret(copying: Array(text.utf8).span) }
}

private let claims = #"{"sub":"~~~???","exp":1900000000}"#

private func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

private func base64url(_ text: String) -> String {
    base64(text).replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
        .replacingOccurrences(of: "=", with: "")
}
