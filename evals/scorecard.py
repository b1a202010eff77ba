"""A scorecard: all grades of one revision over one suite, and their tally.

Here: the values and the tally. Not here: the arithmetic of scores (`scores`), files, tables, comparisons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from evals.canonical import digest
from evals.case import Case, Suite
from evals.exchange import UNSTATED
from evals.persona import Persona
from evals.run import Graded
from evals.scores import Outcomes, case_scores, mean_of_means
from evals.statistics.intervals import fixed_suite_interval
from graders.criterion import TRUST, Criterion, Dimension, Grade, Kind, Sort, Status, prevailing

NOT_STATED = "not stated"
UNSTATED_LABEL = "claude (imported, version not stated)"


@dataclass(frozen=True, kw_only=True)
class GradeLine:
    """One grade of one grader on one answer."""

    case: str
    repeat: int
    answer: str
    """Digest of the answer's text."""
    grade: Grade
    prevails: bool
    """Whether this is the grade that counts: the most trusted one that could decide."""


@dataclass(frozen=True, kw_only=True)
class CriterionLine:
    """One criterion over all repeats."""

    case: str
    criterion: Criterion
    passes: int
    fails: int
    not_applicable: int
    unscored: int
    decided_by: tuple[tuple[Kind, int], ...]
    executable: int = 0
    """Repeats in which attacks may decide; of those, `decided_by` says how many they decided."""

    @property
    def scored(self) -> int:
        return self.passes + self.fails

    @property
    def repeats(self) -> int:
        return self.scored + self.not_applicable + self.unscored

    @property
    def rate(self) -> float | None:
        """Share of scored repeats that passed (for a harm: in which it was not done); None when none was scored."""
        return self.passes / self.scored if self.scored else None


@dataclass(frozen=True, kw_only=True)
class DimensionLine:
    """One dimension over all cases that have criteria in it."""

    dimension: Dimension
    score: float | None
    interval: tuple[float, float] | None
    """95 % interval for this suite asked again."""
    without_promises: float | None
    """The score over tripwire and depth criteria alone."""
    cases: int
    scored: int
    unscored: int
    not_applicable: int
    decided_by: tuple[tuple[Kind, int], ...]


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a scorecard is about, and everything that its scores depend on."""

    suite: str
    persona: str
    revision: str
    persona_digest: str
    model: str
    """As the API named it; `claude (imported, version not stated)` for imports that do not say."""
    judge: str
    judge_context: str
    """`alone`, `shared-by-answer`, or `not stated`."""
    recording_set: str | None
    repeats: int
    cases: tuple[tuple[str, int, str], ...]
    """(id, version, digest)."""
    graders: tuple[tuple[str, str], ...]
    """(grader, version)."""
    licensed: tuple[Dimension, ...] = ()
    """Dimensions in which the judge has a valid licence; elsewhere its grades are advisory."""
    isolation: str | None = None
    """What answers' code was kept from when it ran; None where none ran."""
    provider: str | None = None
    """Name, version and origin of a provider that `evals.toml` names; None for the built-in ones."""


@dataclass(frozen=True, kw_only=True)
class Scorecard:
    """All grades of one revision over one suite, tallied."""

    header: Header
    criteria: tuple[CriterionLine, ...]
    dimensions: tuple[DimensionLine, ...]
    grades: tuple[GradeLine, ...]

    @property
    def unscored_share(self) -> float:
        """Share of (answer, criterion) pairs that no grader decided."""
        asked = sum(line.repeats for line in self.criteria)
        return sum(line.unscored for line in self.criteria) / asked if asked else 0.0

    def dimension(self, dimension: Dimension) -> DimensionLine | None:
        return next((line for line in self.dimensions if line.dimension is dimension), None)


def tally(
    suite: Suite,
    persona: Persona,
    graded: Sequence[Graded],
    *,
    judge_model: str,
    judge_context: str = NOT_STATED,
    licensed: tuple[Dimension, ...] = (),
) -> Scorecard:
    """The scorecard of one revision from its graded answers. `licensed`: dimensions in which the judge may gate."""
    cases = [case for case in suite.cases if any(item.trial.case.id == case.id for item in graded)]
    outcomes: Outcomes = {
        case.id: [_prevailing(item) for item in graded if item.trial.case.id == case.id] for case in cases
    }
    criteria = tuple(
        _criterion_line(case, criterion, [grades[criterion.id] for grades in outcomes[case.id]])
        for case in cases
        for criterion in case.criteria
    )
    dimensions = tuple(
        _dimension_line(
            dimension, cases, outcomes, [line for line in criteria if line.criterion.dimension is dimension]
        )
        for dimension in Dimension
        if any(line.criterion.dimension is dimension for line in criteria)
    )
    lines = tuple(line for item in graded for line in _grade_lines(item))
    header = _header(suite, persona, graded, cases, lines, judge_model, judge_context)
    return Scorecard(
        header=replace(header, licensed=licensed),
        criteria=criteria,
        dimensions=dimensions,
        grades=lines,
    )


