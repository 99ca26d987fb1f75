"""Answers RFC 3161 requests over HTTP on loopback, by the authority that tsa.sh made in a folder.

Usage: tests/bundle/tsa.py PORT_FILE FOLDER

The port is a free one, written to PORT_FILE once the server listens. It serves until it is terminated.
"""

import http.server
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
LIMIT = 64 * 1024  # A request is some hundred bytes.

port_file, folder = map(pathlib.Path, sys.argv[1:3])
one_at_a_time = threading.Lock()  # openssl counts its serial up in a file.


def reply(query: bytes) -> tuple[bytes | None, str]:
    """The answer, and what openssl said. A request that it does not like gets an answer that says so."""
    with one_at_a_time, tempfile.TemporaryDirectory() as work:
        asked, answered = pathlib.Path(work, "query"), pathlib.Path(work, "reply")
        asked.write_bytes(query)
        done = subprocess.run(
            ["openssl", "ts", "-reply", "-queryfile", asked, "-config", folder / "tsa.cnf", "-out", answered],
            capture_output=True,
            text=True,
        )
        given = answered.read_bytes() if answered.exists() else b""
        return given or None, done.stderr


class Authority(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LIMIT:
            return self.give(411 if not length.isdigit() else 413, "text/plain", b"how long is the request?\n")
        query = self.rfile.read(int(length))
        # RFC 3161, 3.4. A client that sends another type would be refused by some authorities, so it is refused here.
        kind = self.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if kind != QUERY:
            return self.give(415, "text/plain", f"expected {QUERY}, got `{kind}`\n".encode())
        answer, said = reply(query)
        if answer is None:
            return self.give(500, "text/plain", said.encode())
        self.give(200, REPLY, answer)

    def do_GET(self):
        self.give(405, "text/plain", b"post a time stamp request\n")

    def give(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Authority)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
# Renamed into place, so that whoever waits for the file never reads half a number.
part = port_file.with_name(port_file.name + ".part")
part.write_text(f"{server.server_address[1]}\n")
os.replace(part, port_file)
server.serve_forever()
