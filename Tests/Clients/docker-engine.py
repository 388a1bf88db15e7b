#!/usr/bin/env python3
"""An engine that pulls: what docker clients talk to on the socket that is named.

It answers as the Docker Engine API 1.41 does. A pull of HOST/NAME:TAG succeeds if the registry gives
the manifest for the login in X-Registry-Auth. `images` beside the socket has a line for each pull:
the image and the status that the registry answered with.
"""

import base64
import http.client
import http.server
import json
import os
import socketserver
import sys
import threading
import urllib.parse

SOCKET = sys.argv[1]
PULLS = os.path.join(os.path.dirname(SOCKET), "images")
pulled, lock = set(), threading.Lock()


def manifest_status(image, tag, auth):
    host, name = image.split("/", 1)
    login = json.loads(base64.urlsafe_b64decode(auth)) if auth else {}
    # The engine, which is written in Go, does not look at the case of a key.
    login = {key.lower(): value for key, value in login.items()}
    pair = "%s:%s" % (login.get("username", ""), login.get("password", ""))
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("GET", "/v2/%s/manifests/%s" % (name, tag), headers={
        "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
        "Accept": "application/vnd.docker.distribution.manifest.v2+json,"
                  "application/vnd.oci.image.manifest.v1+json"})
    return connection.getresponse().status


class Engine(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def address_string(self):
        return ""

    def send(self, status, value):
        body = json.dumps(value).encode() + b"\r\n"
        self.send_response(status)
        for name, text in (("Api-Version", "1.41"), ("Content-Type", "application/json"),
                           ("Content-Length", str(len(body)))):
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        if address.path.endswith("/_ping"):
            return self.send(200, "OK")
        if address.path.endswith("/version"):
            return self.send(200, {"Version": "20.10.0", "ApiVersion": "1.41", "MinAPIVersion": "1.12"})
        if address.path.endswith("/images/create"):
            image, tag = query["fromImage"], query.get("tag", "latest")
            status = manifest_status(image, tag, self.headers.get("X-Registry-Auth"))
            with lock, open(PULLS, "a") as pulls:
                pulls.write("%s %d\n" % (image, status))
            if status != 200:
                return self.send(500, {"message": "pull access denied for " + image})
            return self.send(200, {"status": "Status: Downloaded newer image for " + image})
        if "/images/" in address.path and address.path.endswith("/json"):
            return self.send(200, {"Id": "sha256:" + "0" * 64, "RepoTags": [], "Config": {}})
        self.send(404, {"message": "not here"})

    do_GET = do_HEAD = do_POST = do_DELETE = answer


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


print("ready", flush=True)
Server(SOCKET, Engine).serve_forever()