def _prevailing(item: Graded) -> dict[str, Grade]:
    return {
        c.id: prevailing(tuple(g for g in item.grades if g.criterion == c.id)) or _ungraded(c, item)
        for c in item.trial.case.criteria
    }


def _ungraded(criterion: Criterion, item: Graded) -> Grade:
    return Grade(
        criterion=criterion.id,
        status=Status.UNSCORED,
        kind=Kind.RULE,
        grader="none",
        version="-",
        reason=item.failure or "no grader",
    )


def _count_kinds(grades: Iterable[Grade]) -> tuple[tuple[Kind, int], ...]:
    counted = Counter(grade.kind for grade in grades if grade.decided)
    return tuple((kind, counted[kind]) for kind in TRUST if counted[kind])


def _criterion_line(case: Case, criterion: Criterion, grades: Sequence[Grade]) -> CriterionLine:
    counted = Counter(grade.status for grade in grades)
    return CriterionLine(
        case=case.id,
        criterion=criterion,
        passes=counted[Status.PASS],
        fails=counted[Status.FAIL],
        not_applicable=counted[Status.NOT_APPLICABLE],
        unscored=counted[Status.UNSCORED],
        decided_by=_count_kinds(grades),
        executable=len(grades) if any(ref.kind is Kind.EXECUTION for ref in criterion.graders) else 0,
    )


def _dimension_line(
    dimension: Dimension, cases: Sequence[Case], outcomes: Outcomes, lines: Sequence[CriterionLine]
) -> DimensionLine:
    scores = case_scores(cases, outcomes, lambda c: c.dimension is dimension)
    firm = case_scores(cases, outcomes, lambda c: c.dimension is dimension and c.sort is not Sort.PROMISE)
    kinds: Counter[Kind] = Counter()
    for line in lines:
        kinds.update(dict(line.decided_by))
    return DimensionLine(
        dimension=dimension,
        score=mean_of_means(scores),
        interval=fixed_suite_interval(scores) if scores else None,
        without_promises=mean_of_means(firm),
        cases=len(scores),
        scored=sum(line.scored for line in lines),
        unscored=sum(line.unscored for line in lines),
        not_applicable=sum(line.not_applicable for line in lines),
        decided_by=tuple((kind, kinds[kind]) for kind in TRUST if kinds[kind]),
    )


def answer_digest(text: str) -> str:
    """How grades name the answer that they are about."""
    return digest(text)[:16]


def _grade_lines(item: Graded) -> Iterable[GradeLine]:
    answer = answer_digest(item.response.text) if item.response else ""
    counting = _prevailing(item)
    grades = item.grades or tuple(counting.values())
    for grade in grades:
        yield GradeLine(
            case=item.trial.case.id,
            repeat=item.trial.repeat,
            answer=answer,
            grade=grade,
            prevails=counting[grade.criterion] is grade,
        )


def _header(
    suite: Suite,
    persona: Persona,
    graded: Sequence[Graded],
    cases: Sequence[Case],
    lines: Sequence[GradeLine],
    judge_model: str,
    judge_context: str,
) -> Header:
    responses = [item.response for item in graded if item.response]
    models = sorted(
        {r.model or (UNSTATED_LABEL if r.provenance.kind == "imported" else r.provenance.kind) for r in responses}
    )
    sets = sorted({r.provenance.recording_set for r in responses if r.provenance.recording_set})
    judges = sorted(
        {
            UNSTATED_LABEL if line.grade.grader == UNSTATED else line.grade.grader
            for line in lines
            if line.grade.kind is Kind.JUDGE
        }
    )
    versions = {
        (line.grade.grader if line.grade.kind is not Kind.JUDGE else "judge", line.grade.version) for line in lines
    }
    return Header(
        suite=suite.id,
        persona=persona.name,
        revision=persona.revision,
        persona_digest=persona.digest,
        model=", ".join(models) or "none",
        judge=", ".join(judges) or judge_model,
        judge_context=judge_context,
        recording_set=", ".join(sets) or None,
        repeats=max((item.trial.repeat for item in graded), default=0),
        cases=tuple((case.id, case.version, case.digest) for case in cases),
        graders=tuple(sorted(versions)),
    )
