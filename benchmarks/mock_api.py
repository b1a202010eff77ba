"""A fast Messages API on the loopback interface, in a process of its own: `python -m benchmarks.mock_api`.

It prints its port and answers until it is told to stop or its standard input closes. Replies are 3 KB and differ in one
number, so that nothing behind it can take two for the same. Here: replies, latency, faults on demand, counters. Not here:
anything of the real API that a benchmark does not touch (`tests/` has a server for that).

    GET /set?latency=MS&faults=PERCENT   how long a reply takes; how many are refused, 429 and 529 by turns; counters to zero
    GET /stats                           the counters
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, dataclass, field
from urllib.parse import parse_qs, urlsplit

from benchmarks.work import MODEL, reply

SEED = 1
MARK = "@NUMBER@"
"""Stands in the prepared replies where each has its number."""
HEADERS = (
    "content-type: {kind}\r\nrequest-id: req_{number:012d}\r\nanthropic-ratelimit-requests-limit: 1000000\r\n"
    "anthropic-ratelimit-requests-remaining: 999999\r\ncontent-length: {length}\r\n\r\n"
)
FAULTS = (
    ("429 Too Many Requests", "retry-after: 1\r\n", "rate_limit_error"),
    ("529 Overloaded", "", "overloaded_error"),
)
USAGE = {
    "input_tokens": 1523,
    "output_tokens": 612,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "service_tier": "standard",
}


@dataclass(kw_only=True)
class Counters:
    """What has happened since the last setting."""

    requests: int = 0
    answered: int = 0
    refused: int = 0
    most_at_once: int = 0
    first: float = 0.0
    """Monotonic time of the first request, in seconds."""
    last: float = 0.0
    """Of the last reply."""
    cpu: float = 0.0
    """Seconds of CPU that the server has used."""


@dataclass(kw_only=True)
class Mock:
    """The server's state."""

    latency: float = 0.0
    faults: float = 0.0
    """Share of requests that are refused."""
    counters: Counters = field(default_factory=Counters)
    at_once: int = 0
    serial: int = 0
    """Counts replies and is never set back, so that no two texts are equal."""
    begun: float = field(default_factory=time.process_time)
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311 - chance, not secrecy

    def set(self, latency: float, faults: float) -> None:
        self.latency, self.faults, self.counters, self.at_once = latency, faults, Counters(), 0
        self.begun, self.dice = time.process_time(), random.Random(SEED)  # noqa: S311 - chance, not secrecy

    def stats(self) -> Counters:
        self.counters.cpu = time.process_time() - self.begun
        return self.counters

    def begin(self) -> None:
        self.counters.requests += 1
        self.counters.first = self.counters.first or time.monotonic()
        self.at_once += 1
        self.counters.most_at_once = max(self.counters.most_at_once, self.at_once)

    def answer(self, body: bytes) -> bytes:
        """The whole reply to a request."""
        self.at_once -= 1
        self.counters.last = time.monotonic()
        self.serial += 1
        if self.faults and self.dice.random() < self.faults:
            self.counters.refused += 1
            return fault(self.counters.refused, self.serial)
        self.counters.answered += 1
        return streamed(self.serial) if b'"stream":true' in body or b'"stream": true' in body else message(self.serial)


def message(number: int) -> bytes:
    """A reply in one piece."""
    return _response("200 OK", "application/json", _numbered(MESSAGE, number), number)


def streamed(number: int) -> bytes:
    """The same reply as server-sent events."""
    return _response("200 OK", "text/event-stream", _numbered(EVENTS, number), number)


def _numbered(text: str, number: int) -> str:
    return text.replace(MARK, f"{number:012d}")


def _body(text: str) -> dict[str, object]:
    return {
        "id": f"msg_{MARK}",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": "end_turn" if text else None,
        "stop_sequence": None,
        "usage": USAGE,
    }


def _events(text: str) -> str:
    events: list[tuple[str, dict[str, object]]] = [
        ("message_start", {"message": _body("")}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": text}}),
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": USAGE}),
        ("message_stop", {}),
    ]
    return "".join(f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n" for name, data in events)


MESSAGE = json.dumps(_body(reply(MARK)))
EVENTS = _events(reply(MARK))


def fault(turn: int, number: int) -> bytes:
    """A refusal: 429 and 529 by turns."""
    status, header, kind = FAULTS[turn % 2]
    body = json.dumps({"type": "error", "error": {"type": kind, "message": "refused by the benchmark"}})
    return _response(status, "application/json", body, number, header)


def _response(status: str, kind: str, body: str, number: int, header: str = "") -> bytes:
    data = body.encode()
    head = HEADERS.format(kind=kind, number=number, length=len(data))
    return f"HTTP/1.1 {status}\r\n{header}{head}".encode() + data


class Connection(asyncio.Protocol):
    """One connection, kept alive; one request at a time."""

    def __init__(self, mock: Mock) -> None:
        self._mock = mock
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while request := _taken(self._buffer):
            self._handle(*request)

    def _handle(self, first: str, body: bytes) -> None:
        method, target, _ = first.split(" ", 2)
        if method == "GET":
            self._write(_told(self._mock, target))
            return
        self._mock.begin()
        if self._mock.latency:
            asyncio.get_running_loop().call_later(self._mock.latency, self._answer, body)
        else:
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        self._write(self._mock.answer(body))

    def _write(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)


def _taken(buffer: bytearray) -> tuple[str, bytes] | None:
    """The first whole request, taken out of the buffer: its first line and its body."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = buffer[:end].decode("latin-1")
    lowered = head.lower()
    at = lowered.find("\r\ncontent-length:")
    length = int(lowered[at + 17 :].split("\r\n", 1)[0]) if at >= 0 else 0
    if len(buffer) < end + 4 + length:
        return None
    body = bytes(buffer[end + 4 : end + 4 + length])
    del buffer[: end + 4 + length]
    return head.partition("\r\n")[0], body


def _told(mock: Mock, target: str) -> bytes:
    parts = urlsplit(target)
    if parts.path == "/set":
        wanted = {name: float(values[0]) for name, values in parse_qs(parts.query).items()}
        mock.set(wanted.get("latency", 0) / 1000, wanted.get("faults", 0) / 100)
    return _response("200 OK", "application/json", json.dumps(asdict(mock.stats())), 0)


async def main() -> None:
    mock = Mock()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(mock), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
