"""HTTP/1.1 over a unix socket, for callers who trust nothing that comes back.

Here: requests as bytes, replies read with caps and a deadline. Not here: what is asked (`lab`), or who answers (`service`).
The standard client is not used: it bounds neither a reply as a whole nor its time, and cannot pipeline.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_HEAD = 64 * 1024
MAX_BODY = 2 * 1024 * 1024
PIECE = 64 * 1024


class NoReply(Exception):
    """There was no whole reply; says why."""


class Gone(NoReply):
    """The other side closed the connection."""


class Silent(NoReply):
    """The deadline passed."""


class Garbled(NoReply):
    """What came is no HTTP/1.1 reply, or too much."""


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name; repeated ones are joined by a line feed."""
    body: bytes

    @property
    def accepted(self) -> bool:
        """Whether the request was let in: 2xx, or a redirect to more."""
        return self.status < 400

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def field(self, name: str) -> Any:
        """A field of a JSON object; None when there is no such thing."""
        value = self.json()
        return value.get(name) if isinstance(value, dict) else None


def request(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None, kind: str | None = None
) -> bytes:
    """A request as it goes over the wire; nothing is checked, so that bad ones can be made."""
    lines = [f"{method} {path} HTTP/1.1", "Host: notes.example", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + (body or b"")


class Line:
    """A connection on which replies come in the order of the requests."""

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        self._socket = connected
        self._seconds = seconds
        self._deadline = 0.0
        self._buffer = bytearray()
        self.open = True

    def close(self) -> None:
        self.open = False
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Raises Gone, Silent."""
        self._deadline = time.monotonic() + self._seconds
        self._socket.settimeout(self._seconds)
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise Silent("it took in nothing more") from error
        except OSError:
            # it may have answered and closed before all was sent: what it said is still there to be read
            return

    def words(self) -> Any:
        """One line of JSON. Raises NoReply."""
        try:
            return json.loads(self._until(b"\n"))
        except ValueError as error:
            raise Garbled("not a line of JSON") from error

    def reply(self) -> Reply:
        """The next reply. Raises NoReply."""
        status, headers = 100, {"": ""}
        while 100 <= status < 200:
            status, headers = _head(self._until(b"\r\n\r\n"))
        body = self._body(status, headers)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(status, headers, body)

    def _body(self, status: int, headers: Mapping[str, str]) -> bytes:
        if status in (204, 304):
            return b""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        length = headers.get("content-length")
        if length is None:
            return self._rest()
        return self._exactly(_size(length, 10))

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := _size(self._until(b"\r\n").split(b";")[0].decode("latin-1"), 16):
            body += self._exactly(size)
            self._exactly(2)
            if len(body) > MAX_BODY:
                raise Garbled("a reply without end")
        self._until(b"\r\n")
        return bytes(body)

    def _rest(self) -> bytes:
        try:
            while len(self._buffer) <= MAX_BODY:
                self._more()
        except Gone:
            self.open = False
            return bytes(self._buffer)
        raise Garbled("a reply without end")

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        return self._take(size)

    def _until(self, mark: bytes) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise Garbled("a head without end")
            self._more()
        return self._take(end + len(mark))[:end]

    def _take(self, size: int) -> bytes:
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    def _more(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Silent(f"no reply within {self._seconds:g} s")
        self._socket.settimeout(left)
        try:
            piece = self._socket.recv(PIECE)
        except TimeoutError as error:
            raise Silent(f"no reply within {self._seconds:g} s") from error
        except OSError as error:
            raise Gone("the connection was reset") from error
        if not piece:
            raise Gone("the connection was closed without a reply")
        self._buffer += piece


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) < 2 or parts[0] not in ("HTTP/1.1", "HTTP/1.0") or not (parts[1].isdecimal() and len(parts[1]) == 3):
        raise Garbled("not an HTTP reply")
    headers: dict[str, str] = {}
    for line in rest:
        name, _, value = line.partition(":")
        key = name.strip().lower()
        headers[key] = f"{headers[key]}\n{value.strip()}" if key in headers else value.strip()
    return int(parts[1]), headers


def _size(text: str, base: int) -> int:
    try:
        size = int(text.strip(), base)
    except ValueError as error:
        raise Garbled("a length that is no number") from error
    if not 0 <= size <= MAX_BODY:
        raise Garbled("a reply without end")
    return size
