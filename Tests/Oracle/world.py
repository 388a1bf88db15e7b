#!/usr/bin/python3
"""The other side of every client: each answer says which authorization the question had.

It is docker's engine (a unix socket, the first argument), a registry of images, of crates and of
terraform's providers, npm's registry, and an HTTP proxy for hosts that do not exist (TCP, all
addresses of the loopback). It keeps nothing, so that many tests can ask it at once. It prints its
port. `AUTH[...]` in an answer is the header, in base64; the clients show it in their output.
"""

import base64
import http.server
import json
import os
import socketserver
import sys
import threading
import urllib.parse


def mark(header):
    """Base64 that survives every client's own quoting; `-` if there was no header."""
    return "AUTH[%s]" % (base64.b64encode(header.encode("latin-1")).decode() if header else "-")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def address_string(self):
        return "client"

    def send(self, status, body=b"", headers={}, reason=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        self.send_response(status, reason)
        self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self):
        """The body of the question, also in chunks, as skopeo sends an identity token."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def answer(self):
        body = self.body()
        url = urllib.parse.urlsplit(self.path)
        host = url.netloc or self.headers.get("Host", "")
        path = url.path
        auth = self.headers.get("Authorization")
        if path == "/token":  # of a registry of images: a token that tells whose it is
            form = urllib.parse.parse_qs(body.decode())
            whose = "Identity " + form["refresh_token"][0] if "refresh_token" in form else auth or "-"
            token = base64.b64encode(whose.encode("latin-1")).decode()
            return self.send(200, {"token": token, "access_token": token})
        if path == "/v2/" or path.startswith("/v2/"):  # a registry of images
            if not auth:
                realm = 'Bearer realm="http://127.0.0.1:%d/token",service="oracle"'
                challenge = {"WWW-Authenticate": realm % registry.server_address[1]}
                return self.send(401, {"errors": [{"code": "UNAUTHORIZED", "message": mark(None)}]}, challenge)
            if path == "/v2/":
                return self.send(200, {})
            return self.send(403, {"errors": [{"code": "DENIED", "message": mark(auth)}]})
        if path.endswith("/config.json"):  # an index of crates
            return self.send(200, {"dl": "http://%s/dl" % host, "api": "http://%s" % host})
        if path.startswith("/api/v1/crates/"):
            return self.send(403, {"errors": [{"detail": mark(auth)}]})
        if path.endswith("/versions"):  # a registry of terraform's providers
            return self.send(418, b"", reason=mark(auth))
        if path.endswith("/-/ping"):  # npm
            return self.send(200, {"auth": mark(auth)})
        self.send(404, {"error": mark(auth)})

    def do_CONNECT(self):
        self.send(502)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer


class Engine(Handler):
    """As much of docker's engine as a pull and a classic build want."""

    def answer(self):
        self.body()
        path = urllib.parse.urlsplit(self.path).path
        versions = {"Api-Version": "1.41", "OSType": "linux"}
        if path == "/_ping":
            return self.send(200, b"OK", versions)
        if path.endswith("/info"):
            return self.send(200, {"IndexServerAddress": "https://index.docker.io/v1/"}, versions)
        if path.endswith("/images/create"):
            return self.send(200, {"status": mark(self.headers.get("X-Registry-Auth"))}, versions)
        if path.endswith("/build"):
            return self.send(200, {"stream": mark(self.headers.get("X-Registry-Config"))}, versions)
        self.send(404, {"message": "not here"}, versions)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


class TCPServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128


if os.path.exists(sys.argv[1]):
    os.remove(sys.argv[1])
engine = UnixServer(sys.argv[1], Engine)
threading.Thread(target=engine.serve_forever, daemon=True).start()
registry = TCPServer(("0.0.0.0", 0), Handler)
print("port", registry.server_address[1], flush=True)
registry.serve_forever()
