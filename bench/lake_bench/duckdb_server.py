"""DuckDB's native table behind the smallest web server: `GET /?SQL` answers with the rows as JSON."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import duckdb


class Handler(BaseHTTPRequestHandler):
    """A connection, which has a cursor of its own."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    local = threading.local()

    def do_GET(self) -> None:
        if not hasattr(self.local, "cursor"):
            self.local.cursor = self.server.connection.cursor()
        query = unquote(self.path.split("?", 1)[1])
        rows = self.local.cursor.execute(query).fetchall()
        body = json.dumps([{"cell": f"{cell:x}" if cell else None, "count": n} for cell, n in rows]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def main() -> None:
    path, threads = sys.argv[1:]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.connection = duckdb.connect(path, read_only=True)
    server.connection.execute(f"SET threads = {int(threads)}")
    print(server.server_address[1], flush=True)
    server.serve_forever()


main()
