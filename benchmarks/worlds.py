"""Made-up worlds in which the truth is known: suites, their pass rates, answers and judges, by a fixed seed.

Here: drawing scores of answers, with the arithmetic of a scorecard. Not here: what a gate makes of them (`power`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Outcomes = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class CaseModel:
    """One case: what its criteria are worth, and how often each passes."""

    points: NDArray[np.int64]
    dimension: NDArray[np.int64]
    """For each criterion, the number of its dimension."""
    rates: Floats
    """World × criterion, 0 to 1; one row where all worlds are alike."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A suite and those who grade it."""

    cases: tuple[CaseModel, ...]
    dimensions: int
    shared: float
    """How often a criterion follows the answer's common luck instead of its own, 0 to 1."""
    sensitivity: float = 1.0
    """How often a grader sees a pass as one."""
    specificity: float = 1.0
    """How often a grader sees a fail as one."""


Effect = Callable[[World], World]


def published(worlds: int, rng: np.random.Generator, *, cases: int = 24, mean: float = 0.85, icc: float = 0.6) -> World:
    """24 cases of 6 criteria in 3 dimensions; pass rates from a beta distribution with that mean and with `icc` of a
    verdict's variance between cases; verdicts within one answer correlated by 0.3.
    """
    strength = (1 - icc) / icc
    alpha, beta = mean * strength, (1 - mean) * strength
    rates = rng.beta(alpha, beta, size=(worlds, cases, 6))
    models = tuple(
        CaseModel(points=np.ones(6, dtype=np.int64), dimension=np.repeat(np.arange(3), 2), rates=rates[:, case])
        for case in range(cases)
    )
    one, other = rng.beta(alpha, beta, size=(2, 200_000))
    common = float(np.mean(np.minimum(one, other) - one * other) / np.mean(one * (1 - one)))
    return World(cases=models, dimensions=3, shared=float(np.sqrt(0.3 / common)))


def unchanged(world: World) -> World:
    return world


def drop(points: float, *, dimension: int | None = None, mean: float = 0.85) -> Effect:
    """Every pass rate (of one dimension) falls in proportion, so that the mean falls by `points` of 100."""
    factor = 1 - points / 100 / mean

    def effect(world: World) -> World:
        def fallen(case: CaseModel) -> CaseModel:
            hit = np.full(case.dimension.shape, fill_value=True) if dimension is None else case.dimension == dimension
            return replace(case, rates=np.where(hit, case.rates * factor, case.rates))

        return replace(world, cases=tuple(map(fallen, world.cases)))

    return effect


def reshuffled(world: World) -> World:
    """Two fifths of the cases pass their rates on to one another: single cases moved, the mean did not."""
    count = round(0.4 * len(world.cases))
    rates = [case.rates for case in world.cases[:count]]
    moved = [replace(case, rates=rates[number - 1]) for number, case in enumerate(world.cases[:count])]
    return replace(world, cases=(*moved, *world.cases[count:]))


def collapsed(count: int) -> Effect:
    """So many cases fail everything."""

    def effect(world: World) -> World:
        gone = tuple(replace(case, rates=case.rates * 0) for case in world.cases[:count])
        return replace(world, cases=(*gone, *world.cases[count:]))

    return effect


def draw_scores(world: World, worlds: int, repeats: int, rng: np.random.Generator) -> Floats:
    """World × case × repeat × score: overall first, then the dimensions; NaN where a case has none of a dimension."""
    return np.stack([_case_scores(world, case, worlds, repeats, rng) for case in world.cases], axis=1)


def _case_scores(world: World, case: CaseModel, worlds: int, repeats: int, rng: np.random.Generator) -> Floats:
    shape = (worlds, repeats, len(case.points))
    luck = np.where(rng.random(shape) < world.shared, rng.random((worlds, repeats, 1)), rng.random(shape))
    passed = luck < case.rates[:, None, :]
    if world.sensitivity < 1 or world.specificity < 1:
        passed = rng.random(shape) < np.where(passed, world.sensitivity, 1 - world.specificity)
    columns = [case.dimension >= 0, *(case.dimension == number for number in range(world.dimensions))]
    return np.stack([trial_scores(passed[..., column], case.points[column]) for column in columns], axis=-1)


def trial_scores(passed: Outcomes, points: NDArray[np.int64]) -> Floats:
    """`evals.scorecard.trial_score` of many answers at once, every criterion scored."""
    possible = points[points > 0].sum()
    if not possible:
        return np.full(passed.shape[:-1], np.nan)
    earned = np.where(points > 0, passed * points, ~passed * points).sum(axis=-1)
    return np.asarray(np.clip(earned / possible, 0.0, 1.0))
