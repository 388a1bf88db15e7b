"""A registry of npm's that has every package, and prints its address and then what each request was
authorized with: `PATH AUTHORIZATION`."""

import http.server
import json


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.path, self.headers.get("Authorization", "nothing"), flush=True)
        name = self.path.split("/")[-1]
        package = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {
            "1.0.0": {"name": name, "version": "1.0.0", "dist": {"tarball": "http://none.example/"}}}}
        body = json.dumps(package).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("127.0.0.1:%d" % server.server_address[1], flush=True)
server.serve_forever()
