"""In what two scorecards differ besides the persona. Unlike things are not compared unless the user says so.

Here: naming the differences. Not here: what is concluded from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from evals.comparison import Difference
from evals.errors import InputError
from evals.scorecard import Header, Scorecard
from graders.criterion import Kind

KNOWN = (
    "suite",
    "case version",
    "model",
    "provider",
    "recording set",
    "judge",
    "judge context",
    "licence",
    "grader version",
    "isolation",
    "execution",
)


def allowed_names(wanted: Collection[str]) -> frozenset[str]:
    """What the user allowed, spelt with hyphens or spaces. Raises InputError for what cannot be allowed."""
    from evals.nearest import nearest

    names = {name.replace("-", " ") for name in wanted}
    unknown = sorted(names - set(KNOWN))
    if unknown:
        known = ", ".join(name.replace(" ", "-") for name in KNOWN)
        raise InputError(f"--allow {unknown[0]!r} is no difference{nearest(unknown[0], KNOWN)} (there: {known})")
    return frozenset(names)


def differences(base: Scorecard, candidate: Scorecard, allowed: Collection[str]) -> tuple[Difference, ...]:
    """Every difference, in a fixed order, each with whether it is allowed."""
    found = [*_headers(base.header, candidate.header), *_cases(base.header, candidate.header)]
    found += [*_graders(base, candidate), *_executions(base, candidate)]
    found.sort(key=lambda item: KNOWN.index(item[0]))
    return tuple(
        Difference(what=what, base=one, candidate=other, allowed=what in allowed) for what, one, other in found
    )


Found = Iterator[tuple[str, str, str]]


def _headers(base: Header, candidate: Header) -> Found:
    for what, one, other in (
        ("suite", base.suite, candidate.suite),
        ("model", base.model, candidate.model),
        ("provider", base.provider, candidate.provider),
        ("recording set", base.recording_set, candidate.recording_set),
        ("judge", base.judge, candidate.judge),
        ("judge context", base.judge_context, candidate.judge_context),
        ("licence", _licence(base), _licence(candidate)),
        ("isolation", base.isolation, candidate.isolation),
    ):
        if one != other:
            yield what, one or "none", other or "none"


def _licence(header: Header) -> str:
    return ", ".join(dimension.value for dimension in header.licensed) or "none"


def _cases(base: Header, candidate: Header) -> Found:
    """Cases that both have in another content or version."""
    before = {case: (version, digest) for case, version, digest in base.cases}
    for case, version, digest in candidate.cases:
        if case in before and before[case] != (version, digest):
            old, old_digest = before[case]
            mark = ("", "") if old != version else (f" ({old_digest[:8]})", f" ({digest[:8]})")
            yield "case version", f"{case} v{old}{mark[0]}", f"{case} v{version}{mark[1]}"


def _graders(base: Scorecard, candidate: Scorecard) -> Found:
    """Graders that looked at a case which both have, in different versions."""
    shared = _shared(base, candidate)
    before, after = (_versions(card, shared) for card in (base, candidate))
    for grader in sorted(before.keys() & after.keys()):
        if before[grader] != after[grader]:
            yield "grader version", f"{grader} {before[grader]}", f"{grader} {after[grader]}"


def _shared(base: Scorecard, candidate: Scorecard) -> set[str]:
    return {case for case, _, _ in base.header.cases} & {case for case, _, _ in candidate.header.cases}


def _versions(card: Scorecard, cases: Collection[str]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for line in card.grades:
        if line.case in cases and line.grade.grader != "none":
            name = "judge" if line.grade.kind is Kind.JUDGE else line.grade.grader
            found.setdefault(name, set()).add(line.grade.version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def _executions(base: Scorecard, candidate: Scorecard) -> Found:
    """Code of shared cases that ran on one side only: its defects were looked for there only."""
    shared = _shared(base, candidate)
    one, other = (
        sum(x.case in shared and x.grade.kind is Kind.EXECUTION and x.grade.decided for x in card.grades)
        for card in (base, candidate)
    )
    if bool(one) != bool(other):
        yield "execution", _ran(one), _ran(other)


def _ran(count: int) -> str:
    return f"decided {count} grades" if count else "ran nothing"
