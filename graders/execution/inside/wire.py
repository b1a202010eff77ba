"""How the two sides of a box talk: frames of text fields over one socket.

Here: the spelling. Not here: what is said. Nothing of it needs a module that is slow to load.
"""

from __future__ import annotations

LARGEST = 2**24
"""Bytes of a frame that either side takes."""


def pack(*fields: str) -> bytes:
    """One frame. Raises ValueError when a field holds a NUL or all of it is too long."""
    if any("\0" in field for field in fields):
        raise ValueError("a NUL cannot be part of an argument, a name or a variable")
    body = "\0".join(fields).encode("utf-8", "surrogateescape")
    if len(body) > LARGEST:
        raise ValueError("that is too long for a box")
    return len(body).to_bytes(4, "big") + body


def size(head: bytes) -> int:
    """How many bytes follow the first four of a frame. Raises ValueError when that is too many."""
    length = int.from_bytes(head, "big")
    if length > LARGEST:
        raise ValueError("the frame is too long")
    return length


def fields(body: bytes) -> list[str]:
    """What was packed."""
    return body.decode("utf-8", "surrogateescape").split("\0")
