"""Any text, graded as an answer to a case: what counts of each criterion, and the scores.

Here: the value that `evals grade` and plain tests work with. Not here: grading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from evals.case import Case
from evals.errors import InputError
from evals.nearest import nearest
from evals.report.safe import plain
from evals.scores import trial_score
from graders.criterion import Criterion, Dimension, Grade, Kind, Status, prevailing

NO_GRADER = "neither rules nor attacks decide this criterion; it needs the judge"


@dataclass(frozen=True)
class GradedAnswer:
    """One text with all its grades."""

    case: Case
    text: str
    grades: tuple[Grade, ...]
    """Of every grader; of those for one criterion the most trusted that could decide counts."""

    @cached_property
    def counting(self) -> dict[str, Grade]:
        """The grade that counts of each criterion, in the case's order; unscored where nobody decided."""
        return {c.id: prevailing(self.of(c.id)) or _none(c) for c in self.case.criteria}

    def of(self, criterion: str) -> tuple[Grade, ...]:
        return tuple(grade for grade in self.grades if grade.criterion == criterion)

    def __getitem__(self, criterion: str) -> Grade:
        """The grade that counts. Raises InputError for a criterion that the case does not have."""
        if criterion not in self.counting:
            message = f"case `{self.case.id}` has no criterion `{criterion}`{nearest(criterion, self.counting)}"
            raise InputError(message)
        return self.counting[criterion]

    def passes(self, criterion: str) -> bool:
        """Whether the criterion was decided, and passed. Raises InputError for one that the case does not have."""
        return self[criterion].status is Status.PASS

    @property
    def failed(self) -> tuple[Grade, ...]:
        """What counts and is a fail, with its evidence."""
        return tuple(grade for grade in self.counting.values() if grade.status is Status.FAIL)

    @property
    def unscored(self) -> tuple[Grade, ...]:
        return tuple(grade for grade in self.counting.values() if grade.status is Status.UNSCORED)

    @cached_property
    def scores(self) -> dict[Dimension, float | None]:
        """Score in each dimension that the case asks about, 0 to 1; None where nothing was scored."""
        return {d: self.score(d) for d in Dimension if any(c.dimension is d for c in self.case.criteria)}

    def score(self, dimension: Dimension, counts: Callable[[Grade], bool] = lambda _: True) -> float | None:
        """Score over the criteria whose grade counts, 0 to 1."""
        mine = [(c, self.counting[c.id]) for c in self.case.criteria if c.dimension is dimension]
        return trial_score((criterion, grade.status) for criterion, grade in mine if counts(grade))

    def __str__(self) -> str:
        """Every criterion with what counts of it, a line each."""
        return "\n".join(described(grade) for grade in self.counting.values())


def described(grade: Grade) -> str:
    """A grade in one line, with the first quote that it rests on.

    >>> described(Grade(criterion="c", status=Status.FAIL, kind=Kind.RULE, grader="r", version="1", reason="why"))
    'c: fail by r: why'
    """
    quote = f" [{grade.evidence[0].cited}]" if grade.evidence else ""
    return plain(f"{grade.criterion}: {grade.status.value} by {grade.grader}: {grade.reason}{quote}", 600)


def _none(criterion: Criterion) -> Grade:
    return Grade(
        criterion=criterion.id, status=Status.UNSCORED, kind=Kind.RULE, grader="none", version="-", reason=NO_GRADER
    )
