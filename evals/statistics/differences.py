"""Differences of mean scores with their standard errors, for many data sets of one design at once.

Here: what is measured of each (data set, score). Not here: p-values (`family`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.statistics.arrangements import Design, Floats

BASE, CANDIDATE = slice(0, None, 2), slice(1, None, 2)
"""Of the (case, side) groups, in their order."""


@dataclass(frozen=True, kw_only=True)
class Differences:
    """Arrays of data set × score, but for `contributions`."""

    contributions: Floats
    """Data set × answer × score: what an answer adds to the difference when it carries the candidate's label."""
    difference: Floats
    """Mean over cases of (mean of the candidate's scored repeats - mean of the base's)."""
    error: Floats
    """Standard error, each side of each case with its own variance: Σ w² (s_A²/K + s_B²/k)."""
    freedom: Floats
    """Degrees of freedom of that error (Satterthwaite, Biometrics Bulletin 2, 1946, 110-114); NaN without variance."""
    smaller: Floats
    """Scored answers of the side that has fewer."""
    cases: Floats
    """Cases that both sides have the score in."""


def measure(values: Floats, design: Design) -> Differences:
    """Everything measured of `values` (data set × answer × score, NaN where unscored); cases weigh equally.

    A case in which one side has no score at all is left out of that score. A side with a single scored repeat borrows
    the other side's variance; where both have one, the variance of the two about their mean stands in, which takes a
    true difference for noise and so errs to the safe side.
    """
    groups = _Groups(values, design)
    counts, valid = groups.counts, groups.valid
    weights = valid / np.maximum(valid.sum(axis=1, keepdims=True), 1)
    scale = weights * (1 / np.array(design.base) + 1 / np.array(design.candidate))[None, :, None]
    parts, freedoms = _mean_variances(counts, groups.spread, groups.pooled_spread)
    parts = np.stack(parts) * weights**2
    total = parts.sum(axis=(0, 2))
    with np.errstate(invalid="ignore"):
        freedom = total**2 / (parts**2 / np.stack(freedoms)).sum(axis=(0, 2))
    return Differences(
        contributions=groups.centred * np.repeat(scale, design.totals, axis=1),
        difference=(weights * (groups.means[:, CANDIDATE] - groups.means[:, BASE])).sum(axis=1),
        error=np.sqrt(total),
        freedom=freedom,
        smaller=np.minimum(*((counts[:, side] * valid).sum(axis=1) for side in (BASE, CANDIDATE))),
        cases=valid.sum(axis=1).astype(np.float64),
    )


class _Groups:
    """Counts, means and sums of squares of each (case, side), and of each case."""

    def __init__(self, values: Floats, design: Design) -> None:
        scored = ~np.isnan(values)
        starts = np.cumsum([0, *design.sizes[:-1]])
        case_starts = np.cumsum([0, *design.totals[:-1]])
        self.counts = np.add.reduceat(scored.astype(np.float64), starts, axis=1)
        sums = np.add.reduceat(np.where(scored, values, 0.0), starts, axis=1)
        self.means = sums / np.maximum(self.counts, 1)
        self.valid: NDArray[np.bool_] = (self.counts[:, BASE] > 0) & (self.counts[:, CANDIDATE] > 0)
        around = np.where(scored, values - np.repeat(self.means, design.sizes, axis=1), 0.0)
        self.spread = np.add.reduceat(around**2, starts, axis=1)
        both = np.maximum(self.counts[:, BASE] + self.counts[:, CANDIDATE], 1)
        pooled = (sums[:, BASE] + sums[:, CANDIDATE]) / both
        self.centred = np.where(scored, values - np.repeat(pooled, design.totals, axis=1), 0.0)
        """Scores less their case's mean over both sides; an answer without a score counts as that mean."""
        self.pooled_spread = np.add.reduceat(self.centred**2, case_starts, axis=1)


def _mean_variances(counts: Floats, spread: Floats, pooled: Floats) -> tuple[list[Floats], list[Floats]]:
    """For each side: variance of each case's mean, and the degrees of freedom that it rests on."""
    variances, freedoms = [], []
    for own, other in ((BASE, CANDIDATE), (CANDIDATE, BASE)):
        mine, theirs = counts[:, own], counts[:, other]
        squares = np.where(mine > 1, spread[:, own], np.where(theirs > 1, spread[:, other], pooled))
        freedom = np.where(mine > 1, mine - 1, np.where(theirs > 1, theirs - 1, 1.0))
        variances.append(squares / freedom / np.maximum(mine, 1))
        freedoms.append(freedom)
    return variances, freedoms
