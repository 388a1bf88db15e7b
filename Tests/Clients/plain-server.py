"""What clients ask before they write a login into a file: the index of a registry of cargo's, and
an API of terraform's. Prints its address."""

import http.server
import json
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        address = "http://%s:%d" % self.server.server_address
        answers = {
            "/index/config.json": {"dl": address + "/dl", "api": address},
            "/api/ping": {},
            "/api/account/details": {
                "data": {"id": "u", "type": "users", "attributes": {"username": "alice"}}
            },
        }
        path = self.path.split("?")[0]
        body = json.dumps(answers.get(path, {})).encode()
        self.send_response(200 if path in answers else 404)
        self.send_header("Content-Type", "application/vnd.api+json")
        self.send_header("TFP-API-Version", "2.5")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("http://%s:%d" % server.server_address, flush=True)
server.serve_forever()
