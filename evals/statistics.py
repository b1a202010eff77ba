"""Statistics on scores. Every function says what it assumes and where its formula comes from."""

from __future__ import annotations

import math
from collections.abc import Sequence


def fixed_suite_interval(cases: Sequence[Sequence[float]], level: float = 0.95) -> tuple[float, float] | None:
    """Confidence interval of a suite's mean score, for these very cases asked again (not for other cases like them).

    `cases` holds the scores of each case's repeats (each 0 to 1). The suite's mean is the mean of the case means. Its
    variance is the sum over cases of s_i² / k_i, divided by n²; the half width is the t quantile, with the sum of
    k_i - 1 degrees of freedom, times the root of that (stratified sampling: Cochran, Sampling Techniques, 1977, ch. 5).
    Misleads when scores sit at 0 or 1 in all repeats: the width is then zero although the truth is not certain.
    The result is clipped to 0..1. None when no case has two repeats.
    """
    variances = [(_variance(scores), len(scores)) for scores in cases if len(scores) > 1]
    freedom = sum(count - 1 for _, count in variances)
    if not freedom:
        return None
    from scipy.special import stdtrit

    mean = sum(sum(scores) / len(scores) for scores in cases) / len(cases)
    error = math.sqrt(sum(variance / count for variance, count in variances)) / len(cases)
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    return max(0.0, mean - half), min(1.0, mean + half)


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)
