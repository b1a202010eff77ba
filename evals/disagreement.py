"""Where graders differ on the same criterion of the same answer.

Here: finding the pairs. Not here: which grade counts (`graders.criterion.prevailing`), or showing them.
"""

from __future__ import annotations

from collections.abc import Iterator

from evals.scorecard import GradeLine, Scorecard


def disagreements(card: Scorecard) -> Iterator[tuple[GradeLine, GradeLine]]:
    """Pairs of decided grades on one criterion of one answer that differ; the one that counts first."""
    counting = {(line.case, line.repeat, line.grade.criterion): line for line in card.grades if line.prevails}
    for line in card.grades:
        other = counting.get((line.case, line.repeat, line.grade.criterion))
        if (
            other is not None
            and line.grade.decided
            and other.grade.decided
            and line.grade.status is not other.grade.status
        ):
            yield other, line
