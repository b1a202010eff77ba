"""The sentences of the comparison page that stand beside the verdict. Pure.

Here: words for what the comparison says. Not here: the verdict's own sentence, which is the comparison's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evals.comparison import Basis, Comparison, Verdict
from graders.criterion import Dimension

SAID = {
    Verdict.REGRESSED: ("regressed", "regressed"),
    Verdict.IMPROVED: ("improved", "improved"),
    Verdict.INCONCLUSIVE: ("is inconclusive", "are inconclusive"),
    Verdict.NOT_WORSE: ("is not worse", "are not worse"),
    Verdict.TOO_LITTLE_SCORED: ("has too little scored", "have too little scored"),
}


def name_of(dimension: Dimension) -> str:
    """
    >>> name_of(Dimension.ERROR_HANDLING)
    'error handling'
    """
    return dimension.value.replace("_", " ")


def rest_of(comparison: Comparison) -> Iterator[str]:
    """One sentence per verdict with the dimensions that have it, then those that no counting grade touches."""
    if comparison.verdict is Verdict.NOT_COMPARABLE:
        return
    changes = [change for change in comparison.of(Basis.GATE) if change.dimension]
    for verdict, (one, many) in SAID.items():
        names = [
            name_of(c.dimension)
            for c in changes
            if c.dimension and c.verdict is verdict and any(n for _, n in c.decided_by)
        ]
        if names:
            yield f"{listed(names).capitalize()} {one if len(names) == 1 else many}."
    with_grades = {c.dimension for c in changes if any(n for _, n in c.decided_by)}
    shown = {c.dimension for c in comparison.of(Basis.ALL) if c.dimension and c.base is not None}
    bare = [name_of(dimension) for dimension in Dimension if dimension in shown - with_grades]
    if bare:
        rest = "rests" if len(bare) == 1 else "rest"
        yield f"{listed(bare).capitalize()} {rest} on a judge without a licence alone: shown, but outside the verdict."


def listed(names: Sequence[str]) -> str:
    """
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
