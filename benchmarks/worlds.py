"""Made-up worlds in which the truth is known: suites, their pass rates, answers and judges, by a fixed seed.

Here: drawing scores of answers, with the arithmetic of a scorecard. Not here: what a gate makes of them (`power`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

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
    latent: float
    """Correlation, 0 to 1, of the hidden normal variables behind the verdicts on one answer (a Gaussian copula). The
    verdicts themselves are correlated less, and the less the more their pass rates differ."""
    sensitivity: float = 1.0
    """How often a grader sees a pass as one."""
    specificity: float = 1.0
    """How often a grader sees a fail as one."""


Effect = Callable[[World], World]


def published(worlds: int, rng: np.random.Generator, *, alike: bool = False) -> World:
    """24 cases of 6 criteria in 3 dimensions; pass rates from a beta distribution with mean 0.85 and with 0.6 of a
    verdict's variance between criteria (ICC). Each criterion has a rate of its own, and 0.3 is the hidden correlation
    within an answer. `alike`, the harder world: one rate a case, and the verdicts themselves are correlated by 0.3.
    """
    mean, icc, criteria = 0.85, 0.6, 6
    strength = (1 - icc) / icc
    shape = (worlds, 24, 1 if alike else criteria)
    rates = np.broadcast_to(rng.beta(mean * strength, (1 - mean) * strength, size=shape), (worlds, 24, criteria))
    models = tuple(
        CaseModel(points=np.ones(criteria, dtype=np.int64), dimension=np.repeat(np.arange(3), 2), rates=rates[:, case])
        for case in range(24)
    )
    world = World(cases=models, dimensions=3, latent=0.3)
    if not alike:
        return world
    single = float(np.mean(rates * (1 - rates)))
    return tied(world, worlds, single * (1 + (criteria - 1) * 0.3) / criteria)


def variance_within(world: World, worlds: int) -> float:
    """Mean variance of the overall score between answers to one case."""
    scores = draw_scores(world, worlds, 4, np.random.default_rng(7))[..., 0]
    return float(np.nanmean(np.var(scores, axis=2, ddof=1)))


def tied(world: World, worlds: int, variance: float) -> World:
    """With verdicts so far tied together that the variance within cases is the wanted one, or as near as it gets."""
    low, high = 0.0, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        below = variance_within(replace(world, latent=middle), min(worlds, 1_000)) < variance
        low, high = (middle, high) if below else (low, middle)
    return replace(world, latent=(low + high) / 2)


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
    common, own = rng.normal(size=(worlds, repeats, 1)), rng.normal(size=shape)
    luck = ndtr(np.sqrt(world.latent) * common + np.sqrt(1 - world.latent) * own)
    passed = luck < case.rates[:worlds, None, :]
    if world.sensitivity < 1 or world.specificity < 1:
        passed = rng.random(shape) < np.where(passed, world.sensitivity, 1 - world.specificity)
    columns = [case.dimension >= 0, *(case.dimension == number for number in range(world.dimensions))]
    return np.stack([trial_scores(passed[..., column], case.points[column]) for column in columns], axis=-1)


def trial_scores(passed: Outcomes, points: NDArray[np.int64]) -> Floats:
    """`evals.scores.trial_score` of many answers at once, every criterion scored."""
    possible = points[points > 0].sum()
    if not possible:
        return np.full(passed.shape[:-1], np.nan)
    earned = np.where(points > 0, passed * points, ~passed * points).sum(axis=-1)
    return np.asarray(np.clip(earned / possible, 0.0, 1.0))
