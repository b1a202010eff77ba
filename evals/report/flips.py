"""How reports speak of a flip: what each side was like, and whether it stands behind a failed gate.

Here: choices that every report makes alike. Not here: which criteria count as flips (`compare`), or any format.
"""

from __future__ import annotations

from evals.comparison import Basis, Comparison, Flip, Side, Verdict
from evals.context import SideName
from graders.criterion import Dimension, Grade, Kind, Status


def share(side: Side) -> str:
    """Passes of scored answers, `2/3`; answers that were not scored are said."""
    unscored = side.repeats - side.scored
    return f"{side.passes}/{side.scored}{f', {unscored} not scored' if unscored else ''}"


def speaking(flip: Flip, name: SideName) -> Grade | None:
    """The grade to quote for one side: the first that shows which way it went, else the first that was decided."""
    side = flip.base if name == "base" else flip.candidate
    wanted = Status.PASS if (name == "base") == flip.worse else Status.FAIL
    grades = [item.grade for item in side.grades if item.grade.decided]
    return next((grade for grade in grades if grade.status is wanted), grades[0] if grades else None)


def carriers(comparison: Comparison) -> tuple[Flip, ...]:
    """The flips that a regression rests on: worse, in a dimension that the gate found regressed (any, when it is the
    mean that regressed), and decided by kinds of grader that the gate counts there. Empty unless the verdict is `regressed`.

    None of them is proven by itself: the test is of the dimension, and these are where to look.
    """
    if comparison.verdict is not Verdict.REGRESSED:
        return ()
    gate = {change.dimension: change for change in comparison.of(Basis.GATE)}
    overall = None in gate and gate[None].verdict is Verdict.REGRESSED

    def carries(flip: Flip) -> bool:
        change = gate.get(flip.criterion.dimension)
        if change is None or not flip.worse or flip.kind_differs:
            return False
        return (overall or change.verdict is Verdict.REGRESSED) and _kinds(flip) <= {
            kind for kind, _ in change.decided_by
        }

    return tuple(flip for flip in comparison.flips if carries(flip))


def _kinds(flip: Flip) -> set[Kind]:
    return {item.grade.kind for side in (flip.base, flip.candidate) for item in side.grades if item.grade.decided}


def dimension_name(dimension: Dimension | None) -> str:
    return "the mean over all criteria" if dimension is None else dimension.value.replace("_", " ")
