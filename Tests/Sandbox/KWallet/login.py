#!/usr/bin/python3
"""Becomes a kwalletd, opened as PAM opens it at a login: with a key instead of a password.

    login.py PROGRAM SOCKET KEY

pam_kwallet5 hands kwalletd5 and kwalletd6 two descriptors: a pipe with the 56 bytes of the key, and a listening
socket over which the session's environment comes, one variable a line, until it is closed.
"""

import os
import socket
import sys

program, path, key = sys.argv[1], sys.argv[2], sys.argv[3].encode().ljust(56, b"\0")[:56]

reading, writing = os.pipe()
os.write(writing, key)
os.close(writing)

listening = socket.socket(socket.AF_UNIX)
listening.bind(path)
listening.listen(1)

if os.fork() == 0:
    os.close(reading)
    session = socket.socket(socket.AF_UNIX)
    session.connect(path)
    for name in ("DBUS_SESSION_BUS_ADDRESS", "HOME", "XDG_RUNTIME_DIR"):
        session.send(f"{name}={os.environ[name]}\n".encode())
    os._exit(0)

for descriptor in (reading, listening.fileno()):
    os.set_inheritable(descriptor, True)
os.environ["PAM_KWALLET5_LOGIN"] = path
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.execvp(program, [program, "--pam-login", str(reading), str(listening.fileno())])
