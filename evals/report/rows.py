"""Rows that the terminal and Markdown show alike: a dimension's change, and what the answers cost.

Here: figures as words. Not here: tables, escaping (no cell here holds text from a file), colours.
"""

from __future__ import annotations

from evals.comparison import Change
from evals.context import SIDES, Context
from evals.report.flips import dimension_name
from evals.report.tables import figure, signed
from evals.scorecard import NOT_STATED
from evals.usage import Spent

HEADERS = ["dimension", "base", "candidate", "change", "90 % interval", "adjusted p", "verdict"]


def change_row(change: Change) -> list[str]:
    """The cells under `HEADERS`."""
    interval = f"{signed(change.interval[0])} to {signed(change.interval[1])}" if change.interval else ""
    return [
        dimension_name(change.dimension),
        figure(change.base),
        figure(change.candidate),
        signed(change.difference),
        interval,
        _p(change),
        change.verdict.value,
    ]


def _p(change: Change) -> str:
    """The p of the direction in which the score moved."""
    worse = (change.difference or 0.0) < 0
    p = change.p_worse if worse else change.p_better
    if p is None or not change.difference:
        return ""
    return f"{'worse' if worse else 'better'} {'< 0.001' if p < 0.001 else f'{p:.3f}'}"


def cost_rows(context: Context) -> list[list[str]]:
    """What the API counted, side by side; empty where it counted nothing on either side."""
    both = [context.usage(side) for side in SIDES]
    if not any(both):
        return []
    return [
        ["cost, USD", *[_figure(spent.cost_usd if spent else None, "{:.2f}") for spent in both]],
        ["tokens in / out", *[_tokens(spent) for spent in both]],
        ["latency, s (median)", *[_figure(spent.latency_seconds if spent else None, "{:.1f}") for spent in both]],
    ]


def _figure(value: float | None, form: str) -> str:
    return NOT_STATED if value is None else form.format(value)


def _tokens(spent: Spent | None) -> str:
    return NOT_STATED if spent is None else f"{spent.input_tokens:,} / {spent.output_tokens:,}"
