"""What two scorecards have in common, criterion by criterion, and which of it counts on which basis.

Here: pairing and counting. Not here: tests, verdicts, or whether the two may be compared at all (`comparability`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from evals.comparison import Basis, Side
from evals.scorecard import GradeLine, Scorecard
from evals.scores import trial_score
from graders.criterion import TRUST, Criterion, Dimension, Grade, Kind, Status

Scores = list[list[list[float | None]]]
"""For each case, each repeat, each score: overall first, then the dimensions asked for."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One criterion that both sides have."""

    case: str
    criterion: Criterion
    base: Side
    candidate: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.base, self.candidate

    @property
    def kind_differs(self) -> bool:
        """Whether different kinds of grader decided on the two sides."""
        base, candidate = (
            {_process(self.criterion, line.grade) for line in side.grades if line.grade.decided} for side in self.sides
        )
        return base != candidate


def _process(criterion: Criterion, grade: Grade) -> Kind:
    """The kind of grader behind a grade. A veto can only fail, so a veto and the judge behind it are one process."""
    vetoed = grade.kind is Kind.RULE and any(ref.veto for ref in criterion.graders)
    return Kind.JUDGE if vetoed else grade.kind


def side_of(lines: Sequence[GradeLine]) -> Side:
    """One criterion on one side, from its prevailing grades."""
    statuses = Counter(line.grade.status for line in lines)
    passes = statuses[Status.PASS]
    return Side(passes=passes, scored=passes + statuses[Status.FAIL], repeats=len(lines), grades=tuple(lines))


def pair_up(base: Scorecard, candidate: Scorecard) -> list[Pair]:
    """Every criterion that both have, in the candidate's order and with the candidate's points."""
    sides = [_by_criterion(card) for card in (base, candidate)]
    known = {(line.case, line.criterion.id) for line in base.criteria}
    return [
        Pair(
            case=line.case,
            criterion=line.criterion,
            base=side_of(sides[0].get((line.case, line.criterion.id), [])),
            candidate=side_of(sides[1].get((line.case, line.criterion.id), [])),
        )
        for line in candidate.criteria
        if (line.case, line.criterion.id) in known
    ]


def _by_criterion(card: Scorecard) -> dict[tuple[str, str], list[GradeLine]]:
    found: dict[tuple[str, str], list[GradeLine]] = {}
    for line in sorted(card.grades, key=lambda line: line.repeat):
        if line.prevails:
            found.setdefault((line.case, line.grade.criterion), []).append(line)
    return found


def on_basis(pairs: Sequence[Pair], basis: Basis, licensed: Collection[Dimension]) -> list[Pair]:
    """The pairs with only the grades that count on a basis."""
    return [_gated(pair, licensed) for pair in pairs] if basis is Basis.GATE else list(pairs)


def _gated(pair: Pair, licensed: Collection[Dimension]) -> Pair:
    """Grades that may fail a build: by execution, by rules that can pass too, by a judge with a licence."""
    judge_may = pair.criterion.dimension in licensed

    def kept(side: Side) -> Side:
        return side_of(
            [line for line in side.grades if judge_may or _process(pair.criterion, line.grade) is not Kind.JUDGE]
        )

    return replace(pair, base=kept(pair.base), candidate=kept(pair.candidate))


def gate_relevant(pairs: Sequence[Pair], licensed: Collection[Dimension], cards: Sequence[Scorecard]) -> list[Pair]:
    """The pairs that a grader which may gate was asked about, on either side, whether or not it could decide."""
    asked: dict[tuple[str, str], list[Grade]] = {}
    for line in (line for card in cards for line in card.grades if line.grade.grader != "none"):
        asked.setdefault((line.case, line.grade.criterion), []).append(line.grade)
    return [
        pair
        for pair in pairs
        if pair.criterion.dimension in licensed
        or any(
            _process(pair.criterion, grade) is not Kind.JUDGE for grade in asked.get((pair.case, pair.criterion.id), ())
        )
    ]


def unscored_share(pairs: Sequence[Pair]) -> float:
    """Share of (answer, criterion) that no listed grader decided, of the side where it is larger."""
    shares = []
    for number in (0, 1):
        statuses = [line.grade.status for pair in pairs for line in pair.sides[number].grades]
        shares.append(statuses.count(Status.UNSCORED) / len(statuses) if statuses else 0.0)
    return max(shares)


def alike(pairs: Sequence[Pair]) -> list[Pair]:
    """Those that the same kinds of grader decided on both sides, with a pass or a fail on each."""
    return [pair for pair in pairs if not pair.kind_differs and pair.base.scored and pair.candidate.scored]


def score_rows(
    pairs: Sequence[Pair], repeats: dict[str, tuple[list[int], list[int]]], dimensions: Sequence[Dimension]
) -> tuple[Scores, Scores]:
    """The scores of every answer on either side, with the arithmetic of the scorecard."""
    base, candidate = (
        [
            list(_rows([pair for pair in pairs if pair.case == case], number, both[number], dimensions))
            for case, both in repeats.items()
        ]
        for number in (0, 1)
    )
    return base, candidate


def _rows(
    pairs: Sequence[Pair], side: int, repeats: Sequence[int], dimensions: Sequence[Dimension]
) -> Iterator[list[float | None]]:
    statuses = {
        (pair.criterion.id, line.repeat): line.grade.status for pair in pairs for line in pair.sides[side].grades
    }
    for repeat in repeats:
        outcomes = [(p.criterion, statuses.get((p.criterion.id, repeat), Status.UNSCORED)) for p in pairs]
        yield [
            trial_score(outcomes),
            *(trial_score((c, status) for c, status in outcomes if c.dimension is d) for d in dimensions),
        ]


def repeats_of(base: Scorecard, candidate: Scorecard) -> dict[str, tuple[list[int], list[int]]]:
    """The repeats of either side, for each case that both have answers to, in order."""
    found = [_repeats(card) for card in (base, candidate)]
    return {case: (sorted(found[0][case]), sorted(found[1][case])) for case in sorted(set(found[0]) & set(found[1]))}


def _repeats(card: Scorecard) -> dict[str, set[int]]:
    repeats: dict[str, set[int]] = {}
    for line in card.grades:
        repeats.setdefault(line.case, set()).add(line.repeat)
    return repeats


def count_kinds(pairs: Sequence[Pair]) -> tuple[tuple[Kind, int], ...]:
    """How many grades of both sides each kind of grader decided."""
    counted = Counter(
        line.grade.kind for pair in pairs for side in pair.sides for line in side.grades if line.grade.decided
    )
    return tuple((kind, counted[kind]) for kind in TRUST if counted[kind])
