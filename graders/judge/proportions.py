"""Limits of a share, and of figures made of several independent shares. Plain Python.

Here: Wilson's interval, and the rule that joins limits. Not here: which figures of a judge are made of which shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

LEVEL = 0.95


def wilson(successes: float, total: int, level: float = LEVEL) -> tuple[float, float]:
    """Interval of a share, by the score test (Wilson, JASA 22, 1927, p. 209). `total` is at least 1.

    It is never empty: 20 of 20 leave (0.839, 1). Assumes independent trials; too narrow where they come in clusters.
    For values between 0 and 1 instead of trials (`successes` is their sum) it is too wide, as no such variable of
    that mean varies more than trials do.

    >>> [round(limit, 3) for limit in wilson(20, 20)]
    [0.839, 1.0]
    """
    z2 = NormalDist().inv_cdf(0.5 + level / 2) ** 2
    share = successes / total
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = math.sqrt(z2 * (share * (1 - share) / total + z2 / (4 * total**2))) / (1 + z2 / total)
    low = 0.0 if successes <= 0 else max(0.0, middle - half)
    return low, 1.0 if successes >= total else min(1.0, middle + half)


def square_and_add(value: float, lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float]:
    """Limits of a figure that rises or falls steadily with each of several independent shares.

    `lows` holds what the figure would be with one share at that of its own limits which lowers the figure, the others
    as observed: one entry for each share; `highs` likewise. The distances from `value` are joined as the legs of a
    right angle (MOVER: Zou and Donner, Statistics in Medicine 27, 2008, p. 1693; for a difference of two shares this
    is method 10 of Newcombe, Statistics in Medicine 17, 1998, p. 873). Theirs are sums and differences; for curved
    figures it holds to first order.

    >>> square_and_add(0.5, [0.2, 0.1], [0.8, 0.9])
    (0.0, 1.0)
    """
    return value - math.hypot(*(value - low for low in lows)), value + math.hypot(*(high - value for high in highs))
