"""HTTP: one request that came in, and the sending of its reply or fault. Not here: what is replied."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fake_api.faults import Fault
from tests.fake_api.messages import Body, new_id

LIMITS = {"requests": 4_000, "input-tokens": 2_000_000, "output-tokens": 400_000, "tokens": 2_400_000}
RST = struct.pack("ii", 1, 0)
"""Socket option by which closing resets the connection."""


class Call:
    """One request that came in, and the way back."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler
        self.echo = False
        """Whether the reply repeats the headers that came, and the key in its message."""
        self.extra: Mapping[str, str] = {}
        """Headers of the reply besides its own."""
        parts = urlsplit(handler.path)
        self.method, self.path = handler.command, parts.path
        self.query = dict(parse_qsl(parts.query))
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in handler.headers.items()}
        self.key = self.headers.get("authorization") or self.headers.get("x-api-key", "")
        self.body: Any = _json(handler.rfile.read(int(self.headers.get("content-length", "0"))))

    def send(self, status: int, body: Body, headers: Mapping[str, str] = {}) -> None:
        self.write(status, json.dumps(body).encode(), "application/json", headers)

    def spoil(self, fault: Fault) -> None:
        if fault.late:
            time.sleep(fault.late)
        if fault.passes:
            return
        if fault.dropped:
            self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            self._handler.close_connection = True
            return
        body = fault.body
        if self.echo and b'"message": "' in body:
            body = body.replace(b'"message": "', f'"message": "{self.key} '.encode(), 1)
        self.write(fault.status, body, fault.kind, fault.headers, sent=fault.sent)

    def write(
        self,
        status: int,
        body: bytes,
        kind: str,
        headers: Mapping[str, str] = {},
        *,
        sent: int | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Send a reply. `sent`: after how many bytes of the body to close; `then`: called when it is sent."""
        named = {"content-type": kind, "content-length": str(len(body)), "request-id": new_id("req")}
        echoed = {f"x-echo-{name}": value for name, value in self.headers.items() if self.echo}
        everything = {**named, **_limits(), **echoed, **self.extra, **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in everything.items())
        part = body if sent is None else body[:sent]
        self._handler.wfile.write(f"HTTP/1.1 {status} {status}\r\n{head}\r\n".encode() + part)
        self._handler.wfile.flush()
        if then:
            then()
        if len(part) < len(body):
            self._handler.close_connection = True


def _limits() -> dict[str, str]:
    named = {"anthropic-organization-id": "00000000-0000-4000-8000-000000000000"}
    reset = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for what, limit in LIMITS.items():
        prefix = f"anthropic-ratelimit-{what}"
        named |= {f"{prefix}-limit": str(limit), f"{prefix}-remaining": str(limit - 1), f"{prefix}-reset": reset}
    return named


def _json(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return None


class Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that were killed leave broken pipes."""


def listen(handle: Callable[[Call], None]) -> Http:
    """A server on a free port of loopback that hands every request to a function, each in a thread."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            handle(Call(self))

        do_GET = do_DELETE = do_POST  # noqa: N815 - the base class names them so

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    return Http(("127.0.0.1", 0), Handler)
