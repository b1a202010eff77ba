"""Whether a judge has earned a say in the gate, and if not, what is missing.

Here: the bar and the decision. Not here: what a licence is bound to, and when it goes stale.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from graders.judge.calibration import Estimate, Measures

SLACK = 1e-9
"""A figure that is exactly at the bar meets it, whatever its last binary digit."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a judge must show in a dimension, on items that rubrics were not mended by."""

    balanced_accuracy: float = 0.90
    balanced_accuracy_low: float = 0.83
    """Lower end of the 95 % interval; of kappa likewise."""
    kappa: float = 0.70
    kappa_low: float = 0.60
    sensitivity: float = 0.85
    specificity: float = 0.85
    invalid_rate: float = 0.01
    """At most."""
    items: int = 120
    """Held-out items that the judge decided: one that it left open shows nothing of its errors."""
    rarer: int = 30
    """Of these, in the class that has fewer."""


@dataclass(frozen=True)
class Licence:
    """Granted exactly when nothing stands against it."""

    granted: bool
    reasons: tuple[str, ...]
    """Each shortfall in a plain sentence; empty when granted."""


BAR = Bar()


def decide(held_out: Measures, bar: Bar = BAR) -> Licence:
    """The licence that figures on the held-out executed items of one dimension earn; every shortfall is named.

    Only items that execution decided count. Labels by a model of the judge's own family share its errors, so that
    agreeing with them proves little; figures that labelled items went into earn nothing (`executed` takes them out).
    """
    reasons = tuple(_shortfalls(held_out, bar))
    return Licence(granted=not reasons, reasons=reasons)


def _shortfalls(held_out: Measures, bar: Bar) -> Iterator[str]:
    if held_out.labelled:
        yield f"{held_out.labelled} items are labelled; only items decided by execution earn a licence"
    yield from _too_few(held_out, bar)
    yield from _too_low(
        "balanced accuracy", held_out.balanced_accuracy, bar.balanced_accuracy, bar.balanced_accuracy_low
    )
    yield from _too_low("kappa", held_out.kappa, bar.kappa, bar.kappa_low)
    yield from _too_low("sensitivity", held_out.sensitivity, bar.sensitivity)
    yield from _too_low("specificity", held_out.specificity, bar.specificity)
    rate = held_out.invalid_rate
    if rate and rate.value > bar.invalid_rate + SLACK:
        share = math.ceil(rate.value * 1000 - SLACK) / 10
        yield f"{share:.1f} % of the items met an invalid reply, at most {bar.invalid_rate * 100:g} % may"


def _too_few(held_out: Measures, bar: Bar) -> Iterator[str]:
    table = held_out.confusion
    if table.decided < bar.items:
        undecided = f" ({table.items - table.decided} more were not decided)" if table.items > table.decided else ""
        yield f"{table.decided} held-out items{undecided}, {bar.items} are needed"
    rarer, name = min((table.tp + table.fn, "is met"), (table.fp + table.tn, "is not met"))
    if rarer < bar.rarer:
        yield f"{rarer} held-out items whose criterion {name}, {bar.rarer} are needed"


def _too_low(name: str, figure: Estimate | None, value: float, low: float | None = None) -> Iterator[str]:
    if figure is None:
        yield f"{name} is unknown: no decided item of a class"
        return
    if figure.value < value - SLACK:
        yield f"{name} is {_floor(figure.value)}, {value:.2f} is needed"
    if low is not None and figure.low < low - SLACK:
        yield f"{name} may be as low as {_floor(figure.low)}, its lower bound must be {low:.2f}"


def _floor(value: float) -> str:
    """Three decimals, never rounded up to a bar that was missed."""
    return f"{math.floor(value * 1000 + SLACK) / 1000:.3f}"
