"""A Messages API on loopback that says what it is told to, however broken that is."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Params = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What is sent. `cut`: so many bytes of the body, then the connection ends. `hang`: nothing ever."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    cut: int | None = None
    hang: bool = False

    @property
    def data(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def message(text: str = "Hi", **more: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5-x",
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "content": [{"type": "text", "text": text}],
        "usage": {"input_tokens": 1000, "output_tokens": 100},
        **more,
    }


def error(kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text, **more}}


class LiveServer:
    """Answers each POST by `reply`, called with the number of the request from 0 and its body; keeps what it was sent."""

    def __init__(self, reply: Callable[[int, Params], Reply]) -> None:
        self.seen: list[tuple[dict[str, str], Params]] = []
        self.paths: list[str] = []
        self.over = threading.Event()
        turn = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                body = json.loads(raw) if raw.startswith(b"{") else {"raw": raw.decode()}
                with turn:
                    number = len(outer.seen)
                    outer.seen.append(({k.lower(): v for k, v in self.headers.items()}, body))
                    outer.paths.append(self.path)
                outer.send(self, reply(number, body))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                pass

        class Http(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that gave up leave broken pipes."""

        self.http = Http(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.hang:
            self.over.wait()
            handler.close_connection = True
            return
        data = reply.data
        handler.send_response(reply.status)
        sent = {"content-type": reply.kind, "content-length": str(len(data)), "request-id": "req_9", **reply.headers}
        for name, value in sent.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data if reply.cut is None else data[: reply.cut])
        if reply.cut is not None:
            handler.close_connection = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    def close(self) -> None:
        self.over.set()
        self.http.shutdown()
        self.http.server_close()


def in_turn(*replies: Reply) -> Callable[[int, Params], Reply]:
    """The replies one after the other; the last one for ever."""
    return lambda number, _: replies[min(number, len(replies) - 1)]
