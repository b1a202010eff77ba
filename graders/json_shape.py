"""Is a text JSON, and of a stated shape? For schemas that anybody may have written.

A schema can be made to run for ever: by references that unfold, by expressions that backtrack. So only keywords that cost
no more than one look at each part are taken, and `pattern` is run by RE2. Not here: what follows from the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graders.pattern import PatternError, check_pattern, find

if TYPE_CHECKING:
    import jsonschema_rs
    from jsonschema.protocols import Validator

PARTS = {"items": False, "additionalProperties": False, "not": False, "contains": False}
PARTS |= {"properties": True, "anyOf": True, "allOf": True, "oneOf": True, "prefixItems": True}
"""Keywords that hold schemas: one, or (True) several."""
PLAIN = frozenset(
    {
        "type",
        "enum",
        "const",
        "required",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "pattern",
        "minProperties",
        "maxProperties",
        "title",
        "description",
        "default",
        "examples",
        "format",
        "$schema",
        "$id",
        "$comment",
    }
)
QUICK = frozenset({"type", "enum", "const", "required", "properties", "additionalProperties", "items"})
"""Keywords of which two libraries cannot think differently; others are left to the one that tells what is wrong."""
MAX_ERRORS = 3


class NotJson(Exception):
    """The text is no JSON; the message says where it stops being it."""


def schema_faults(schema: Any, path: str = "$") -> Iterator[str]:
    """What keeps a schema from being used."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield f"{path} is no schema"
        return
    for keyword, value in schema.items():
        if keyword in PARTS:
            yield from _part_faults(value, f"{path}.{keyword}", several=PARTS[keyword])
        elif keyword not in PLAIN:
            yield f"{path}.{keyword} is not a keyword that is taken here (docs/case-format.md lists them)"
        elif keyword == "pattern":
            yield from _pattern_faults(value, f"{path}.pattern")
    if path == "$":
        yield from _form_faults(schema)


def _part_faults(value: Any, path: str, *, several: bool) -> Iterator[str]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts if several else [("", value)]:
        yield from schema_faults(part, f"{path}.{name}".removesuffix("."))


def _pattern_faults(value: Any, path: str) -> Iterator[str]:
    try:
        check_pattern(str(value))
    except PatternError as error:
        yield f"{path}: {error}"


def _form_faults(schema: dict[str, Any]) -> Iterator[str]:
    with suppress(RecursionError):
        if _quick(json.dumps(schema)):
            return
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield f"{error.json_path}: {error.message[:200]}"
    except RecursionError:
        yield "$: nested too deeply"


@lru_cache
def _validator(schema: str) -> Validator:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from jsonschema.validators import extend
    from referencing import Registry

    def pattern(_: Any, wanted: str, instance: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(instance, str) and find(wanted, _whole(instance)) is None:
            yield ValidationError(f"{instance[:80]!r} does not match {wanted!r}")

    made: type[Validator] = extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]  # its stub has no types
    return made(json.loads(schema), registry=Registry())


@lru_cache
def _quick(schema: str) -> jsonschema_rs.Draft202012Validator | None:
    """A validator that loads and says yes in a fraction of the time; None for a schema that is not made of `QUICK` alone."""
    import jsonschema_rs

    data = json.loads(schema)
    try:
        return jsonschema_rs.Draft202012Validator(data) if _is_quick(data) else None
    except (ValueError, RecursionError):
        return None


def _is_quick(schema: Any) -> bool:
    if isinstance(schema, bool):
        return True
    if not isinstance(schema, dict) or not schema.keys() <= QUICK:
        return False
    properties = schema.get("properties", {})
    inner = properties.values() if isinstance(properties, dict) else ()
    return all(map(_is_quick, [*inner, schema.get("additionalProperties", True), schema.get("items", True)]))


def _surely_fits(data: Any, schema: str) -> bool:
    """Whether the data is of the shape. Where not, the other validator looks again, and its word counts."""
    quick = _quick(schema)
    try:
        return quick is not None and quick.is_valid(data)
    except (ValueError, RecursionError):  # half a surrogate pair, or nested too deeply
        return False


def _whole(text: str) -> str:
    """Half a character, which JSON can spell and RE2 cannot read, as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def read_json(text: str) -> Any:
    """The data of a text that is JSON and nothing else. Raises NotJson."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error) if isinstance(error, ValueError) else "it is nested too deeply") from None


def _no_number(word: str) -> None:
    message = f"{word} is no JSON number"
    raise ValueError(message)


def shape_errors(data: Any, schema: str) -> list[str]:
    """In what data departs from a schema (given as text) that has no faults; the first few."""
    if _surely_fits(data, schema):
        return []
    try:
        found = sorted(_validator(schema).iter_errors(data), key=lambda error: error.json_path)
    except RecursionError:
        return ["$: nested too deeply"]
    except (OverflowError, ValueError):  # an infinite quotient, or one that is none
        return ["$: holds a number that is too large to be checked"]
    return [f"{error.json_path}: {error.message[:160]}" for error in found[:MAX_ERRORS]]
