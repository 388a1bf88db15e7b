#!/usr/bin/python3
"""A registry with one image, whose password changes every five seconds; the one before is accepted
for a second more, as a registry does whose parts learn of a new one in turn.

Arguments: a file in which each password is written, with its end.
"""

import base64
import hashlib
import http.server
import json
import os
import secrets
import sys
import threading
import time

FILE = sys.argv[1]
PERIOD, GRACE = 5, 1
accepted = {}
lock = threading.Lock()


def rotate():
    while True:
        end = time.time() + PERIOD
        password = secrets.token_hex(16)
        with lock:
            accepted[password] = end + GRACE
        with open(FILE + ".new", "w", encoding="utf-8") as file:
            file.write(json.dumps({"password": password, "end": int(end)}))
        os.rename(FILE + ".new", FILE)
        time.sleep(PERIOD)


CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                     "rootfs": {"type": "layers", "diff_ids": []}}).encode()


def digest(body):
    return "sha256:" + hashlib.sha256(body).hexdigest()


KIND = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST = json.dumps({
    "schemaVersion": 2, "mediaType": KIND, "layers": [],
    "config": {"mediaType": "application/vnd.docker.container.image.v1+json",
               "size": len(CONFIG), "digest": digest(CONFIG)}}).encode()


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        shown = self.headers.get("Authorization", "")
        if shown.startswith("Basic "):
            password = base64.b64decode(shown[6:]).decode().partition(":")[2]
            with lock:
                end = accepted.get(password, 0)
            if time.time() <= end:
                return self.serve()
            print("expired", flush=True)
        self.send(401, b"", [("WWW-Authenticate", 'Basic realm="rotating"')])

    do_HEAD = do_GET

    def serve(self):
        if "/manifests/" in self.path:
            return self.send(200, MANIFEST, [("Docker-Content-Digest", digest(MANIFEST))], KIND)
        if "/blobs/" in self.path:
            return self.send(200, CONFIG, [], "application/octet-stream")
        self.send(200, b"{}", [])

    def send(self, status, body, headers=(), kind="application/json"):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


threading.Thread(target=rotate, daemon=True).start()
while not os.path.exists(FILE):
    time.sleep(0.01)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
print("port", server.server_address[1], flush=True)
server.serve_forever()
