"""How much of the error rate each interim look may spend, so that all looks together spend what was promised.

Here: nominal levels of group-sequential looks. Not here: what is tested at a look.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from math import expm1, pi, sqrt

import numpy as np
from scipy.special import ndtr

from evals.statistics.arrangements import Floats

GAMMA = -1.0
"""Shape of the spending function: between Pocock's (+1) and O'Brien and Fleming's (-4)."""
POINTS = 1001
REACH = 8.0
"""How far the grid of integration goes, in standard deviations."""


def spent_alpha(fraction: float, alpha: float, gamma: float = GAMMA) -> float:
    """Error probability spent when `fraction` (0 to 1) of the information is there.

    alpha (1 - e^(-gamma t)) / (1 - e^(-gamma)) (Hwang, Shih & DeCani, Statistics in Medicine 9, 1990, 1439-1445).

    >>> spent_alpha(1.0, 0.05)
    0.05
    """
    return alpha * expm1(-gamma * fraction) / expm1(-gamma)


def information(base: int, candidate: int) -> float:
    """Information on a difference of means, in units of one answer's: 1 / (1/K + 1/k)."""
    return 1 / (1 / base + 1 / candidate)


@lru_cache
def nominal_levels(base: int, looks: tuple[int, ...], alpha: float = 0.05, gamma: float = GAMMA) -> tuple[float, ...]:
    """The one-sided p at or below which each look may raise the alarm.

    `looks` are the candidate's repeats per case at each look, rising; `base` the baseline's repeats, all there from
    the start. The difference at look r then behaves as Brownian motion at time t_r = I_r / I_last (Jennison & Turnbull,
    Group Sequential Methods, 2000, ch. 3 and 11). The boundaries follow by integrating the density of the paths that
    have not crossed yet, look after look (Armitage, McPherson & Rowe, JRSS A 132, 1969, 235-244; spending: Lan &
    DeMets, Biometrika 70, 1983, 659-663). Assumes scores that are nearly normal: means over many answers are.
    """
    times = [information(base, repeats) / information(base, looks[-1]) for repeats in looks]
    levels: list[float] = []
    before, spent = 0.0, 0.0
    grid, mass = np.zeros(1), np.ones(1)
    for time in times:
        step = sqrt(time - before)
        wanted = spent_alpha(time, alpha, gamma) - spent
        bound = _bound(partial(_crossing, grid, mass, step), wanted, sqrt(time))
        levels.append(float(ndtr(bound / sqrt(time))))
        fresh = np.linspace(bound, REACH * sqrt(time), POINTS)
        weights = np.full(POINTS, fresh[1] - fresh[0])
        weights[[0, -1]] /= 2
        density = np.exp(-(((fresh[:, None] - grid[None, :]) / step) ** 2) / 2) @ mass / (step * sqrt(2 * pi))
        grid, mass = fresh, density * weights
        before, spent = time, spent_alpha(time, alpha, gamma)
    return tuple(levels)


def _crossing(grid: Floats, mass: Floats, step: float, bound: float) -> float:
    """Probability that paths with this density of positions end the next step below the bound."""
    return float(mass @ ndtr((bound - grid) / step))


def _bound(crossed: Callable[[float], float], wanted: float, scale: float) -> float:
    """The bound below which paths of the wanted probability fall, by bisection."""
    low, high = -REACH * scale, 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if crossed(middle) < wanted else (low, middle)
    return (low + high) / 2
