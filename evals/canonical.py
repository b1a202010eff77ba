"""One JSON spelling, and its digest. Equal values have equal text, on every machine and Python.

Here: spelling and hashing. Not here: what goes into a digest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from enum import Enum

PLAIN = frozenset({bool, int, float, str})
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


_SPELLER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def as_json(value: object) -> Json:
    """A frozen value as JSON data. Dataclass fields that are None are left out, so that an optional field added
    later changes no older digest. Raises TypeError for anything that JSON has no word for."""
    if value is None or type(value) in PLAIN:
        return value  # type: ignore[return-value]  # the types are those
    if isinstance(value, Enum):
        return as_json(value.value)
    if isinstance(value, (bool, int, float, str)):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) is not None}
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    message = f"{type(value).__name__} has no JSON form"
    raise TypeError(message)


def canonical(value: object) -> str:
    """The one spelling: sorted keys, no spaces, text as is, no NaN or infinity (ValueError).

    >>> canonical({"b": [1, "ä"], "a": None})
    '{"a":null,"b":[1,"ä"]}'
    """
    return spelled(as_json(value))


def spelled(data: Json) -> str:
    """The canonical spelling of what is JSON data already."""
    return ENCODER.encode(data)


def digest(value: object) -> str:
    """SHA-256 of the canonical spelling, in hexadecimal (64 characters)."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()
