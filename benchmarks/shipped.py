"""The gate on the suite as it is shipped: its cases, criteria, repeats, and the spread of its recorded baseline.

Here: worlds fitted to a scorecard, and what a comparison of two recorded revisions can see in them. With two or three
answers a case the fit is rough; the tables say what it is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.worlds import CaseModel, Effect, Floats, World, draw_scores, drop, tied, unchanged, variance_within
from evals.commands.shared import card_paths, find_card
from evals.comparison import Basis, Verdict
from evals.gate import family_verdict, score_verdict
from evals.load import load_suite
from evals.pairing import Pair, on_basis, pair_up, repeats_of, score_rows
from evals.project import Project
from evals.report.tables import table
from evals.scorecard import Scorecard
from evals.statistics.arrangements import Design
from evals.statistics.family import family_tests
from evals.statistics.intervals import detectable_drop
from graders.criterion import Dimension

SEED = 20_262
WORLDS = 1_000
DROPS = (5, 10, 15, 20, 25, 30, 40, 50)
AIM = (10, 8)
"""Answers a case of baseline and candidate that a live gate has at its last look."""
SEEN = 0.80


def shipped_tables(root: Path, suite_id: str, worlds: int = WORLDS) -> str:
    """What two revisions of the suite can be told apart by, on both bases."""
    home = Project(root)
    suite = load_suite(home, suite_id)
    paths = card_paths(home, suite)
    if not paths:
        return f"The suite `{suite_id}` has no scorecard yet."
    card = find_card(home, suite, str(paths[-1]))
    pairs = pair_up(card, card)
    prior = _prior(pairs)
    repeats = min(len(one) for one, _ in repeats_of(card, card).values())
    intro = (
        f"The suite `{suite_id}` as it is: {len(card.header.cases)} cases, {repeats} recorded answers a case, fitted to "
        f"revision {card.header.revision} (pass rate {prior[0]:.2f}, share of its variance that lies between criteria "
        f"{prior[1]:.2f}); {worlds:,} worlds a row."
    )
    parts = [intro]
    for basis, title in (
        (Basis.GATE, "By the grades that may gate today"),
        (Basis.ALL, "By every grade, as if the judge had a licence and made no error"),
    ):
        kept = [pair for pair in on_basis(pairs, basis, card.header.licensed) if pair.base.scored]
        parts.append(f"{title} ({len(kept)} of {len(pairs)} criteria):\n\n{_table(card, kept, prior, repeats, worlds)}")
    return "\n\n".join(parts)


def _table(card: Scorecard, pairs: Sequence[Pair], prior: tuple[float, float], repeats: int, worlds: int) -> str:
    """Alarms by true drop, at the recorded answers and at those of a live gate; what is seen in 4 of 5 is named below."""
    if not pairs:
        return "Nothing."
    designs = ((repeats, repeats), AIM)
    world, mean, variance = _fitted(card, pairs, prior, worlds)
    effects: list[tuple[str, Effect]] = [("nothing changed", unchanged)]
    effects += [(f"overall -{d} points", drop(d, mean=mean)) for d in DROPS if d / 100 < mean]
    rows, seen = [], dict.fromkeys(designs, "none of these")
    for name, effect in effects:
        shares = [_alarms(world, effect, design, worlds) for design in designs]
        rows.append([name, *(f"{100 * share:.1f} %" for share in shares)])
        for design, share in zip(designs, shares, strict=True):
            if share >= SEEN and seen[design] == "none of these" and effect is not unchanged:
                seen[design] = name
    cases = len(world.cases)
    errors = [np.sqrt(variance * (1 / one + 1 / other) / cases) for one, other in designs]
    headers = ["situation", *(f"alarm, {one} + {other} answers" for one, other in designs)]
    notes = [
        f"{one} + {other} answers a case: the smallest drop of these that is seen in 4 of 5 runs is {seen[one, other]} "
        f"(formula, for the overall score alone: {100 * detectable_drop(error):.0f} points)."
        for (one, other), error in zip(designs, errors, strict=True)
    ]
    return "\n\n".join([table(rows, headers, markdown=True), *notes])


def _prior(pairs: Sequence[Pair]) -> tuple[float, float]:
    """Mean pass rate over all criteria, and the share of a verdict's variance that lies between them, by moments."""
    sides = [pair.base for pair in pairs if pair.base.scored > 1]
    rates = np.array([side.passes / side.scored for side in sides])
    counts = np.array([side.scored for side in sides])
    within = float(np.mean(rates * (1 - rates) * counts / (counts - 1)))
    mean = float(np.clip(rates.mean(), 0.02, 0.98))
    return mean, float(np.clip(1 - within / (mean * (1 - mean)), 0.05, 0.98))


def _fitted(
    card: Scorecard, pairs: Sequence[Pair], prior: tuple[float, float], worlds: int
) -> tuple[World, float, float]:
    """Worlds whose pass rates are drawn from what is known of each criterion; their mean score, and its variance within
    cases as recorded (as simulated, where the recording shows none)."""
    mean, icc = prior
    strength = (1 - icc) / icc
    rng = np.random.default_rng(SEED)
    dimensions = [d for d in Dimension if any(pair.criterion.dimension is d for pair in pairs)]
    models = []
    for case in sorted({pair.case for pair in pairs}):
        own = [pair for pair in pairs if pair.case == case]
        passes = np.array([pair.base.passes for pair in own])
        fails = np.array([pair.base.scored for pair in own]) - passes
        models.append(
            CaseModel(
                points=np.array([pair.criterion.points for pair in own]),
                dimension=np.array([dimensions.index(pair.criterion.dimension) for pair in own]),
                rates=rng.beta(passes + mean * strength, fails + (1 - mean) * strength, size=(worlds, len(own))),
            )
        )
    world = World(cases=tuple(models), dimensions=len(dimensions), latent=0.0)
    measured = _recorded_variance(card, pairs)
    if measured:
        world = tied(world, worlds, measured)
    overall = float(np.nanmean(draw_scores(world, worlds, 4, rng)[..., 0]))
    return world, overall, measured or variance_within(world, worlds)


def _recorded_variance(card: Scorecard, pairs: Sequence[Pair]) -> float:
    """Mean over cases of the variance of the overall score between answers."""
    rows, _ = score_rows(pairs, repeats_of(card, card), [])
    overall = [[row[0] for row in case if row[0] is not None] for case in rows]
    variances = [np.var(scores, ddof=1) for scores in overall if len(scores) > 1]
    return float(np.mean(variances)) if variances else 0.0


def _alarms(world: World, effect: Effect, design: tuple[int, int], worlds: int) -> float:
    """Share of worlds in which a comparison of so many answers a case calls the candidate regressed."""
    rng = np.random.default_rng(SEED)
    base = draw_scores(world, worlds, design[0], rng)
    candidate = draw_scores(effect(world), worlds, design[1], rng)
    values: Floats = np.concatenate([base, candidate], axis=2).reshape(worlds, -1, base.shape[3])
    cases = len(world.cases)
    tested = family_tests(values, Design((design[0],) * cases, (design[1],) * cases), permutations=1_999)
    verdicts = [family_verdict([score_verdict(shift, 0.08) for shift in row if shift]) for row in tested]
    return verdicts.count(Verdict.REGRESSED) / worlds
