"""A registry of crates that wants the token in the file named by the first argument. Prints its
address. It keeps what is published and says on standard output what has been done."""

import http.server
import hashlib
import io
import json
import struct
import sys
import tarfile

token = open(sys.argv[1]).read()
crates = {}


def crate(name, version):
    manifest = '[package]\nname = "%s"\nversion = "%s"\nedition = "2021"\n' % (name, version)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for path, text in {"Cargo.toml": manifest, "src/lib.rs": ""}.items():
            entry = tarfile.TarInfo("%s-%s/%s" % (name, version, path))
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()


def index_line(name, version, content, yanked=False):
    return json.dumps({
        "name": name, "vers": version, "deps": [], "features": {}, "yanked": yanked,
        "cksum": hashlib.sha256(content).hexdigest(),
    })


crates["loopdep"] = {"0.1.0": [crate("loopdep", "0.1.0"), False]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def address(self):
        return "http://%s:%d" % self.server.server_address

    def send(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def is_allowed(self):
        if self.headers.get("Authorization") == token:
            return True
        self.send(401, headers=[("WWW-Authenticate", 'Cargo login_url="%s/me"' % self.address())])
        return False

    def do_GET(self):
        if not self.is_allowed():
            return
        parts = self.path.strip("/").split("/")
        if parts == ["index", "config.json"]:
            config = {"dl": self.address() + "/dl", "api": self.address(), "auth-required": True}
            return self.send(200, json.dumps(config).encode())
        if parts[0] == "index" and parts[-1] in crates:
            lines = [index_line(parts[-1], v, *e) for v, e in crates[parts[-1]].items()]
            return self.send(200, "\n".join(lines).encode())
        if parts[0] == "dl" and parts[1] in crates and parts[2] in crates[parts[1]]:
            print("fetched", parts[1], flush=True)
            return self.send(200, crates[parts[1]][parts[2]][0])
        self.send(404)

    def do_PUT(self):
        length = int(self.headers["Content-Length"] or 0)
        body = self.rfile.read(length)
        if not self.is_allowed():
            return
        if self.path == "/api/v1/crates/new":
            size = struct.unpack("<I", body[:4])[0]
            about = json.loads(body[4:4 + size])
            content = body[8 + size:]
            crates.setdefault(about["name"], {})[about["vers"]] = [content, False]
            print("published", about["name"], flush=True)
            warnings = {"invalid_categories": [], "invalid_badges": [], "other": []}
            return self.send(200, json.dumps({"warnings": warnings}).encode())
        self.send(404)

    def do_DELETE(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        if not self.is_allowed():
            return
        parts = self.path.strip("/").split("/")
        if parts[-1] == "yank":
            crates[parts[3]][parts[4]][1] = True
            print("yanked", parts[3], flush=True)
            return self.send(200, b'{"ok":true}')
        self.send(404)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("http://%s:%d" % server.server_address, flush=True)
server.serve_forever()
