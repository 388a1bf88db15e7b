#!/usr/bin/python3
"""A registry with one private module of terraform's, which wants the token in the file named, and
the API that terraform asks whose the token is."""

import http.server
import io
import sys
import tarfile

TOKEN = open(sys.argv[1], encoding="utf-8").read()


def module():
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        text = b'output "greeting" { value = "hello" }\n'
        entry = tarfile.TarInfo("main.tf")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return archive.getvalue()


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/module.tar.gz":
            return self.answer(200, module())
        if self.path == "/api/ping":
            return self.answer(200, b"{}", {"TFP-API-Version": "2.5"})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, b"{}")
        if self.path == "/api/account/details":
            user = b'{"data":{"id":"u","type":"users","attributes":{"username":"alice"}}}'
            return self.answer(200, user)
        if self.path.endswith("/versions"):
            return self.answer(200, b'{"modules":[{"versions":[{"version":"1.0.0"}]}]}')
        print("a module was fetched with the token", flush=True)
        host, port = self.server.server_address
        self.answer(204, b"", {"X-Terraform-Get": f"http://{host}:{port}/module.tar.gz"})

    def answer(self, status, body, headers={}):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Registry)
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
