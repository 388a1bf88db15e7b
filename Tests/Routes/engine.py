#!/usr/bin/python3
"""A key-value store of version 2, as OpenBao and Vault answer (recorded with Vault 0.10.1).

Arguments: a port, or 0; a file with the password that it has now; and, for TLS, a certificate and
its key. The last part of a path says what is to be answered.
"""

import http.server
import json
import ssl
import sys
import time

PORT, PASSWORD = int(sys.argv[1]), sys.argv[2]
TOKEN, NAMESPACE = "s.token", "team"
METADATA = {"created_time": "2026-11-30T12:00:00Z", "deletion_time": "", "destroyed": False,
            "version": 1}


class Engine(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        if self.headers.get("X-Vault-Namespace", "") not in ("", NAMESPACE):
            return self.answer(404, {"errors": ["no handler for route hunter2"]})
        if "X-Vault-Token" not in self.headers:
            return self.answer(400, {"errors": ["missing client token"]})
        if self.headers["X-Vault-Token"] != TOKEN or name.startswith("forbidden"):
            return self.answer(403, {"errors": ["permission denied", "hunter2"]})
        if not self.path.startswith("/v1/secret/data/registries/"):
            return self.answer(404, {"errors": []})
        if name.startswith("mountless") or open(PASSWORD, encoding="utf-8").read() == "no mount":
            return self.answer(404, {"errors": ["no handler for route hunter2"]})
        if open(PASSWORD, encoding="utf-8").read() == "no login":
            return self.answer(404, {"errors": []})
        if name.startswith("proxied"):
            return self.send(404, b"<html>hunter2</html>")
        if name.startswith("foreign"):
            return self.answer(404, {"message": "hunter2"})
        if name.startswith("bare"):
            return self.send(404, b"")
        if name.startswith("absent"):
            return self.answer(404, {"errors": []})
        if name.startswith("deleted"):
            metadata = dict(METADATA, deletion_time="2026-11-30T13:00:00Z")
            return self.answer(404, {"data": {"data": None, "metadata": metadata}})
        if name.startswith("erased"):
            return self.answer(200, {"data": {"data": None, "metadata": METADATA}})
        if name.startswith("bad"):
            return self.answer(400, {"errors": ["invalid secret id hunter2"]})
        if name.startswith("sealed"):
            return self.answer(503, {"errors": ["Vault is sealed"]})
        if name.startswith("broken"):
            return self.answer(500, {"errors": ["hunter2"]})
        if name.startswith("moved"):
            return self.answer(307, {})
        if name.startswith("text"):
            return self.send(200, b"hunter2 is no JSON")
        if name.startswith("empty"):
            return self.answer(200, {"data": {"data": {"user": "hunter2"}, "metadata": METADATA}})
        if name.startswith("long"):
            return self.send(200, b" " * (2 << 20))
        if name.startswith("hangs"):
            time.sleep(60)
        password = open(PASSWORD, encoding="utf-8").read()
        data = {"username": "fleet", "password": password, "other": {"name": "o", "key": "k"}}
        self.answer(200, {"data": {"data": data, "metadata": METADATA}})

    def answer(self, status, value):
        self.send(status, json.dumps(value).encode())

    def send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        print("asked", self.path, flush=True)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


server = Server(("127.0.0.1", PORT), Engine)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("port", server.server_address[1], flush=True)
server.serve_forever()
