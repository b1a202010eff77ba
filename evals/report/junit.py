"""A comparison as JUnit XML, for the test views of CI servers.

One suite for the gate with a test per dimension, then one per case with a test per criterion. A test fails only where the
gate does: what an unlicensed judge saw moving is in the output of a test that passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from evals.comparison import Basis, BrokenMust, Change, Comparison, Flip, Verdict
from evals.context import SIDES, Context
from evals.report.flips import carriers, dimension_name, share, speaking
from evals.report.safe import line, plain
from evals.report.tables import figure, signed
from evals.scorecard import CriterionLine
from graders.criterion import Status

QUOTE = 2_000
UNDECIDED = {Verdict.TOO_LITTLE_SCORED, Verdict.NOT_COMPARABLE}


@dataclass(frozen=True, kw_only=True)
class _Test:
    """One test: at most one of the three says that it did not simply pass."""

    name: str
    failure: str = ""
    skipped: str = ""
    error: str = ""
    details: str = ""
    """Body of the failure or error, or output of a passed test."""


def comparison_junit(comparison: Comparison, context: Context) -> str:
    """One XML document. Control characters, which XML cannot carry, are escaped as Python spells them."""
    root = ET.Element("testsuites", name="persona-evals")
    _suite(root, "gate", list(_gate(comparison)))
    for case in sorted({item.case for item in (*context.base.criteria, *context.candidate.criteria)}):
        _suite(root, case, list(_case(case, comparison, context)))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, name: str, tests: Sequence[_Test]) -> None:
    counts = {
        "tests": len(tests),
        "failures": sum(bool(test.failure) for test in tests),
        "errors": sum(bool(test.error) for test in tests),
        "skipped": sum(bool(test.skipped) for test in tests),
    }
    suite = ET.SubElement(root, "testsuite", {"name": plain(name)} | {key: str(count) for key, count in counts.items()})
    for test in tests:
        one = ET.SubElement(suite, "testcase", classname=plain(name), name=plain(test.name))
        for kind, message in (("failure", test.failure), ("error", test.error)):
            if message:
                ET.SubElement(one, kind, message=plain(message, 500), type=kind).text = _body(test.details)
        if test.skipped:
            ET.SubElement(one, "skipped", message=plain(test.skipped, 500))
        elif test.details and not (test.failure or test.error):
            ET.SubElement(one, "system-out").text = _body(test.details)


def _body(text: str) -> str:
    return "\n".join(line(part) for part in text.splitlines())


def _gate(comparison: Comparison) -> Iterator[_Test]:
    """The decision itself, then each dimension that it looked at."""
    failed = comparison.verdict is Verdict.REGRESSED
    undecided = comparison.verdict in UNDECIDED
    yield _Test(
        name="verdict",
        failure=comparison.sentence if failed else "",
        error=comparison.sentence if undecided else "",
        details=comparison.sentence,
    )
    for change in comparison.of(Basis.GATE):
        if change.dimension is not None:
            yield _dimension(change, failed=failed)


def _dimension(change: Change, *, failed: bool) -> _Test:
    interval = f" ({signed(change.interval[0])} to {signed(change.interval[1])})" if change.interval else ""
    said = f"{figure(change.base)} → {figure(change.candidate)}, difference {signed(change.difference)}{interval}: {change.verdict.value}"
    return _Test(
        name=dimension_name(change.dimension),
        failure=said if failed and change.verdict is Verdict.REGRESSED else "",
        skipped=said if change.difference is None or change.verdict in UNDECIDED else "",
        details=said,
    )


def _case(case: str, comparison: Comparison, context: Context) -> Iterator[_Test]:
    sides = [{item.criterion.id: item for item in context.card(side).criteria if item.case == case} for side in SIDES]
    flips = {flip.criterion.id: flip for flip in comparison.flips if flip.case == case}
    musts = {must.criterion: must for must in comparison.musts if must.case == case}
    failing = {flip.criterion.id for flip in carriers(comparison) if flip.case == case}
    for criterion in sorted({*sides[0], *sides[1]}):
        flip, must = flips.get(criterion), musts.get(criterion)
        missing = _missing(case, sides[0].get(criterion), sides[1].get(criterion), context)
        if must or criterion in failing:
            yield _Test(name=criterion, failure=_failure(must, flip), details=_evidence(flip))
        elif missing:
            yield _Test(name=criterion, skipped=missing)
        else:
            yield _Test(name=criterion, details=f"{_moved(flip)}\n{_evidence(flip)}" if flip else "")


def _missing(case: str, base: CriterionLine | None, candidate: CriterionLine | None, context: Context) -> str:
    """Why a criterion is in no figure; empty where it is in one."""
    for name, item in zip(SIDES, (base, candidate), strict=True):
        if item is None:
            return f"not in the {name}"
        if not item.scored:
            reason = next(
                (
                    g.grade.reason
                    for g in context.grades(name, case, item.criterion.id)
                    if g.grade.status is Status.UNSCORED
                ),
                "",
            )
            return (
                f"unscored in the {name}: {reason or 'no reason given'}"
                if item.unscored
                else f"not applicable in the {name}"
            )
    return ""


def _failure(must: BrokenMust | None, flip: Flip | None) -> str:
    if must:
        return f"a must that the base always met fails in {must.fails} of {must.scored}"
    assert flip is not None
    return f"{share(flip.base)} → {share(flip.candidate)}, in what regressed"


def _moved(flip: Flip) -> str:
    why = "another kind of grader decided" if flip.kind_differs else "advisory, or in nothing that regressed"
    return f"moved {share(flip.base)} → {share(flip.candidate)} ({why})"


def _evidence(flip: Flip | None) -> str:
    """The quote and reason of each side."""
    parts = []
    for name in SIDES if flip else ():
        grade = speaking(flip, name) if flip else None
        if grade is None:
            continue
        parts.append(f"{name}: {grade.status.value} by {grade.grader}: {grade.reason[:QUOTE]}")
        for evidence in grade.evidence[:1]:
            parts += [f"  line {evidence.line}:" if evidence.line else "  transcript:"]
            parts += [f"    {row}" for row in evidence.quote[:QUOTE].splitlines()]
    return "\n".join(parts)
