"""A judge's reply as a grade: form, status and quotes checked mechanically.

An invalid reply never becomes a pass or a fail. A verdict whose quotes are not in the answer is unscored.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from graders.criterion import Criterion, Evidence, Grade, Kind, Status
from graders.judge.question import judge_version

MIN_QUOTE = 4
"""Characters, white space excepted; a shorter quote proves nothing."""
MAX_QUOTE = 2_000


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A well-formed reply."""

    status: Status
    quotes: tuple[str, ...]
    reason: str


class InvalidVerdict(Exception):
    """The reply cannot be read as a verdict; the message says why."""


def read_verdict(reply: str) -> Verdict:
    """The verdict in a reply. One fence around the JSON and other letter case of the verdict are tolerated; prose is not."""
    text = reply.strip()
    fenced = re.fullmatch(r"```(?:json)?\s*\n(.*)\n\s*```", text, re.DOTALL)
    try:
        data = json.loads(fenced[1] if fenced else text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        message = "the reply is not one JSON object"
        raise InvalidVerdict(message) from None
    if not isinstance(data, dict):
        message = "the reply is not a JSON object"
        raise InvalidVerdict(message)
    return _checked(data)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object whose names stand once each; a second `verdict` would quietly replace the first."""
    data = dict(pairs)
    if len(data) < len(pairs):
        message = "a name stands twice in the reply"
        raise InvalidVerdict(message)
    return data


def _checked(data: dict[str, object]) -> Verdict:
    verdict, quotes, reason = (data.get(name) for name in ("verdict", "quotes", "reason"))
    known = [Status.PASS, Status.FAIL, Status.NOT_APPLICABLE]
    status = next((s for s in known if isinstance(verdict, str) and s.value == verdict.strip().lower()), None)
    if set(data) != {"verdict", "quotes", "reason"}:
        message = f"the reply must have exactly reason, quotes and verdict, and has {', '.join(sorted(map(str, data))) or 'nothing'}"
    elif status is None:
        message = f"the verdict {str(verdict)[:40]!r} is none of pass, fail, not_applicable"
    elif not isinstance(quotes, list) or not all(isinstance(quote, str) for quote in quotes):
        message = "quotes must be a list of strings"
    elif not isinstance(reason, str) or not reason.strip():
        message = "the reason is missing"
    elif re.search("[\ud800-\udfff]", reason):
        message = "the reason holds half a character, and could be written to no file"
    else:
        return Verdict(status=status, quotes=tuple(str(quote) for quote in quotes), reason=reason.strip())
    raise InvalidVerdict(message)


def locate(quote: str, text: str) -> int | None:
    """The 1-based line on which a quote begins in a text, any white space counting as one space; None when it is not there.

    >>> locate("bb   cc", "a\\nbb\\ncc d")
    2
    """
    words = quote.split()
    if sum(map(len, words)) < MIN_QUOTE or len(quote) > MAX_QUOTE:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), text)
    return text.count("\n", 0, found.start()) + 1 if found else None


def _stands_in(answer: str, reply: str, reason: str) -> bool:
    """Whether the answer dictated the reply. Its quotes would prove nothing: a forged verdict holds the quotes it names."""
    said = " ".join(answer.split())
    spellings = (reply, reason, json.dumps(reason, ensure_ascii=False)[1:-1])
    return any(" ".join(text.split()) in said for text in spellings)


def judged(criterion: Criterion, answer: str, reply: str, *, judge: str, stop_reason: str | None = None) -> Grade:
    """The grade that a reply gives. Raises InvalidVerdict for a reply that may be asked for once more."""
    if stop_reason not in (None, "end_turn", "stop_sequence"):
        message = f"the judge's reply ended with {stop_reason}"
        raise InvalidVerdict(message)
    verdict = read_verdict(reply)
    if _stands_in(answer, reply, verdict.reason):
        message = "the reply, or its reason, stands in the answer word for word: it was copied from there"
        raise InvalidVerdict(message)
    lines = [(quote, locate(quote, answer)) for quote in verdict.quotes]
    found = tuple(Evidence(quote=quote.strip(), line=line) for quote, line in lines if line is not None)
    if not found or len(found) < len(lines):
        missing = next((quote for quote, line in lines if line is None), "")
        message = f"a quote does not occur in the answer: {missing[:80]!r}" if lines else "the verdict has no quote"
        raise InvalidVerdict(message)
    return Grade(
        criterion=criterion.id,
        status=verdict.status,
        kind=Kind.JUDGE,
        grader=judge,
        version=judge_version(),
        evidence=found,
        reason=verdict.reason,
    )


def not_judged(criterion: Criterion, reason: str, *, judge: str) -> Grade:
    """The grade for a question that got no valid reply."""
    return Grade(
        criterion=criterion.id,
        status=Status.UNSCORED,
        kind=Kind.JUDGE,
        grader=judge,
        version=judge_version(),
        reason=reason,
    )
