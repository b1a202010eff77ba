"""Secrets that are planted, and the search for them in everything that a run leaves behind."""

from __future__ import annotations

import base64
import json
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

KEY = "sk-canary-api-0123456789abcdef"
TOKEN = "canary-token-0123456789abcdef"
HEADER = "canary-header-0123456789abcdef"
"""A gateway's own secret, in a header of its own."""
ALL = (KEY, TOKEN, HEADER)


def spellings(secret: str) -> Iterator[bytes]:
    """The secret as it may be written: plain, in base64, as JSON with escapes, backwards."""
    plain = secret.encode()
    yield plain
    yield base64.b64encode(plain).rstrip(b"=")[:-1]
    yield json.dumps("".join(f"\\u{ord(character):04x}" for character in secret)).encode()
    yield plain[::-1]
    yield secret.replace("-", "%2D").encode()


def shown_in(data: bytes) -> bool:
    """Whether one of the secrets is in some bytes."""
    return any(spelling in data for secret in ALL for spelling in spellings(secret))


def files_with_one(folder: Path) -> list[str]:
    """Every file below a folder that holds one of the secrets, packed rows of databases included."""
    return [
        path.name
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(shown_in(data) for data in _contents(path))
    ]


def _contents(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    yield data
    if data.startswith(b"SQLite format 3"):
        yield from _rows(path)
    for wrapper in (zlib.MAX_WBITS, zlib.MAX_WBITS | 16):
        try:
            yield zlib.decompress(data, wrapper)
        except zlib.error:
            continue


def _rows(path: Path) -> Iterator[bytes]:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - names of the file's own tables
                yield from (value if isinstance(value, bytes) else str(value).encode() for value in row)
    finally:
        database.close()
