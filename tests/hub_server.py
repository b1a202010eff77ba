"""A dataset Hub on this machine with the few addresses that a client asks for: one dataset, one commit.

Here: the server. What a test holds it to is in `test_import_cases`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "org/tasks"


class Handler(BaseHTTPRequestHandler):
    """One request of the client."""

    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append((path, self.headers.get("authorization")))
        data = self.server.content(path)
        self.send_response(404 if data is None else 200)
        if data is None:
            known = path.startswith(f"/api/datasets/{REPOSITORY}/")
            self.send_header("x-error-code", "RevisionNotFound" if known else "RepoNotFound")
        else:
            self.send_header("x-repo-commit", COMMIT)
            self.send_header("etag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("content-length", str(len(data or b"")))
        self.end_headers()
        if data and self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Hub(ThreadingHTTPServer):
    """The dataset's files, and what was asked for: path and token."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.asked: list[tuple[str, str | None]] = []

    def content(self, path: str) -> bytes | None:
        resolve = f"/datasets/{REPOSITORY}/resolve/{COMMIT}/"
        if path.startswith(resolve):
            return self.files.get(path.removeprefix(resolve))
        if path == f"/api/datasets/{REPOSITORY}/revision/{COMMIT}":
            siblings = [{"rfilename": name} for name in self.files]
            return json.dumps({"id": REPOSITORY, "sha": COMMIT, "siblings": siblings}).encode()
        if path == f"/api/datasets/{REPOSITORY}/tree/{COMMIT}":
            return json.dumps([_entry(name, data) for name, data in self.files.items()]).encode()
        return None


def _entry(name: str, data: bytes) -> dict[str, str | int]:
    oid = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    return {"type": "file", "path": name, "size": len(data), "oid": oid}


@contextmanager
def hub(files: Mapping[str, bytes]) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """The address, and what was asked for."""
    server = Hub(files)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
