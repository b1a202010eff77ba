"""Scores from grades: of an answer, of a case's answers, of a suite. The formulas of docs/scores.md.

Here: arithmetic. Not here: what a scorecard holds (`scorecard`), or intervals (`statistics`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graders.criterion import Criterion, Status


def trial_score(outcomes: Iterable[tuple[Criterion, Status]]) -> float | None:
    """Score of one answer over some criteria, 0 to 1; None when no positive criterion was scored.

    clip((points of passed positive - |points| of failed harm) / points of all scored positive, 0, 1)
    """
    earned = possible = 0
    for criterion, status in outcomes:
        if status not in (Status.PASS, Status.FAIL):
            continue
        if criterion.points > 0:
            possible += criterion.points
            earned += criterion.points if status is Status.PASS else 0
        elif status is Status.FAIL:
            earned += criterion.points
    return min(1.0, max(0.0, earned / possible)) if possible else None


def mean_of_means(scores: Sequence[Sequence[float]]) -> float | None:
    """Mean over cases of the mean over repeats; None without scores."""
    return sum(sum(case) / len(case) for case in scores) / len(scores) if scores else None
