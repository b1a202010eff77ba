"""promptfoo's assertions as criteria: checks of the text and rubrics; everything else is named with the reason.

Here: one assertion. Not here: where it stands (`evals.importers.promptfoo`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from evals.importers.imported import Check, LeftOut, expression, usable
from evals.importers.template import NotPlain, render
from graders.criterion import Dimension
from graders.text_check import TextCheck, TextOp

TEXT = {
    "contains": TextOp.CONTAINS,
    "contains-all": TextOp.CONTAINS,
    "contains-any": TextOp.CONTAINS_ANY,
    "equals": TextOp.EQUALS,
    "starts-with": TextOp.STARTS_WITH,
    "regex": TextOp.MATCHES,
    "is-json": TextOp.JSON,
}
JUDGED = ("llm-rubric", "model-graded-closedqa")
WHY = {
    "javascript": "code; write a rule and name it in evals.toml (docs/library.md)",
    "python": "code; write a rule and name it in evals.toml (docs/library.md)",
    "ruby": "code; write a rule and name it in evals.toml (docs/library.md)",
    "webhook": "asks a server while grading; grades here depend on the answer alone",
    "latency": "time is no quality of an answer here; runs keep it apart from scores",
    "cost": "cost is no quality of an answer here; runs state it, and --max-cost bounds it",
    "similar": "needs an embedding model; state what must be said as a rubric or a phrase",
    "factuality": "compares with a reference; write it as a rubric",
    "contains-json": "looks for JSON inside other text; is-json is carried over",
    "moderation": "asks another service",
}
PLAIN_EXPECTED = re.compile(
    r"(?P<type>(?:not-)?[a-z][a-z0-9-]*)(?:\((?P<threshold>[\d.]+)\))?(?::(?P<value>.*))?", re.DOTALL
)
SHORT = {"fn": "javascript", "eval": "javascript", "grade": "llm-rubric"}

Found = Check | LeftOut


class NotCarried(Exception):
    """An assertion has no counterpart; the message says why."""


def read_assertions(data: Any, where: str, values: Mapping[str, Any]) -> Iterator[Found]:
    """Every assertion of a list as a check, or as left out."""
    for number, item in enumerate(data if isinstance(data, list) else []):
        place = f"{where}[{number}]"
        if not isinstance(item, dict) or not isinstance(item.get("type"), str):
            yield LeftOut(where=place, what="assertion", why="is no mapping with a `type`")
        elif item["type"] == "assert-set":
            if item.get("threshold") is not None:
                yield LeftOut(
                    where=place,
                    what="assert-set",
                    why="a share of assertions that must hold; criteria count one by one",
                )
            else:
                yield from read_assertions(item.get("assert"), f"{place}.assert", values)
        else:
            yield from _assertion(item, place, values)


def expected(text: str) -> dict[str, Any]:
    """An assertion as a cell of a table spells it: `type: value`, or the text that the answer must equal.

    >>> expected("icontains: yes"), expected("Paris"), expected("not-contains-any: a, b")["value"]
    ({'type': 'icontains', 'value': 'yes'}, {'type': 'equals', 'value': 'Paris'}, 'a, b')
    >>> expected("llm-rubric(0.8): polite")["threshold"]
    '0.8'
    """
    found = PLAIN_EXPECTED.fullmatch(text.strip())
    kind = found["type"] if found else ""
    kind = SHORT.get(kind, kind)
    if not found or (kind.removeprefix("not-").removeprefix("i") not in TEXT and kind not in (*JUDGED, *WHY, *TEXT)):
        return {"type": "equals", "value": text.strip()}
    if found["value"] is None and kind.removeprefix("not-") != "is-json":
        return {"type": "equals", "value": text.strip()}
    value = (found["value"] or "").strip()
    threshold = {"threshold": found["threshold"]} if found["threshold"] else {}
    return {"type": kind, **({"value": value} if value else {}), **threshold}


def _assertion(item: Mapping[str, Any], place: str, values: Mapping[str, Any]) -> Iterator[Found]:
    kind = item["type"]
    negated = kind.startswith("not-")
    plain = kind.removeprefix("not-")
    if item.get("transform") is not None:
        why = "looks at the answer as code has changed it; checks here look at the answer as it came"
        yield LeftOut(where=place, what=kind, why=why)
        return
    try:
        value = _rendered(item.get("value"), values)
        if plain in JUDGED:
            check: TextCheck | str = _rubric(value, negated)
        else:
            check = _text_check(plain, value, negated)
        weight = _weight(item.get("weight"))
    except (NotPlain, NotCarried) as error:
        yield LeftOut(where=place, what=kind, why=str(error))
        return
    for key in sorted({"threshold", "rubricPrompt", "config", "contextTransform"} & set(item)):
        yield LeftOut(where=f"{place}.{key}", what=f"`{key}` of {kind}", why="the assertion is carried over without it")
    yield Check(decides=check, weight=weight, dimension=_dimension(item.get("metric")))


def _rendered(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        if value.startswith("file://"):
            raise NotCarried(f"its value is a file ({value[:60]}); write the value into the configuration")
        return render(value, values)
    return [_rendered(item, values) for item in value] if isinstance(value, list) else value


def _rubric(value: Any, negated: bool) -> str:
    if negated:
        raise NotCarried("a rubric turned round; word it the other way")
    if not isinstance(value, str) or not value.strip():
        raise NotCarried("the rubric is no text")
    if len(value) > 3900:
        raise NotCarried("the rubric is longer than 3,900 characters")
    return value


def _text_check(kind: str, value: Any, negated: bool) -> TextCheck:
    op = TEXT.get(kind.removeprefix("i")) if kind.startswith("icontains") else TEXT.get(kind)
    if op is None:
        raise NotCarried(WHY.get(kind, "no counterpart; a rubric or a rule may say it (docs/case-format.md)"))
    values = _json_schema(value) if op is TextOp.JSON else tuple(_phrases(kind, value))
    if not values and op is not TextOp.JSON:
        raise NotCarried("it has no value")
    pattern = op is TextOp.MATCHES
    check = TextCheck(
        op=op,
        values=tuple(map(expression, values)) if pattern else values,
        ignore_case=kind.startswith("icontains"),
        negated=negated,
    )
    if why := usable(check):
        raise NotCarried(why)
    return check


def _json_schema(value: Any) -> tuple[str, ...]:
    """A schema given as data, or as text that is JSON."""
    if value in (None, ""):
        return ()
    try:
        data = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise NotCarried("its schema is no JSON") from None
    if not isinstance(data, dict):
        raise NotCarried("its schema is no mapping")
    return (json.dumps(data, sort_keys=True, ensure_ascii=False),)


def _phrases(kind: str, value: Any) -> Iterator[str]:
    several = kind.endswith(("-all", "-any"))
    items = (
        value if isinstance(value, list) else str(value).split(",") if several and isinstance(value, str) else [value]
    )
    for item in items:
        if isinstance(item, (dict, list)) or item is None:
            raise NotCarried("its value is no text")
        text = item if isinstance(item, str) else json.dumps(item)
        if text.strip():
            yield text.strip() if several else text


def _weight(value: Any) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise NotCarried("its weight is no number")
    if value == 0:
        raise NotCarried("its weight is 0, so it decides nothing")
    return float(min(value, 10))  # points end there, and a longer whole number is no float


def _dimension(metric: Any) -> Dimension | None:
    """A metric that is called like a dimension is one."""
    name = str(metric).strip().lower().replace("-", "_").replace(" ", "_")
    return Dimension(name) if name in list(Dimension) else None
