"""Talking HTTP/1.1 to an answer over a unix socket: raw, bounded, and never surprised.

Here: one request on a connection of its own, and its reply. Not here: what is asked, or what a reply means.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST = 256 * 1024
"""More of a reply than this is not read."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    """HTTP status; 0 when no whole reply came."""
    head: str = ""
    body: bytes = b""
    problem: str = ""
    """Why there is no reply: `no answer in time`, `connection closed`."""

    @property
    def json(self) -> Any:
        """The body read as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def field(self, name: str) -> Any:
        """A field of a JSON object; None when there is no such thing."""
        value = self.json
        return value.get(name) if isinstance(value, dict) else None

    @property
    def state(self) -> str:
        """The payment's status in a 2xx reply, in lower case; empty when it names none."""
        value = self.field("status") if 200 <= self.status < 300 else None
        return value.lower() if isinstance(value, str) and value.lower() in STATES else ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        return 400 <= self.status < 500

    def __str__(self) -> str:
        return f"{self.status} {self.state}".rstrip() if self.status else self.problem


STATES = frozenset({"pending", "succeeded", "failed"})


async def ask(
    socket: Path, method: str, target: str, headers: Mapping[str, str], body: bytes = b"", seconds: float = 10.0
) -> Reply:
    """One request. `target` and headers go out as they are (Latin-1), so that broken ones can be sent too."""
    lines = [f"{method} {target} HTTP/1.1", "Host: payments.test", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    try:
        async with asyncio.timeout(seconds):
            return read(await _exchange(socket, head + body))
    except TimeoutError:
        return Reply(status=0, problem="no answer in time")
    except (OSError, ValueError):
        return Reply(status=0, problem="connection closed")


@contextlib.contextmanager
def door(socket: Path) -> Iterator[str]:
    """An address for a socket in a folder where the answer may put links: it never leads out. Raises OSError."""
    place = os.open(socket, os.O_PATH | os.O_NOFOLLOW)
    try:
        yield f"/proc/self/fd/{place}"
    finally:
        os.close(place)


async def _exchange(socket: Path, sent: bytes) -> bytes:
    with door(socket) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    try:
        writer.write(sent)
        await writer.drain()
        received = b""
        while len(received) < LARGEST and (piece := await reader.read(65_536)):
            received += piece
        return received
    finally:
        writer.close()


def read(received: bytes) -> Reply:
    """Raises ValueError when it is no HTTP reply."""
    head, _, body = received.partition(b"\r\n\r\n")
    version, status = head.split(None, 2)[:2]
    if not version.startswith(b"HTTP/1."):
        raise ValueError("no HTTP reply")
    text = head.decode("latin-1")
    if "transfer-encoding: chunked" in text.lower():
        body = _joined(body)
    return Reply(status=int(status), head=text, body=body)


def _joined(chunked: bytes) -> bytes:
    whole = b""
    while chunked:
        size, _, rest = chunked.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            break
        whole += rest[:length]
        chunked = rest[length + 2 :]
    return whole
