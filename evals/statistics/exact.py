"""The exact conditional test of one pass-or-fail criterion over several cases. No randomness, no approximation.

Here: the test. Not here: scores that are not simply passed or failed (`family`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb


@dataclass(frozen=True, kw_only=True)
class Table:
    """One case: how often each side passed."""

    base_passes: int
    base_scored: int
    candidate_passes: int
    candidate_scored: int


@dataclass(frozen=True, kw_only=True)
class ExactTest:
    """One-sided p-values, 0 to 1. The mid-p ones count the observed outcome half: less conservative, and no longer a
    guarantee, though in simulation they stay below their level (docs/statistics.md)."""

    p_worse: float
    p_better: float
    mid_p_worse: float
    mid_p_better: float


def exact_test(tables: Sequence[Table]) -> ExactTest:
    """Is the candidate's pass rate below (above) the base's, within cases?

    Given each case's total of passes, the candidate's passes are hypergeometric when nothing changed; their sum over
    cases has the convolution of these as its distribution (the exact form of the Cochran-Mantel-Haenszel test: Mehta,
    Patel & Gray, JASA 80, 1985, 969-973; mid-p: Lancaster, JASA 56, 1961, 223-234). The sum is what is compared, so
    cases with more repeats weigh more. Misleads where the candidate is only more erratic at an equal mean and the base
    has many more repeats: see the guard in `family`.

    >>> exact_test([Table(base_passes=3, base_scored=3, candidate_passes=0, candidate_scored=3)]).p_worse
    0.05
    """
    counts, observed = [1], 0
    for table in tables:
        total, drawn = table.base_passes + table.candidate_passes, table.candidate_scored
        missed = table.base_scored + drawn - total
        ways = [comb(total, passes) * comb(missed, drawn - passes) for passes in range(min(total, drawn) + 1)]
        counts = _convolved(counts, ways)
        observed += table.candidate_passes
    everything = sum(counts)
    at = counts[observed] / everything
    worse = sum(counts[: observed + 1]) / everything
    better = sum(counts[observed:]) / everything
    return ExactTest(p_worse=worse, p_better=better, mid_p_worse=worse - at / 2, mid_p_better=better - at / 2)


def _convolved(one: list[int], two: list[int]) -> list[int]:
    """In whole numbers, so that nothing is rounded before the last division."""
    result = [0] * (len(one) + len(two) - 1)
    for i, a in enumerate(one):
        for j, b in enumerate(two):
            result[i + j] += a * b
    return result
