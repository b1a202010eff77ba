"""Arithmetic of a judge's figures on many tables of counts at once: the observed one, resampled ones, and corners.

Here: counts per answer, the formulas, resampling, both kinds of limits. Not here: what the figures mean (`calibration`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from graders.judge.calibration import Estimate, Labelled
from graders.judge.proportions import LEVEL, square_and_add, wilson

Floats = NDArray[np.float64]

COLUMNS = ("tp", "fp", "fn", "tn", "undecided", "invalid", "agreeing", "repeated")
DRAWS = 2_000
SEED = 20_260_101

SHARES = {
    "sensitivity": (("tp",), ("tp", "fn")),
    "specificity": (("tn",), ("tn", "fp")),
    "coverage": (("tp", "fp", "fn", "tn"), ("tp", "fp", "fn", "tn", "undecided")),
    "invalid_rate": (("invalid",), ("tp", "fp", "fn", "tn", "undecided")),
    "self_consistency": (("agreeing",), ("repeated",)),
}
"""Figures that are shares: the columns of their numerator, and of their denominator."""
AGREEMENT = {"balanced_accuracy": 0.0, "kappa": -1.0, "macro_f1": 0.0}
"""Figures made of sensitivity, specificity and the sizes of both classes, with the lowest value of each."""


def tables(items: Sequence[Labelled]) -> Floats:
    """Counts, a row for each answer in the order of their ids, so that the order of the items changes nothing."""
    rows: dict[str, list[int]] = {}
    for item in items:
        row = rows.setdefault(item.answer, [0] * len(COLUMNS))
        first, several = item.outcomes[0], len(item.votes) > 1
        cell = {("met", True): "tp", ("met", False): "fp", ("not met", True): "fn", ("not met", False): "tn"}
        row[COLUMNS.index(cell.get((first, item.truth), "undecided"))] += 1
        row[COLUMNS.index("invalid")] += bool(item.invalid and item.invalid[0])
        row[COLUMNS.index("repeated")] += several
        row[COLUMNS.index("agreeing")] += several and len(set(item.outcomes)) == 1 and first != "invalid"
    return np.array([rows[answer] for answer in sorted(rows)], dtype=np.float64).reshape(-1, len(COLUMNS))


def rates(table: Floats) -> dict[str, Floats]:
    """Every figure of each table; `table` has the columns as its last axis. nan where a figure is not defined."""
    tp, fp, fn, tn = (_sum(table, (name,)) for name in ("tp", "fp", "fn", "tn"))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {name: _sum(table, above) / _sum(table, below) for name, (above, below) in SHARES.items()}
        found["balanced_accuracy"] = (found["sensitivity"] + found["specificity"]) / 2
        kappa = 2 * (tp * tn - fp * fn) / ((tp + fp) * (fp + tn) + (tp + fn) * (fn + tn))
        macro_f1 = tp / (2 * tp + fp + fn) + tn / (2 * tn + fp + fn)
    both = ~np.isnan(found["balanced_accuracy"])
    found["kappa"] = np.where(both, kappa, np.nan)
    found["macro_f1"] = np.where(both, macro_f1, np.nan)
    return found


def resampled(rows: Floats, stream: int = 0) -> Floats:
    """Tables of as many answers, drawn with replacement. None are drawn from fewer than two answers.

    Only the generator's uniform numbers are used, which stay the same in every version of numpy.
    """
    count = len(rows)
    if count < 2:
        return np.empty((0, len(COLUMNS)))
    uniform = np.random.Generator(np.random.PCG64([SEED, stream])).random((DRAWS, count))
    picks = (uniform * count).astype(np.int64) + np.arange(DRAWS)[:, None] * count
    weights = np.bincount(picks.ravel(), minlength=DRAWS * count).reshape(DRAWS, count)
    return weights.astype(np.float64) @ rows


def percentiles(values: Floats) -> list[tuple[float, float]]:
    """The middle 95 % of resampled values, those left out that are not defined; empty when none is."""
    known = values[~np.isnan(values)]
    if not known.size:
        return []
    low, high = np.quantile(known, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return [(float(low), float(high))]


def estimates(items: Sequence[Labelled]) -> dict[str, Estimate | None]:
    """Every figure with its interval; see `measure`."""
    rows = tables(items)
    table = rows.sum(axis=0)
    values, drawn = rates(table), rates(resampled(rows))
    return {name: _estimate(name, table, float(values[name]), drawn[name]) for name in values}


def _estimate(name: str, table: Floats, value: float, drawn: Floats) -> Estimate | None:
    if np.isnan(value):
        return None
    limits = [*percentiles(drawn), _corners(name, table, value) if name in AGREEMENT else share_limits(name, table)]
    lowest = AGREEMENT.get(name, 0.0)
    low, high = max(lowest, min(low for low, _ in limits)), min(1.0, max(high for _, high in limits))
    return Estimate(value=value, low=low, high=high, n=size(name, table))


def size(name: str, table: Floats) -> int:
    """How many items of a table a figure is made of."""
    return int(_sum(table, SHARES["coverage"][0] if name in AGREEMENT else SHARES[name][1]))


def share_limits(name: str, table: Floats) -> tuple[float, float]:
    """Wilson's interval of a share that is defined."""
    above, below = SHARES[name]
    return wilson(float(_sum(table, above)), int(_sum(table, below)))


def _corners(name: str, table: Floats, value: float) -> tuple[float, float]:
    """Limits with sensitivity and specificity at theirs in turn, and the sizes of both classes as they are."""
    shares = [(("tp", "fn"), share_limits("sensitivity", table)), (("tn", "fp"), share_limits("specificity", table))]
    at_limits = [
        [float(rates(_moved(table, right, wrong, limits[side]))[name]) for (right, wrong), limits in shares]
        for side in (0, 1)
    ]
    return square_and_add(value, *at_limits)


def _moved(table: Floats, right: str, wrong: str, share: float) -> Floats:
    moved = table.copy()
    size = _sum(table, (right, wrong))
    moved[COLUMNS.index(right)], moved[COLUMNS.index(wrong)] = size * share, size * (1 - share)
    return moved


def _sum(table: Floats, names: Sequence[str]) -> Floats:
    total: Floats = table[..., [COLUMNS.index(name) for name in names]].sum(axis=-1)
    return total
