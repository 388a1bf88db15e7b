"""A server that writes down the secrets that it is shown, and answers as one role wants it.

Arguments: the role; then what it needs; with `--ca FILE` it wants a client certificate; and with
`--tls CERTIFICATE KEY` at the end it speaks TLS. It prints its address, then a line for each request
that has an Authorization header: what it was shown, in the open.

basic LOGIN         a registry that accepts `user:password`
redirect URL        a registry that sends who authenticates there
bearer URL          a registry that names the token server URL
token LOGIN         that server
cargo TOKEN         a cargo registry that wants a token for its index
git LOGIN           a git server with one private repository
terraform TOKEN     a terraform host
open                a registry that asks nobody
hang                a server that takes connections and says nothing
"""

import base64
import http.server
import json
import ssl
import sys
import time

arguments = sys.argv[1:]
tls = None
if "--tls" in arguments:
    at = arguments.index("--tls")
    tls = arguments[at + 1:at + 3]
    arguments = arguments[:at]
authority = None
if "--ca" in arguments:
    at = arguments.index("--ca")
    authority = arguments[at + 1]
    arguments = arguments[:at]
ROLE = arguments[0]
WANTED = arguments[1] if len(arguments) > 1 else ""


class Witness(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        shown = self.headers.get("Authorization", "")
        if shown.startswith("Basic "):
            shown = base64.b64decode(shown[6:]).decode()
        if shown:
            print("shown", shown, flush=True)
        basic, challenge = shown == WANTED, {"WWW-Authenticate": 'Basic realm="r"'}
        path = self.path.split("?")[0]
        if ROLE == "hang":
            time.sleep(3600)
        elif ROLE == "open":
            self.reply(200)
        elif ROLE == "basic":
            self.reply(200) if basic else self.reply(401, challenge)
        elif ROLE == "redirect":
            self.reply(307, {"Location": WANTED}) if shown else self.reply(401, challenge)
        elif ROLE == "bearer":
            bearer = 'Bearer realm="%s",service="s"' % WANTED
            self.reply(200) if shown == "Bearer t1" else self.reply(
                401, {"WWW-Authenticate": bearer})
        elif ROLE == "token":
            self.reply(200, body={"token": "t1"}) if basic else self.reply(401)
        elif ROLE == "cargo" and path == "/index/config.json":
            self.reply(200, body={}) if basic else self.reply(401)
        elif ROLE == "git" and path == "/team/repo.git/info/refs":
            self.reply(200) if basic else self.reply(401, challenge)
        elif ROLE == "terraform" and path == "/.well-known/terraform.json":
            self.reply(200, body={"modules.v1": "/m/", "tfe.v2": "/api/v2/"})
        elif ROLE == "terraform" and path == "/api/v2/account/details":
            self.reply(200, body={}) if shown == "Bearer " + WANTED else self.reply(401)
        else:
            self.reply(404)

    def reply(self, status, headers={}, body=None):
        body = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Witness)
server.daemon_threads = True
if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority)
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("%s://127.0.0.1:%d" % ("https" if tls else "http", server.server_address[1]), flush=True)
server.serve_forever()
