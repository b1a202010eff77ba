"""A Message Batches API on loopback, with faults on demand. Also answers single messages, as the probe asks them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Params = dict[str, Any]
Fault = tuple[int, str, dict[str, str]]
"""Status, type of the error, extra headers."""


def message(text: str, params: Params, number: int = 1) -> dict[str, Any]:
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": params["model"],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "content": [{"type": "text", "text": text}],
        "usage": {"input_tokens": 1000, "output_tokens": 100, "service_tier": "batch"},
    }


def error(kind: str, text: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text}}


class BatchServer:
    """Keeps every batch it made. Results come in reverse order of the requests."""

    def __init__(self, answer: Callable[[Params], str]) -> None:
        self.answer = answer
        self.batches: dict[str, list[dict[str, Any]]] = {}
        self.looks: Counter[str] = Counter()
        self.single: list[Params] = []
        self.keys: set[str] = set()
        self.calls: list[str] = []
        self.polls = 1
        """How often a batch is seen in progress before it has ended."""
        self.outcomes: Callable[[str, Params, int], dict[str, Any] | None] = lambda *_: None
        """Another result for (custom id, params, how often it was submitted); None: it succeeds."""
        self.faults: dict[str, list[Fault]] = {}
        """Replies instead of the next ones, by step: messages, create, retrieve, results."""
        self.cut: list[int] = []
        """After how many lines the next streams of results break off."""
        self.clean_cut = False
        """Whether the stream breaks off without a sign of it."""
        self.hooks: dict[str, list[Callable[[], None]]] = {}
        """Called once each, by step: probe, made, retrieve, results; the reply is sent afterwards."""
        self.archived = False
        self.submitted: Counter[str] = Counter()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer.post(self)

            def do_GET(self) -> None:
                outer.get(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                pass

        class Http(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Clients that were killed leave broken pipes."""

        self.http = Http(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def asked(self) -> Counter[str]:
        """How often each request was paid for: in batches by custom id."""
        return Counter(line["custom_id"] for lines in self.batches.values() for line in lines)

    def post(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        self.keys.add(handler.headers.get("authorization", ""))
        step = "create" if handler.path.endswith("/batches") else "messages"
        self.calls.append(step)
        if self._fails(handler, step):
            return
        if step == "messages":
            self.single.append(body)
            reply = message(self.answer(body), body)
            self._hook("probe")
            self._send(handler, 200, reply)
            return
        name = f"msgbatch_{len(self.batches) + 1}"
        self.batches[name] = body["requests"]
        self.submitted.update(line["custom_id"] for line in body["requests"])
        self._hook("made")
        self._send(handler, 200, self._batch(name))

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        parts = handler.path.split("/")
        step = "results" if parts[-1] == "results" else "retrieve"
        self.calls.append(step)
        if self._fails(handler, step):
            return
        name = parts[4]
        if name not in self.batches:
            self._send(handler, 404, error("not_found_error", "no such batch"))
        elif step == "retrieve":
            self.looks[name] += 1
            self._hook("retrieve")
            self._send(handler, 200, self._batch(name), {"retry-after": "0.01"})
        else:
            self._results(handler, name)

    def _batch(self, name: str) -> dict[str, Any]:
        ended = self.looks[name] > self.polls
        count = len(self.batches[name])
        return {
            "id": name,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {
                "processing": 0 if ended else count,
                "succeeded": count if ended else 0,
                "errored": 0,
                "canceled": 0,
                "expired": 0,
            },
            "created_at": "2026-11-23T10:00:00Z",
            "expires_at": "2026-11-24T10:00:00Z",
            "ended_at": "2026-11-23T11:00:00Z" if ended else None,
            "archived_at": "2026-12-24T10:00:00Z" if self.archived else None,
            "results_url": f"{self.url}/v1/messages/batches/{name}/results" if ended else None,
        }

    def _results(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        rows = [self._row(line, number) for number, line in enumerate(self.batches[name])]
        rows.reverse()
        cut = self.cut.pop(0) if self.cut else None
        whole = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        part = b"".join(json.dumps(row).encode() + b"\n" for row in rows[:cut])
        handler.send_response(200)
        handler.send_header("content-type", "application/binary")
        sent = part if cut is not None and self.clean_cut else whole
        handler.send_header("content-length", str(len(sent)))
        handler.end_headers()
        handler.wfile.write(part)
        handler.wfile.flush()
        self._hook("results")
        if cut is not None:
            handler.close_connection = True

    def _row(self, line: dict[str, Any], number: int) -> dict[str, Any]:
        custom_id, params = line["custom_id"], line["params"]
        result = self.outcomes(custom_id, params, self.submitted[custom_id]) or {
            "type": "succeeded",
            "message": message(self.answer(params), params, number),
        }
        return {"custom_id": custom_id, "result": result}

    def _hook(self, step: str) -> None:
        if self.hooks.get(step):
            self.hooks[step].pop(0)()

    def _fails(self, handler: BaseHTTPRequestHandler, step: str) -> bool:
        if not self.faults.get(step):
            return False
        status, kind, headers = self.faults[step].pop(0)
        self._send(handler, status, error(kind, f"{kind} as planned"), headers)
        return True

    @staticmethod
    def _send(
        handler: BaseHTTPRequestHandler, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        data = json.dumps(body).encode()
        handler.send_response(status)
        everything = {"content-type": "application/json", "content-length": str(len(data)), "request-id": "req_1"}
        for name, value in (everything | (headers or {})).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)
