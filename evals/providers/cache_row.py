"""One row of the cache: the text it is kept as, and whether a text is such a row, whole and for the request that was asked.

A row is the SHA-256 of its JSON and then the JSON itself, so that looking whether it is whole needs no second spelling of it.
Rows of the first form, an object with the sum inside, are read as well: their answers were paid for.
Here: text in, recording out. Not here: where rows lie.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from evals.canonical import digest, spelled
from evals.recording import Recording, from_json, to_json
from evals.schema import errors_of, schema_text

SUM = 64
"""Characters of the sum."""


def row_of(recording: Recording) -> str:
    """The text of a row. Any database can store it: half a surrogate pair is escaped."""
    data = to_json(recording)
    text = spelled(data)
    try:
        return _sum(text) + text
    except UnicodeEncodeError:
        text = json.dumps(data, sort_keys=True, separators=(",", ":"))
        return _sum(text) + text


def recording_in(row: str, key: str) -> Recording | None:
    """The recording in a row, or None where the row is damaged, foreign, or about another request than `key`."""
    try:
        data = _first_form(row) if row.startswith("{") else _checked(row)
    except (ValueError, RecursionError):
        return None
    if data is None or data["request"]["digest"] != key:
        return None
    return from_json(data, place=f"request {key[:12]}")


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _checked(row: str) -> Any:
    stated, text = row[:SUM], row[SUM:]
    if _sum(text) != stated:
        return None
    return _sound({"sum": stated, "recording": json.loads(text)})


def _first_form(row: str) -> Any:
    data = json.loads(row)
    recording = _sound(data)
    return recording if recording is not None and digest(recording) == data["sum"] else None


def _sound(data: Any) -> Any:
    return None if errors_of(data, schema_text("cached.schema.json")) else data["recording"]
