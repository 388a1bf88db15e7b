#!/usr/bin/python3
"""A token server for a registry of docker's, which accepts what it signs (RS256, x5c).

Arguments: the certificate, its key, a file with `user:password`, the service, and, where a login
is to be given an identity token, a file with that.
"""

import base64
import http.server
import json
import secrets
import ssl
import subprocess
import sys
import time
import urllib.parse

CERTIFICATE, KEY, ACCOUNT, SERVICE = sys.argv[1:5]
ACCOUNT = open(ACCOUNT, "rb").read()
USER = ACCOUNT.partition(b":")[0].decode()
IDENTITY = open(sys.argv[5], encoding="utf-8").read() if len(sys.argv) > 5 else None


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(scopes):
    now = int(time.time())
    der = ssl.PEM_cert_to_DER_cert(open(CERTIFICATE, encoding="ascii").read())
    header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    claims = {
        "iss": SERVICE, "sub": USER, "aud": SERVICE, "jti": secrets.token_hex(8),
        "exp": now + 300, "nbf": now - 10, "iat": now, "access": [],
    }
    for scope in scopes:
        kind, name, actions = scope.split(":")
        claims["access"].append({"type": kind, "name": name, "actions": actions.split(",")})
    text = b".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", KEY], input=text, stdout=subprocess.PIPE,
        check=True).stdout
    return b".".join((text, encoded(signature))).decode()


class TokenServer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        shown = self.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(shown) != ACCOUNT:
            return self.answer(401, {})
        if query.get("service") != [SERVICE] or query.get("account") != [USER]:
            return self.answer(400, {})
        body = {"token": token(query.get("scope", [])), "expires_in": 300}
        if IDENTITY and query.get("offline_token") == ["true"] and query.get("client_id"):
            body["refresh_token"] = IDENTITY
        self.answer(200, body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in urllib.parse.parse_qs(body).items()}
        known = IDENTITY and form.get("refresh_token") == IDENTITY
        if form.get("grant_type") != "refresh_token" or not form.get("client_id") or not known:
            return self.answer(400, {"error": "invalid_grant"})
        scopes = form.get("scope", "").split()
        self.answer(200, {"access_token": token(scopes), "refresh_token": IDENTITY})

    def answer(self, status, body):
        print(self.command, status, flush=True)
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), TokenServer)
print(f"http://127.0.0.1:{server.server_address[1]}/token", flush=True)
server.serve_forever()
