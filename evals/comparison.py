"""A comparison: two scorecards set against each other, and what may be concluded from them.

Here: the values that every report draws. Not here: how they are computed (`compare`), or an exit code (`gate`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evals.scorecard import GradeLine, Header
from graders.criterion import Criterion, Dimension, Kind


class Verdict(StrEnum):
    """What may be said of a change. Not being able to tell is a verdict of its own, never `unchanged`."""

    IMPROVED = "improved"
    NOT_WORSE = "not worse"
    INCONCLUSIVE = "inconclusive"
    REGRESSED = "regressed"
    TOO_LITTLE_SCORED = "too little scored"
    NOT_COMPARABLE = "not comparable"


class Basis(StrEnum):
    """Which grades a figure rests on."""

    GATE = "gate"
    """Grades by execution, by rule, and by a judge with a valid licence: these may fail a build."""
    ALL = "all"
    """Every grade that counts in the scorecard, an unlicensed judge's included: shown as advisory."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """How one score moved: of a dimension, or overall (inside the family of tests only, never as a headline)."""

    dimension: Dimension | None
    """None is the overall mean."""
    basis: Basis
    base: float | None
    candidate: float | None
    difference: float | None
    """candidate - base, -1 to 1; None where either side has no score."""
    interval: tuple[float, float] | None
    """Two-sided 90 % interval of the difference for these very cases (its lower end is the one-sided 95 % bound)."""
    p_worse: float | None
    """One-sided p of "the candidate is worse", adjusted over the family by max-T."""
    p_better: float | None
    margin: float
    """Largest loss that still counts as not worse, 0 to 1."""
    verdict: Verdict
    decided_by: tuple[tuple[Kind, int], ...]
    """How many grades of both sides each kind of grader decided."""
    detectable: float | None = None
    """Smallest drop that this design finds with 80 % power at 5 %; None where the variance is unknown."""
    wider: tuple[float, float] | None = None
    """90 % interval of the difference for cases like these, each family one observation; None with one family."""
    cases: int = 0
    """Cases in which both sides have this score."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One criterion on one side of a comparison."""

    passes: int
    scored: int
    repeats: int
    grades: tuple[GradeLine, ...]
    """The grades that count, one per repeat, in order."""


ENOUGH = 3
"""Repeats a side below which no criterion is called flipped or moved: fewer say nothing."""


def whole_flip(high: Side, low: Side) -> bool:
    """At least 0.8 of the repeats passed on one side and at most 0.2 on the other, every repeat scored."""
    scored = high.scored == high.repeats >= ENOUGH and low.scored == low.repeats >= ENOUGH
    return scored and 5 * high.passes >= 4 * high.repeats and 5 * low.passes <= low.repeats


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A criterion that moved far enough to be worth reading."""

    case: str
    criterion: Criterion
    base: Side
    candidate: Side
    kind_differs: bool
    """Different kinds of grader decided on the two sides: set apart, never counted as a change."""

    @property
    def worse(self) -> bool:
        """Whether the candidate passes a smaller share."""
        return self.candidate.passes * self.base.scored < self.base.passes * self.candidate.scored

    @property
    def whole(self) -> bool:
        """Whether it went from (nearly) always to (nearly) never or back, every repeat scored; else it only moved."""
        return whole_flip(self.base, self.candidate) or whole_flip(self.candidate, self.base)


@dataclass(frozen=True, kw_only=True)
class BrokenMust:
    """A `must` that the base always met and the candidate failed: a regression by itself."""

    case: str
    criterion: str
    fails: int
    scored: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something besides the persona in which two scorecards differ."""

    what: str
    """`suite`, `case version`, `model`, `recording set`, `judge`, `judge context`, `licence`, `grader version`,
    `isolation`, or `execution` (code ran on one side only)."""
    base: str
    candidate: str
    allowed: bool
    """Whether the user said that this difference is meant."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two scorecards, what moved between them, and the verdict with its reason."""

    base: Header
    candidate: Header
    changes: tuple[Change, ...]
    """For each basis: overall first, then the dimensions in their fixed order."""
    flips: tuple[Flip, ...]
    """Moved criteria, worst first; see `Flip`."""
    musts: tuple[BrokenMust, ...]
    only_base: tuple[str, ...]
    """Cases that only the base has; they are in no figure."""
    only_candidate: tuple[str, ...]
    differences: tuple[Difference, ...]
    verdict: Verdict
    sentence: str
    """The verdict in one sentence: which rule fired, with number, interval and count. Every report prints this one."""
    set_apart: tuple[tuple[str, str], ...] = ()
    """(case, criterion) that different kinds of grader decided on the two sides; they are in no figure."""
    compared: int = 0
    """Criteria that both sides have."""
    may_gate: int = 0
    """How many of them count in the gate."""

    def of(self, basis: Basis) -> tuple[Change, ...]:
        """The changes that rest on one basis."""
        return tuple(change for change in self.changes if change.basis is basis)
