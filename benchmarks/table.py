"""What was measured, beside what, and the table of it.

Here: the arithmetic of ratios and limits, and how a figure is spelled. Not here: measuring.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from tabulate import tabulate

HEADERS = ("figure", "measured", "ours", "at most", "", "beside it, same work, same run (ours / theirs)")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of ours, its limit, and what others took for the same work in the same run."""

    number: int
    what: str
    value: float
    unit: str
    limit: float | None = None
    """Largest value that is good enough, in the same unit; None where nothing was promised."""
    beside: tuple[tuple[str, float], ...] = ()

    @property
    def met(self) -> bool | None:
        return None if self.limit is None else self.value <= self.limit

    @property
    def row(self) -> tuple[str, ...]:
        limit = "" if self.limit is None else spelled(self.limit)
        said = {None: "", True: "met", False: "MISSED"}[self.met]
        others = ", ".join(f"{name} {spelled(value)} ({_ratio(self.value, value)})" for name, value in self.beside)
        return (str(self.number), self.what, f"{spelled(self.value)} {self.unit}", limit, said, others)


def spelled(value: float) -> str:
    """Three significant digits, and no exponent.

    >>> spelled(0.1234), spelled(12.34), spelled(12345.6), spelled(0.0)
    ('0.123', '12.3', '12,346', '0')
    """
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f} x" if theirs > 0 else "-"


def each(total: float, start: float, samples: int) -> float:
    """What one more sample takes: the total less what a run of one sample took, over the others.

    >>> each(11.0, 1.0, 5001)
    0.002
    """
    return (total - start) / max(1, samples - 1)


def middle(values: Iterable[float]) -> float:
    """The median: a single run that was disturbed does not move it."""
    return median(values)


def table(figures: Iterable[Figure]) -> str:
    """The table as Markdown, which is also legible on a terminal."""
    return tabulate([figure.row for figure in figures], HEADERS, tablefmt="github", disable_numparse=True)
