"""Is a text JSON, and of a stated shape? For schemas that anybody may have written.

A schema can be made to run for ever: by references that unfold, by expressions that backtrack. So only keywords that cost
no more than one look at each part are taken, and `pattern` is run by RE2. Not here: what follows from the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graders.pattern import PatternError, check_pattern, find

if TYPE_CHECKING:
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
    try:
        found = sorted(_validator(schema).iter_errors(data), key=lambda error: error.json_path)
    except RecursionError:
        return ["$: nested too deeply"]
    except (OverflowError, ValueError):  # an infinite quotient, or one that is none
        return ["$: holds a number that is too large to be checked"]
    return [f"{error.json_path}: {error.message[:160]}" for error in found[:MAX_ERRORS]]
