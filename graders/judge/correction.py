"""A pass rate that a judge gave, corrected by the answers whose truth is known. Plain Python.

Here: the prediction-powered estimate. Not here: which rates are shown corrected, and where.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, pvariance, variance

from graders.judge.proportions import LEVEL, wilson


@dataclass(frozen=True, kw_only=True)
class Correction:
    """A mean pass rate, raw and corrected, with the 95 % interval of the corrected one. All rates are 0 to 1."""

    raw: float
    """The judge's mean over all answers."""
    value: float
    low: float
    high: float
    weight: float
    """How far the judge was believed (lambda), 0 to 1; at 0 the known answers alone speak."""
    known: int
    """Answers whose truth is known."""
    answers: int


def correct(answers: Sequence[tuple[float, float | None]]) -> Correction | None:
    """The mean truth over answers like these, from the judge's verdicts on all and the truth of some.

    `answers` holds (judged, truth) for each: 0 or 1, or the share of criteria met when several are asked of an answer
    (so that each entry is independent of the others); truth None where it is not known. Answers that the judge did not
    decide are left out by the caller. None when the truth of no answer is known: then nothing can be corrected.

    The estimate is PPI++ (Angelopoulos, Duchi and Zrnic, arXiv 2311.01453, 2023): the mean of the
    judged answers of unknown truth, times lambda, plus the mean of truth - lambda * judged over the known ones.
    Lambda minimises the variance: cov(truth, judged) / ((1 + n/N) var(judged)), clipped to 0..1; so a useless judge is
    not listened to. Estimate and interval are clipped to 0..1.

    The interval rests on the normal law and on errors that were seen, so it is replaced or widened where none were:

    - truth is the same in all known answers, or is known of all answers: Wilson's interval of the truth alone;
    - the judge erred on no known answer: errors of a judge that was right n times of n may still be as frequent as
      Wilson's upper limit says; that much is joined to the half width at a right angle.

    Misleads when the answers of known truth were not drawn like the others (only those that would run, say), and with
    fewer than about 50 of them.
    """
    known = [(judged, truth) for judged, truth in answers if truth is not None]
    rest = [judged for judged, truth in answers if truth is None]
    if not known:
        return None
    truths = [truth for _, truth in known]
    raw, mean = fmean(judged for judged, _ in answers), fmean(truths)
    if not rest or max(truths) == min(truths):
        low, high = wilson(math.fsum(truths), len(known))
        value, weight = mean, 0.0
    else:
        weight = _tuned(known, rest)
        residuals = [truth - weight * judged for judged, truth in known]
        value = weight * fmean(rest) + fmean(residuals)
        half = _half_width(weight, residuals, rest)
        if all(judged == truth for judged, truth in known):
            half = math.hypot(half, wilson(0, len(known))[1])
        low, high = value - half, value + half
    return Correction(
        raw=raw,
        value=_clipped(value),
        low=_clipped(low),
        high=_clipped(high),
        weight=weight,
        known=len(known),
        answers=len(answers),
    )


def _tuned(known: Sequence[tuple[float, float]], rest: Sequence[float]) -> float:
    judged = [verdict for verdict, _ in known]
    spread = variance([*judged, *rest])
    if not spread:
        return 0.0
    centre = fmean(judged)
    covariance = fmean((verdict - centre) * truth for verdict, truth in known)
    return _clipped(covariance / ((1 + len(known) / len(rest)) * spread))


def _half_width(weight: float, residuals: Sequence[float], rest: Sequence[float]) -> float:
    error = math.sqrt(weight**2 * pvariance(rest) / len(rest) + pvariance(residuals) / len(residuals))
    return NormalDist().inv_cdf(0.5 + LEVEL / 2) * error


def _clipped(value: float) -> float:
    return min(1.0, max(0.0, value))
