"""Did any of a family of scores get worse (or better)? One test over all of them, by shuffling labels within cases.

Here: the test, its guard and the intervals, over many data sets of one design at once, so that a simulation of the
gate runs the gate's own arithmetic. Not here: what the scores are of, or what is decided from a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtrit

from evals.statistics.arrangements import Arrangements, Design, Floats, arrangements
from evals.statistics.differences import Differences, measure

TIE = 1e-9
"""Two statistics closer than this are equal: sums differ in their last digits from machine to machine."""
ONE_SIDED, STRICT = 0.95, 0.975
AT_ONCE = 4_000_000
"""Numbers held at once."""
PERMUTATIONS = 9_999

Scores = Sequence[Sequence[Sequence[float | None]]]
"""For each case, each repeat, each score of the family: 0 to 1, or None where it was not scored."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One score of the family."""

    difference: float
    """candidate - base: the mean over cases of the difference of the two means over scored repeats."""
    interval: tuple[float, float]
    """Two-sided 90 % interval of the difference for these very cases; each end is a one-sided 95 % bound."""
    strict_low: float
    """Lower one-sided 97.5 % bound, for looks that are not the last."""
    error: float
    """Standard error of the difference, each side with its own variance."""
    p_worse: float
    """One-sided, adjusted over the family by max-T."""
    p_better: float
    guard_worse: float
    """One-sided p of the difference with each side's own variance, not adjusted."""
    guard_better: float
    cases: int
    """Cases in which both sides have this score."""


def family_test(base: Scores, candidate: Scores, *, permutations: int = PERMUTATIONS) -> tuple[Shift | None, ...]:
    """The test of one comparison, for each score of the family; None where no case has the score on both sides.

    `base` and `candidate` hold the same cases in the same order, each with at least one repeat on either side.
    """
    design = Design(tuple(len(case) for case in base), tuple(len(case) for case in candidate))
    rows = [row for pair in zip(base, candidate, strict=True) for side in pair for row in side]
    return family_tests(np.array([rows], dtype=np.float64), design, permutations=permutations)[0]


def family_tests(values: Floats, design: Design, *, permutations: int = PERMUTATIONS) -> list[tuple[Shift | None, ...]]:
    """The test of many data sets of one design: `values` is data set × answer × score, NaN where unscored.

    Null hypothesis: within each case the labels mean nothing. Statistic of a score: its difference over the standard
    deviation of that difference under shuffling. Adjusted p of a score: the share of arrangements whose most extreme
    statistic over the family is at least as extreme as that score's (single-step max-T: Westfall & Young,
    Resampling-Based Multiple Testing, 1993, ch. 2; permutation within strata: Good, Permutation Tests, 2000, ch. 6).
    The guard asks the same of the difference over its error with unpooled variances: shuffling alone over-alarms when
    the candidate is only more erratic at an equal mean and the base has many more repeats (Romano, Annals of
    Statistics 18, 1990, 141-171, on what permutation tests of means assume).
    """
    measured = measure(values, design)
    p_worse, p_better = _adjusted(measured.contributions, design, arrangements(design, permutations))
    half, strict_half = (_half_width(measured, confidence) for confidence in (ONE_SIDED, STRICT))
    low, high = np.maximum(measured.difference - half, -1.0), np.minimum(measured.difference + half, 1.0)
    strict_low = np.maximum(measured.difference - strict_half, -1.0)
    varies = measured.error > TIE
    guard = ndtr(measured.difference / np.where(varies, measured.error, 1.0))
    guard = np.where(varies, guard, 0.5 + np.sign(np.round(measured.difference, 9)) / 2)
    sets, scores = measured.difference.shape
    return [
        tuple(
            Shift(
                difference=float(measured.difference[at]),
                interval=(float(low[at]), float(high[at])),
                strict_low=float(strict_low[at]),
                error=float(measured.error[at]),
                p_worse=float(p_worse[at]),
                p_better=float(p_better[at]),
                guard_worse=float(guard[at]),
                guard_better=float(1 - guard[at]),
                cases=int(measured.cases[at]),
            )
            if measured.cases[at]
            else None
            for at in ((number, score) for score in range(scores))
        )
        for number in range(sets)
    ]


def _adjusted(scaled: Floats, design: Design, shuffles: Arrangements) -> tuple[Floats, Floats]:
    """Adjusted p, worse and better, of each data set × score. A score without any variance says nothing: p is 1."""
    totals = np.array(design.totals)
    ways = np.array(design.base) * np.array(design.candidate) / (totals * (totals - 1))
    # a sum over k of N centred values drawn without replacement has variance k K / (N (N - 1)) × their sum of squares
    deviation = np.sqrt(np.einsum("n,rns->rs", np.repeat(ways, totals), scaled**2))
    flat = deviation <= TIE
    divisor = np.where(flat, 1.0, deviation)
    statistic = scaled[:, design.is_candidate].sum(axis=1) / divisor
    worse, better = np.ones_like(statistic), np.ones_like(statistic)
    size = max(1, AT_ONCE // (len(shuffles.labels) * scaled.shape[2]))
    for start in range(0, len(scaled), size):
        part = slice(start, start + size)
        rows = scaled[part].transpose(1, 0, 2)
        sums = shuffles.labels @ rows.reshape(rows.shape[0], -1)
        shuffled = sums.reshape(-1, *rows.shape[1:]) / divisor[part]
        lowest = np.where(flat[part], np.inf, shuffled).min(axis=2, keepdims=True)
        highest = np.where(flat[part], -np.inf, shuffled).max(axis=2, keepdims=True)
        worse[part] = (lowest <= statistic[part] + TIE).mean(axis=0)
        better[part] = (highest >= statistic[part] - TIE).mean(axis=0)
    if not shuffles.complete:
        # the observed arrangement is one of them (Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010, 39)
        count = len(shuffles.labels)
        worse, better = (worse * count + 1) / (count + 1), (better * count + 1) / (count + 1)
    return np.where(flat, 1.0, worse), np.where(flat, 1.0, better)


def _half_width(measured: Differences, confidence: float) -> Floats:
    """From the difference to a one-sided bound: Welch's t; without any variance, what was never seen to vary may hide.

    When no answer differs from its case's others, a share q of deviating answers would have stayed unseen with
    probability at most (1 - q)^N a side, and a deviation costs at most 1: both sides together lose less than
    2 (1 - (1 - confidence)^(1 / 2N)), N being the smaller side's answers (Clopper & Pearson, Biometrika 26, 1934,
    404-413, for no event in N; unequal rates between cases only help).
    """
    unseen = 2 * (1 - (1 - confidence) ** (1 / (2 * np.maximum(measured.smaller, 1))))
    varies = measured.error > TIE
    quantile = stdtrit(np.where(varies, measured.freedom, 1.0), confidence)
    return np.where(varies, quantile * measured.error, unseen)
