"""What a case's own checks decide of an answer's text, with the place that decided it, or a transcript where there is none.

Here: carrying out checks, and grades. Not here: the check itself (`graders.text_check`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graders.answer import READER_VERSION, Answer
from graders.criterion import Criterion, Evidence, Grade, GraderRef, Kind, Status
from graders.json_shape import NotJson, read_json, shape_errors
from graders.pattern import find, find_literal
from graders.text_check import TEXT_VERSION, TextCheck, TextOp

MAX_QUOTE = 200
VERSION = f"reader-{READER_VERSION}/{TEXT_VERSION}"
"""Grades of another version are other grades."""

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Found:
    """Whether what a check looks for holds, where that is seen, and what was done."""

    holds: bool
    said: str
    spans: tuple[Span, ...] = ()


def grade_texts(criteria: Sequence[Criterion], answer: Answer) -> Iterator[Grade]:
    """One grade for each check that the criteria list, in order."""
    for criterion in criteria:
        for ref in criterion.graders:
            if ref.text is not None:
                yield _grade(criterion, ref, ref.text, answer)


def _grade(criterion: Criterion, ref: GraderRef, check: TextCheck, answer: Answer) -> Grade:
    block = answer.file(ref.file) if ref.file is not None else None
    if ref.file is not None and block is None:
        return _made(criterion, check, Status.UNSCORED, (), f"the answer has no file {ref.file}")
    text, line = (answer.text, 1) if block is None else (block.text, block.line)
    if not text.strip() and check.negated:
        return _made(criterion, check, Status.UNSCORED, (), "there is no text, and silence passes nothing")
    found = look(check, text)
    if block is not None and not block.full and not found.holds:
        return _made(
            criterion, check, Status.UNSCORED, (), f"{ref.file} leaves code out, so what is missing may be there"
        )
    status = Status.PASS if found.holds is not check.negated else Status.FAIL
    places = [_evidence(text, span, line) for span in found.spans]
    # what is not there cannot be quoted, so the transcript says where it was looked for
    lines = text.count("\n") + 1
    evidence = tuple(dict.fromkeys(places)) or (Evidence(quote=f"looked at {lines} lines: {found.said}"),)
    return _made(criterion, check, status, evidence, found.said)


def _made(criterion: Criterion, check: TextCheck, status: Status, evidence: tuple[Evidence, ...], reason: str) -> Grade:
    return Grade(
        criterion=criterion.id,
        status=status,
        kind=Kind.RULE,
        grader=check.grader,
        version=VERSION,
        evidence=evidence[:3],
        reason=reason,
    )


def _evidence(text: str, span: Span, first: int) -> Evidence:
    """The line on which a span begins; of a long line the span itself."""
    start, end = span
    begin = text.rfind("\n", 0, start) + 1
    close = text.find("\n", start)
    whole = text[begin : None if close < 0 else close].strip()
    quote = whole if len(whole) <= MAX_QUOTE else text[start:end].split("\n", 1)[0][:MAX_QUOTE] or whole[:MAX_QUOTE]
    return Evidence(quote=quote, line=first + text.count("\n", 0, start))


def look(check: TextCheck, text: str) -> Found:
    """Carry out a check, `negated` left aside."""
    if check.op is TextOp.JSON:
        return _json(check, text)
    if check.op is TextOp.MATCHES:
        span = find(check.values[0], text, ignore_case=check.ignore_case)
        return Found(holds=span is not None, said="found" if span else "nothing matches", spans=(span,) if span else ())
    if check.op in (TextOp.EQUALS, TextOp.STARTS_WITH):
        return _at_start(check, text)
    spans = {value: find_literal(value, text, ignore_case=check.ignore_case) for value in check.values}
    missing = [value for value, span in spans.items() if span is None]
    holds = len(missing) < len(spans) if check.op is TextOp.CONTAINS_ANY else not missing
    said = "found" if holds else "not there: " + ", ".join(repr(value[:80]) for value in missing[:5])
    return Found(holds=holds, said=said, spans=tuple(span for span in spans.values() if span) if holds else ())


def _at_start(check: TextCheck, text: str) -> Found:
    """Whether the text is, or begins with, the value."""
    start = len(text) - len(text.lstrip())
    rest = text.strip()
    wanted = check.values[0].strip() if check.op is TextOp.EQUALS else check.values[0].lstrip()
    span = find_literal(wanted, rest[: 2 * len(wanted)], ignore_case=check.ignore_case) if wanted else (0, 0)
    holds = span is not None and span[0] == 0 and (check.op is TextOp.STARTS_WITH or span[1] == len(rest))
    # either way the beginning is what decided
    places = ((start, start + len(rest.split("\n", 1)[0])),) if rest else ()
    return Found(holds=holds, said="so it is" if holds else f"it begins {rest[:40]!r}", spans=places)


def _json(check: TextCheck, text: str) -> Found:
    rest = text.strip()
    start = len(text) - len(text.lstrip())
    places = ((start, start + len(rest.split("\n", 1)[0])),) if rest else ()
    try:
        data = read_json(rest)
    except NotJson as error:
        return Found(holds=False, said=f"not JSON: {error}", spans=places)
    errors = [error for schema in check.values for error in shape_errors(data, schema)]
    return Found(holds=not errors, said="; ".join(errors) or "JSON as asked", spans=places)
