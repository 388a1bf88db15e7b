"""git's own http-backend behind basic authentication. The first argument is the folder of the
repositories; each other is a folder of it, then `user:password` for what lies in that folder. Prints
its address, and a line for each request: who was let in, or `refused`."""

import base64
import http.server
import os
import subprocess
import sys

root = sys.argv[1]
accounts = {}
for folder, account in zip(sys.argv[2::2], sys.argv[3::2]):
    accounts.setdefault(folder, set()).add(account)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def account(self):
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(value).decode() if kind == "Basic" else None

    def serve(self):
        path, _, query = self.path.partition("?")
        body = self.body()
        account = self.account()
        if account not in accounts.get(path.split("/")[1], ()):
            print("refused", flush=True)
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="repositories"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        print("let in", account.split(":")[0], flush=True)
        environment = dict(
            os.environ, GIT_PROJECT_ROOT=root, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path,
            QUERY_STRING=query, REQUEST_METHOD=self.command, REMOTE_USER="user",
            CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)),
            HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""))
        answer = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((value for name, value in lines if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in lines:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_POST = serve


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("http://%s:%d" % server.server_address, flush=True)
server.serve_forever()
