"""A package index (PEP 503) with one package, `keyfob-greeting`, for who has the right password.

Argument: `user:password`. Prints its address, then a line for each request that has none or another.
"""

import base64
import hashlib
import http.server
import io
import sys
import zipfile

WANTED = sys.argv[1]
NAME = "keyfob_greeting-1.0-py3-none-any.whl"


def wheel():
    info = "keyfob_greeting-1.0.dist-info/"
    files = {
        "keyfob_greeting.py": b"GREETING = 'hello'\n",
        info + "METADATA": b"Metadata-Version: 2.1\nName: keyfob-greeting\nVersion: 1.0\n",
        info + "WHEEL": b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        "%s,sha256=%s,%d\n" % (
            name,
            base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode(),
            len(data))
        for name, data in files.items())
    files[info + "RECORD"] = (record + info + "RECORD,,\n").encode()
    bytes_ = io.BytesIO()
    with zipfile.ZipFile(bytes_, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return bytes_.getvalue()


class Index(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        shown = self.headers.get("Authorization", "").removeprefix("Basic ")
        if base64.b64decode(shown).decode() != WANTED:
            print("refused", flush=True)
            return self.answer(401, b"", {"WWW-Authenticate": 'Basic realm="index"'})
        path = self.path.split("?")[0]
        if path == "/simple/keyfob-greeting/":
            page = '<html><body><a href="/files/%s">%s</a></body></html>' % (NAME, NAME)
            return self.answer(200, page.encode(), {"Content-Type": "text/html"})
        if path == "/files/" + NAME:
            return self.answer(200, wheel(), {"Content-Type": "application/octet-stream"})
        self.answer(404, b"", {})

    do_HEAD = do_GET

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
print("http://127.0.0.1:%d" % server.server_address[1], flush=True)
server.serve_forever()
