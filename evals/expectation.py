"""What is expected of one answer, and in what it falls short: by the record, by least scores, by completeness.

Nothing that a judge without a licence decided can make an answer fall short; it is shown as advice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evals.case import Case, Suite
from evals.graded_answer import GradedAnswer, described
from evals.report.safe import plain
from evals.scorecard import Scorecard
from evals.trial import Trial
from graders.criterion import Criterion, Dimension, Grade, Kind, Status


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What an answer is held against."""

    record: Mapping[str, Grade] | None
    """What counted of each criterion when the same answer was graded for the committed scorecard; None without one."""
    minimum: Mapping[Dimension, float]
    unscored_limit: float
    """Share of criteria that nobody may decide (0 to 1)."""
    licensed: tuple[Dimension, ...]
    """Where the judge may fail a build."""


def least(suite: Suite, case: Case) -> dict[Dimension, float]:
    """The least scores of an answer to a case: the suite's where the case has criteria, overridden by the case's own."""
    asked = {criterion.dimension for criterion in case.criteria}
    return {d: score for d, score in suite.minimum if d in asked} | dict(case.minimum)


def on_record(card: Scorecard, trial: Trial) -> dict[str, Grade] | None:
    """What counted on this trial's answer; None where the card has no such answer."""
    found = {
        line.grade.criterion: line.grade
        for line in card.grades
        if line.prevails and (line.case, line.repeat) == (trial.case.id, trial.repeat)
    }
    return found or None


def stale(card: Scorecard, trial: Trial) -> str:
    """Why a scorecard says nothing of this trial any more; empty when it does."""
    cases = {case: digest for case, _, digest in card.header.cases}
    if cases.get(trial.case.id, trial.case.digest) != trial.case.digest:
        return "the scorecard on record is of another content of this case; run `evals run` and commit what it writes"
    if card.header.persona_digest != trial.persona.digest:
        return "the scorecard on record is of another text of this revision; put the revision back, or add a new one"
    return ""


def shortfalls(answer: GradedAnswer, expected: Expectation) -> tuple[str, ...]:
    """Everything in which an answer falls short of what is expected, each with its evidence; empty when all is well."""
    firm = _Firm(answer, expected.licensed)
    return (
        *_lost(answer, firm, expected.record),
        *_below(answer, firm, expected.minimum),
        *_undecided(answer, expected.unscored_limit),
    )


def advice(answer: GradedAnswer, expected: Expectation) -> tuple[str, ...]:
    """What a judge without a licence says against the answer."""
    firm = _Firm(answer, expected.licensed)
    return tuple(described(grade) for grade in answer.failed if not firm(grade))


class _Firm:
    """Whether a grade may fail a build."""

    def __init__(self, answer: GradedAnswer, licensed: tuple[Dimension, ...]) -> None:
        self._dimension = {c.id: c.dimension for c in answer.case.criteria}
        self._licensed = licensed

    def __call__(self, grade: Grade) -> bool:
        return grade.kind is not Kind.JUDGE or self._dimension[grade.criterion] in self._licensed


def _lost(answer: GradedAnswer, firm: _Firm, record: Mapping[str, Grade] | None) -> Iterator[str]:
    """What passed on record and does not pass now; without a record every failed `must`."""
    for criterion in answer.case.criteria:
        now = answer.counting[criterion.id]
        if record is None:
            if criterion.must and now.status is Status.FAIL and firm(now):
                yield _told(criterion, now, "a must that fails")
            continue
        before = record.get(criterion.id)
        if before is None or before.status is not Status.PASS or not firm(before):
            continue
        if now.status is Status.UNSCORED or (now.status is Status.FAIL and firm(now)):
            yield _told(criterion, now, f"passed on record (by {before.grader})")


def _below(answer: GradedAnswer, firm: _Firm, minimum: Mapping[Dimension, float]) -> Iterator[str]:
    for dimension, wanted in minimum.items():
        score = answer.score(dimension, firm)
        name = dimension.value
        if score is None:
            yield f"{name} must be at least {wanted:g}, and nothing in it was decided by a grader that may fail a build"
        elif score < wanted - 1e-9:
            mine = [c for c in answer.case.criteria if c.dimension is dimension]
            against = [c for c in mine if answer.counting[c.id].status is Status.FAIL and firm(answer.counting[c.id])]
            told = "\n".join(_told(c, answer.counting[c.id], "counts against it") for c in against)
            yield f"{name} {score:.2f} is below the least score {wanted:g}\n{told}".rstrip()


def _undecided(answer: GradedAnswer, limit: float) -> Iterator[str]:
    count, total = len(answer.unscored), len(answer.case.criteria)
    if count / total > limit:
        told = "\n".join(f"    {described(grade)}" for grade in answer.unscored)
        yield f"incomplete: {count} of {total} criteria were decided by nobody (limit {100 * limit:g} %)\n{told}"


def _told(criterion: Criterion, grade: Grade, why: str) -> str:
    """A criterion, why it is told, and the quotes with their lines."""
    head = f"{criterion.id} ({criterion.dimension.value}, {criterion.points} points): {why}"
    lines = [
        plain(head, 200),
        f"    {plain(criterion.statement, 400)}",
        f"    now {grade.status.value} by {plain(grade.grader, 120)}: {plain(grade.reason, 400)}",
        *(f"    {plain(evidence.cited, 300)}" for evidence in grade.evidence[:5]),
    ]
    return "\n".join(lines)
