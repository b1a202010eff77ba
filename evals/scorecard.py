"""A scorecard: all grades of one revision over one suite, and their tally.

Here: the values. Not here: counting (`tally`), the arithmetic of scores (`scores`), files, tables, comparisons.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from evals.canonical import digest
from graders.criterion import Criterion, Dimension, Grade, Kind, Status

NOT_STATED = "not stated"
UNSTATED_LABEL = "claude (imported, version not stated)"
NOT_PASSED_SHOWN = 2_000
"""So many grades that are no pass a report lists; the file of the grades holds every one."""


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
class Highlights:
    """What reports show of many grades."""

    not_passed: tuple[GradeLine, ...] = ()
    """Prevailing grades that are no pass, by case, criterion and repeat: the first `NOT_PASSED_SHOWN`."""
    more: int = 0
    """How many there are beside those."""
    unanimous: int = 0
    panels: int = 0
    """Questions that a panel of judges was asked, and on how many of them its votes were all equal."""


class Highlighter:
    """Gathers highlights grade by grade, and holds no more than they show."""

    def __init__(self) -> None:
        self._first: list[tuple[_Last, GradeLine]] = []
        self._seen = self._unanimous = self._panels = 0

    def add(self, line: GradeLine) -> None:
        votes = line.grade.votes
        if votes:
            self._panels += 1
            self._unanimous += len(set(votes)) == 1
        if line.prevails and line.grade.status is not Status.PASS:
            self._seen += 1
            entry = _Last((line.case, line.grade.criterion, line.repeat, self._seen)), line
            (heapq.heappush if len(self._first) < NOT_PASSED_SHOWN else heapq.heappushpop)(self._first, entry)

    @property
    def highlights(self) -> Highlights:
        """What was gathered so far."""
        shown = sorted(self._first, key=lambda entry: entry[0].place)
        return Highlights(
            not_passed=tuple(line for _, line in shown),
            more=self._seen - len(shown),
            unanimous=self._unanimous,
            panels=self._panels,
        )


@dataclass(frozen=True, slots=True)
class _Last:
    """A place that counts as smaller the later it is, so that the heap gives up the last one first."""

    place: tuple[str, str, int, int]

    def __lt__(self, other: _Last) -> bool:
        return self.place > other.place


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
    """All of them; none while a run writes them to their file, and then `kept` holds what its reports show."""
    kept: Highlights | None = None

    @property
    def highlights(self) -> Highlights:
        """What reports show of the grades."""
        if self.kept:
            return self.kept
        found = Highlighter()
        for line in self.grades:
            found.add(line)
        return found.highlights

    @property
    def unscored_share(self) -> float:
        """Share of (answer, criterion) pairs that no grader decided."""
        asked = sum(line.repeats for line in self.criteria)
        return sum(line.unscored for line in self.criteria) / asked if asked else 0.0

    def dimension(self, dimension: Dimension) -> DimensionLine | None:
        return next((line for line in self.dimensions if line.dimension is dimension), None)


def answer_digest(text: str) -> str:
    """How grades name the answer that they are about."""
    return digest(text)[:16]
