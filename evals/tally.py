"""From graded answers to a scorecard: counting, one answer after the other.

Here: the tally. Not here: what a scorecard holds (`scorecard`), or the arithmetic of scores (`scores`).
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from evals.case import Case, Suite
from evals.exchange import UNSTATED, Response
from evals.persona import Persona
from evals.run import Graded
from evals.scorecard import (
    NOT_STATED,
    UNSTATED_LABEL,
    CriterionLine,
    DimensionLine,
    GradeLine,
    Header,
    Scorecard,
    answer_digest,
)
from evals.scores import mean_of_means, trial_score
from evals.statistics.intervals import fixed_suite_interval
from graders.criterion import TRUST, Criterion, Dimension, Grade, Kind, Sort, Status, prevailing


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
    counted = Tally(suite, persona)
    lines = [line for item in graded for line in counted.add(item)]
    card = counted.card(judge_model=judge_model, judge_context=judge_context, licensed=licensed)
    return replace(card, grades=tuple(lines))


class Tally:
    """Counts graded answers one by one: of an answer a few numbers stay, no text and no grade."""

    def __init__(self, suite: Suite, persona: Persona) -> None:
        self._suite = suite
        self._persona = persona
        self._criteria: defaultdict[tuple[str, str], _Counts] = defaultdict(_Counts)
        self._scores: dict[_Part, dict[str, array[float]]] = {}
        self._parts: dict[str, dict[_Part, tuple[Criterion, ...]]] = {}
        self._repeats = 0
        self._models: set[str] = set()
        self._sets: set[str] = set()
        self._judges: set[str] = set()
        self._versions: set[tuple[str, str]] = set()

    def add(self, item: Graded) -> tuple[GradeLine, ...]:
        """Count one answer; its grades as lines."""
        case = item.trial.case
        counting = _prevailing(item)
        self._repeats = max(self._repeats, item.trial.repeat)
        for criterion in case.criteria:
            self._criteria[case.id, criterion.id].add(counting[criterion.id])
        if case.id not in self._parts:
            self._parts[case.id] = _parts(case)
        for part, kept in self._parts[case.id].items():
            score = trial_score((c, counting[c.id].status) for c in kept)
            if score is not None:
                self._scores.setdefault(part, {}).setdefault(case.id, array("d")).append(score)
        lines = tuple(_grade_lines(item, counting))
        self._note(item.response, lines)
        return lines

    def _note(self, response: Response | None, lines: Sequence[GradeLine]) -> None:
        """Keep who answered and who graded."""
        if response:
            kind = response.provenance.kind
            self._models.add(response.model or (UNSTATED_LABEL if kind == "imported" else kind))
            if response.provenance.recording_set:
                self._sets.add(response.provenance.recording_set)
        for line in lines:
            judge = line.grade.kind is Kind.JUDGE
            self._versions.add(("judge" if judge else line.grade.grader, line.grade.version))
            if judge:
                self._judges.add(UNSTATED_LABEL if line.grade.grader == UNSTATED else line.grade.grader)

    def card(
        self, *, judge_model: str, judge_context: str = NOT_STATED, licensed: tuple[Dimension, ...] = ()
    ) -> Scorecard:
        """The scorecard of what was counted, without the grades."""
        cases = [case for case in self._suite.cases if case.id in self._parts]
        criteria = tuple(
            self._criteria[case.id, criterion.id].line(case, criterion) for case in cases for criterion in case.criteria
        )
        dimensions = tuple(
            self._dimension(dimension, cases, [line for line in criteria if line.criterion.dimension is dimension])
            for dimension in Dimension
            if any(line.criterion.dimension is dimension for line in criteria)
        )
        header = Header(
            suite=self._suite.id,
            persona=self._persona.name,
            revision=self._persona.revision,
            persona_digest=self._persona.digest,
            model=", ".join(sorted(self._models)) or "none",
            judge=", ".join(sorted(self._judges)) or judge_model,
            judge_context=judge_context,
            recording_set=", ".join(sorted(self._sets)) or None,
            repeats=self._repeats,
            cases=tuple((case.id, case.version, case.digest) for case in cases),
            graders=tuple(sorted(self._versions)),
            licensed=licensed,
        )
        return Scorecard(header=header, criteria=criteria, dimensions=dimensions, grades=())

    def _dimension(self, dimension: Dimension, cases: Sequence[Case], lines: Sequence[CriterionLine]) -> DimensionLine:
        whole, firm = (self._scores.get((dimension, each), {}) for each in (False, True))
        scores = [whole[case.id] for case in cases if case.id in whole]
        kinds: Counter[Kind] = Counter()
        for line in lines:
            kinds.update(dict(line.decided_by))
        return DimensionLine(
            dimension=dimension,
            score=mean_of_means(scores),
            interval=fixed_suite_interval(scores) if scores else None,
            without_promises=mean_of_means([firm[case.id] for case in cases if case.id in firm]),
            cases=len(scores),
            scored=sum(line.scored for line in lines),
            unscored=sum(line.unscored for line in lines),
            not_applicable=sum(line.not_applicable for line in lines),
            decided_by=tuple((kind, kinds[kind]) for kind in TRUST if kinds[kind]),
        )


class _Counts:
    """What was decided of one criterion so far."""

    def __init__(self) -> None:
        self._statuses: Counter[Status] = Counter()
        self._kinds: Counter[Kind] = Counter()

    def add(self, grade: Grade) -> None:
        self._statuses[grade.status] += 1
        if grade.decided:
            self._kinds[grade.kind] += 1

    def line(self, case: Case, criterion: Criterion) -> CriterionLine:
        counted = self._statuses
        executable = any(ref.kind is Kind.EXECUTION for ref in criterion.graders)
        return CriterionLine(
            case=case.id,
            criterion=criterion,
            passes=counted[Status.PASS],
            fails=counted[Status.FAIL],
            not_applicable=counted[Status.NOT_APPLICABLE],
            unscored=counted[Status.UNSCORED],
            decided_by=tuple((kind, self._kinds[kind]) for kind in TRUST if self._kinds[kind]),
            executable=counted.total() if executable else 0,
        )


_Part = tuple[Dimension, bool]
"""A dimension, whole or (True) without promises."""


def _parts(case: Case) -> dict[_Part, tuple[Criterion, ...]]:
    """The criteria of each part of a case."""
    parts: dict[_Part, tuple[Criterion, ...]] = {}
    for criterion in case.criteria:
        for firm in (False, True) if criterion.sort is not Sort.PROMISE else (False,):
            key = criterion.dimension, firm
            parts[key] = (*parts.get(key, ()), criterion)
    return parts


def _prevailing(item: Graded) -> dict[str, Grade]:
    by_criterion: dict[str, list[Grade]] = {criterion.id: [] for criterion in item.trial.case.criteria}
    for grade in item.grades:
        by_criterion[grade.criterion].append(grade)
    return {name: prevailing(tuple(grades)) or _ungraded(name, item.failure) for name, grades in by_criterion.items()}


def _ungraded(criterion: str, failure: str) -> Grade:
    return Grade(
        criterion=criterion,
        status=Status.UNSCORED,
        kind=Kind.RULE,
        grader="none",
        version="-",
        reason=failure or "no grader",
    )


def _grade_lines(item: Graded, counting: Mapping[str, Grade]) -> Iterable[GradeLine]:
    answer = answer_digest(item.response.text) if item.response else ""
    for grade in item.grades or tuple(counting.values()):
        yield GradeLine(
            case=item.trial.case.id,
            repeat=item.trial.repeat,
            answer=answer,
            grade=grade,
            prevails=counting[grade.criterion] is grade,
        )
