"""A check of an answer's text that a case spells out itself: it contains a phrase, matches an expression, is JSON.

Here: the value, reading it from plain data, and what may be wrong with it. Not here: carrying it out (`graders.text_grading`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

TEXT_VERSION = 1
"""Raised when the same check may decide otherwise of the same answer."""


class TextOp(StrEnum):
    """What must hold of the text."""

    CONTAINS = "contains"
    """Every one of the values stands in it."""
    CONTAINS_ANY = "contains_any"
    """At least one of them does."""
    EQUALS = "equals"
    """It is the value, white space at both ends aside."""
    STARTS_WITH = "starts_with"
    """It begins with the value, white space before it aside."""
    MATCHES = "matches"
    """The regular expression (RE2's syntax) is found in it."""
    JSON = "json"
    """It is JSON and nothing else, and of the shape of the schema if there is one."""


@dataclass(frozen=True, kw_only=True)
class TextCheck:
    """One check."""

    op: TextOp
    values: tuple[str, ...]
    """Phrases, the expression, or the schema as JSON text; empty for JSON of any shape."""
    ignore_case: bool = False
    negated: bool = False
    """Turns it round: what is checked for must not hold."""

    @property
    def grader(self) -> str:
        """Id of the grader.

        >>> TextCheck(op=TextOp.CONTAINS_ANY, values=("a",), negated=True).grader
        'text-not-contains-any'
        """
        return f"text-{'not-' if self.negated else ''}{self.op.value.replace('_', '-')}"

    @property
    def words(self) -> str:
        """The check as a statement about an answer.

        >>> TextCheck(op=TextOp.CONTAINS, values=("ok", "done")).words
        'contains `ok` and `done`'
        """
        said = {TextOp.CONTAINS: " and ", TextOp.CONTAINS_ANY: " or "}.get(self.op, "")
        listed = said.join(f"`{_short(value)}`" for value in self.values[:5])
        more = f" and {len(self.values) - 5} more" if len(self.values) > 5 else ""
        verb = {
            TextOp.CONTAINS: f"contains {listed}{more}",
            TextOp.CONTAINS_ANY: f"contains {listed}{more}",
            TextOp.EQUALS: f"is exactly {listed}",
            TextOp.STARTS_WITH: f"starts with {listed}",
            TextOp.MATCHES: f"matches {listed}",
            TextOp.JSON: "is JSON of the stated shape" if self.values else "is JSON",
        }[self.op]
        case = ", in any letter case" if self.ignore_case else ""
        return f"{'does not hold: ' if self.negated else ''}{verb}{case}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


def read_check(data: Mapping[str, Any]) -> TextCheck:
    """A check from the mapping that a case holds, which its schema has approved.

    >>> read_check({"contains": "ok", "not": True}).words
    'does not hold: contains `ok`'
    """
    (op,) = (op for op in TextOp if op.value in data)
    value = data[op.value]
    if op is TextOp.JSON:
        values = () if value is True else (json.dumps(value, sort_keys=True, ensure_ascii=False),)
    else:
        values = tuple(value) if isinstance(value, list) else (value,)
    return TextCheck(op=op, values=values, ignore_case=data.get("ignore_case", False), negated=data.get("not", False))


def check_json(check: TextCheck) -> dict[str, Any]:
    """The mapping that a case holds: `read_check` the other way round."""
    value: Any = list(check.values) if len(check.values) > 1 else check.values[0] if check.values else True
    if check.op is TextOp.CONTAINS_ANY:
        value = list(check.values)
    if check.op is TextOp.JSON and check.values:
        value = json.loads(check.values[0])
    case = {"ignore_case": True} if check.ignore_case else {}
    return {check.op.value: value, **case, **({"not": True} if check.negated else {})}


def check_faults(check: TextCheck) -> Iterator[str]:
    """What the case's schema cannot say: an expression that RE2 does not take, a JSON Schema that is not taken here."""
    from graders.json_shape import schema_faults
    from graders.pattern import PatternError, check_pattern

    if check.op is TextOp.MATCHES:
        try:
            check_pattern(check.values[0])
        except PatternError as error:
            yield f"not an expression that RE2 takes ({error}); it has no look-around and no back references"
    if check.op is TextOp.JSON:
        if check.ignore_case:
            yield "`ignore_case` says nothing about JSON; leave it out"
        try:
            yield from [fault for value in check.values for fault in schema_faults(json.loads(value))]
        except RecursionError:
            yield "its schema is nested too deeply"
