"""JSON Schema checks that report every fault with its line, and that never leave this process.

Here: running a schema over located data. Not here: the schemas themselves.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from evals.canonical import Json
from evals.errors import Fault
from evals.yaml_file import Located

if TYPE_CHECKING:
    import jsonschema_rs
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError


SCHEMAS = Path(__file__).with_name("schemas")


@lru_cache
def _quick(text: str) -> jsonschema_rs.Draft202012Validator:
    """A validator that says yes or no in a hundredth of the time; it fetches nothing either."""
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(json.loads(text), retriever=_refuse)


def _refuse(address: str) -> Json:
    message = f"a schema must not refer to {address}"
    raise ValueError(message)


def _sound(data: Json, schema: str) -> bool:
    """Whether the data surely keeps to the schema. Where not, the other validator looks again, and its word counts."""
    try:
        return _quick(schema).is_valid(data)
    except (ValueError, RecursionError):  # half a surrogate pair, or nested too deeply
        return False


@lru_cache
def _validator(text: str) -> Draft202012Validator:
    """A validator that fetches nothing: the library would follow a remote `$ref` over HTTP by default."""
    from jsonschema import Draft202012Validator
    from referencing import Registry

    schema = json.loads(text)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, registry=Registry())


@lru_cache
def schema_text(name: str) -> str:
    """The text of a schema that ships with the package."""
    return (SCHEMAS / name).read_text(encoding="utf-8")


def check(located: Located, schema: str) -> list[Fault]:
    """Every way in which the data departs from the schema (given as text), in the file's order."""
    if _sound(located.data, schema):
        return []
    errors = sorted(_validator(schema).iter_errors(located.data), key=lambda e: [str(part) for part in e.absolute_path])
    return [located.fault(tuple(error.absolute_path), _message(error)) for error in errors]


def errors_of(data: Json, schema: str) -> list[str]:
    """The same for data without a file: a list of messages with their paths."""
    if _sound(data, schema):
        return []
    return [f"{e.json_path}: {_message(e)}" for e in _validator(schema).iter_errors(data)]


def _message(error: ValidationError) -> str:
    """The library's message, shortened where it would print whole documents."""
    schema = error.schema
    if error.validator in ("anyOf", "oneOf") and isinstance(schema, dict) and "title" in schema:
        return f"is not {schema['title']}"
    message = error.message
    return message if len(message) <= 300 else f"{message[:140]} … {message[-140:]}"
