"""What is decided from a test: the verdict of one score, of a family of scores, and of a gate that looks more than once.

Pure rules, so that the simulation of the gate's error rates runs these very lines. Here: the rules. Not here: how the
figures are computed (`statistics`), how scorecards become figures (`compare`), or how answers are drawn.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from evals.case import Margins
from evals.comparison import Verdict

if TYPE_CHECKING:
    from evals.statistics.family import Shift

ALPHA = 0.05
"""One-sided error rate of a gate: how often it may call an unchanged persona regressed."""
LOOKS = (2, 3, 5, 8)
"""Repeats of the candidate at which a sequential gate looks."""
SHOWN = frozenset({Verdict.NOT_WORSE, Verdict.IMPROVED})
"""Verdicts that rule a loss beyond the margin out."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How sure one look must be."""

    level: float = ALPHA
    """The adjusted p at or below which a score has moved."""
    strict: bool = False
    """Whether a loss must be ruled out with 97.5 % instead of 95 % confidence: several looks are several chances."""


FINAL = Rule()


def score_verdict(shift: Shift | None, margin: float, rule: Rule = FINAL) -> Verdict:
    """The verdict on one score of the family.

    Regressed: the adjusted p is at or below the level, and the guard with unpooled variances at or below alpha. Not
    worse: the lower bound is above -margin (non-inferiority: ICH E9, 1998, 3.3.2). Improved: not worse, and better by
    the same two tests.
    """
    if shift is None:
        return Verdict.TOO_LITTLE_SCORED
    if shift.p_worse <= rule.level and shift.guard_worse <= ALPHA:
        return Verdict.REGRESSED
    if (shift.strict_low if rule.strict else shift.interval[0]) <= -margin:
        return Verdict.INCONCLUSIVE
    better = shift.p_better <= rule.level and shift.guard_better <= ALPHA
    return Verdict.IMPROVED if better else Verdict.NOT_WORSE


def family_verdict(verdicts: Collection[Verdict]) -> Verdict:
    """The verdict on all scores together.

    One regressed score is enough. Not worse is claimed only when every score shows it, so that no gain pays for a loss
    that could not be ruled out; as all must show it, none needs an adjusted bound (Berger, Technometrics 24, 1982).
    """
    if not verdicts:
        return Verdict.TOO_LITTLE_SCORED
    if Verdict.REGRESSED in verdicts:
        return Verdict.REGRESSED
    if SHOWN.issuperset(verdicts):
        return Verdict.IMPROVED if Verdict.IMPROVED in verdicts else Verdict.NOT_WORSE
    return Verdict.INCONCLUSIVE


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How a sequential gate draws repeats of the candidate against a baseline that lies there."""

    baseline: int
    """Repeats per case of the baseline."""
    looks: tuple[int, ...] = LOOKS
    """Repeats per case of the candidate at each look, rising."""
    alpha: float = ALPHA
    """Error rate of all looks together."""
    margins: Margins = field(default_factory=Margins)

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """The p at or below which each look raises the alarm."""
        from evals.statistics.looks import nominal_levels

        return nominal_levels(self.baseline, self.looks, self.alpha)

    def rule(self, look: int) -> Rule:
        """How sure the gate must be at a look (0-based)."""
        return Rule(level=self.levels[look], strict=look < len(self.looks) - 1)

    def stops(self, look: int, verdict: Verdict) -> bool:
        """Whether a verdict at a look (0-based) is final.

        An alarm stops at any look, and so does what more answers cannot mend. Not worse stops from the second look on:
        the first has too few answers for a bound to be trusted. At the last look whatever there is is final.
        """
        if look == len(self.looks) - 1 or verdict in (Verdict.REGRESSED, Verdict.NOT_COMPARABLE):
            return True
        return look > 0 and verdict in SHOWN

    def decide(self, look: int, shifts: Sequence[Shift | None]) -> Verdict | None:
        """The verdict of figures alone (overall first, then the dimensions) at a look, or None to draw on."""
        rule = self.rule(look)
        verdict = family_verdict(
            [
                score_verdict(shift, self.margins.dimension if number else self.margins.overall, rule)
                for number, shift in enumerate(shifts)
            ]
        )
        return verdict if self.stops(look, verdict) else None
