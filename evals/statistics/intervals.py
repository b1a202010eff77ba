"""Intervals of means, and the smallest effect a design can see. Plain Python but for the quantiles of Student's t.

Here: one number and how sure it is. Not here: tests over a family of scores (`family`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

MANY = 100
"""Degrees of freedom above which the quantile needs no library, whose import takes longer than the rest of such a run."""


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
    mean = sum(sum(scores) / len(scores) for scores in cases) / len(cases)
    error = math.sqrt(sum(variance / count for variance, count in variances)) / len(cases)
    half = _t_quantile(freedom, level) * error
    return max(0.0, mean - half), min(1.0, mean + half)


def cases_like_these(differences: Sequence[tuple[str, float]], level: float = 0.90) -> tuple[float, float] | None:
    """Interval of the mean difference over cases like these: what may be said of tasks that are not in the suite.

    `differences` holds (family, candidate - base) for each case. Variants of one task are one observation: the mean of
    each family enters a one-sample t interval with families - 1 degrees of freedom (Student 1908; clustering as in
    Miller, Adding Error Bars to Evals, arXiv 2411.00640, 2024, sec. 2.2). Assumes that the families were drawn from
    the tasks that the claim is about, which the author of a suite rarely did: read it as a lower limit of the doubt.
    Misleads with fewer than about ten families, or when one family carries the whole change. Clipped to -1..1.
    None with fewer than two families, or when all moved alike: so few cannot show that others would.
    """
    families: dict[str, list[float]] = {}
    for family, difference in differences:
        families.setdefault(family, []).append(difference)
    means = [sum(values) / len(values) for values in families.values()]
    if len(means) < 2 or max(means) - min(means) < 1e-9:
        return None
    mean = sum(means) / len(means)
    half = _t_quantile(len(means) - 1, level) * math.sqrt(_variance(means) / len(means))
    return max(-1.0, mean - half), min(1.0, mean + half)


def detectable_drop(error: float, *, alpha: float = 0.05, power: float = 0.80) -> float:
    """The smallest true drop that a one-sided test at `alpha` finds with the given power, in units of the score.

    (z_{1-alpha} + z_power) × the standard error of the difference (Cohen, Statistical Power Analysis, 1988, ch. 2; for
    evals Miller 2024, sec. 5). For n cases, K and k repeats and mean within-case variance v the error is
    sqrt(v (1/K + 1/k) / n). Too small a figure when the variance was estimated from few repeats, and for one score
    among many in a family, whose critical value is larger.
    """
    normal = NormalDist()
    return (normal.inv_cdf(1 - alpha) + normal.inv_cdf(power)) * error


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _t_quantile(freedom: int, level: float) -> float:
    """Two-sided quantile of Student's t."""
    if freedom > MANY:
        return _t_expansion(freedom, NormalDist().inv_cdf(0.5 + level / 2))
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2))


def _t_expansion(freedom: int, x: float) -> float:
    """The quantile of Student's t from the normal one, x (Abramowitz and Stegun, 1964, 26.7.5).

    Above `MANY` degrees of freedom it is off by less than 1e-8; below, by more the fewer there are.
    """
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92_160,
    )
    return x + sum(term / float(freedom) ** power for power, term in enumerate(terms, 1))
