"""The memory of grades in front of the work that makes them.

Here: which criteria of an answer must be graded anew. Not here: rows (`grade_cache`), marks (`grade_marks`), grading.
"""

from __future__ import annotations

from collections.abc import Callable

from evals.canonical import digest
from evals.case import Case
from evals.grade_cache import GradeCache, entry_of, grades_in, row_key
from evals.grading import Work
from graders.criterion import Criterion, Grade, Kind, Status
from graders.work import Criteria, attack_graders, rule_graders


class Remembering:
    """Does only what the memory does not have, criterion by criterion, and remembers it."""

    def __init__(self, work: Work, memory: GradeCache, kind: Kind, mark: Callable[[Criterion], str]) -> None:
        self._work = work
        self._memory = memory
        self._kind = kind
        self._mark = mark
        self._known: dict[tuple[str, str], tuple[str, tuple[tuple[str, str], ...]]] = {}
        self._tasks: dict[str, str] = {}

    @property
    def width(self) -> int:
        return self._work.width

    async def grades(self, case: Case, criteria: Criteria, text: str) -> tuple[Grade, ...]:
        key = row_key(self._kind, self._task(case), text)
        row = self._memory.get(key)
        found: dict[str, tuple[Grade, ...]] = {}
        for criterion in criteria:
            mark, graders = self._identity(case, criterion)
            grades = grades_in(row.get(mark), criterion.id, self._kind, graders)
            if grades is not None:
                found[criterion.id] = grades
        rest = tuple(criterion for criterion in criteria if criterion.id not in found)
        if rest:
            found |= await self._fresh(case, rest, text, key)
        return tuple(grade for criterion in criteria for grade in found[criterion.id])

    async def _fresh(self, case: Case, rest: Criteria, text: str, key: bytes) -> dict[str, tuple[Grade, ...]]:
        grades = await self._work.grades(case, rest, text)
        found = {c.id: tuple(grade for grade in grades if grade.criterion == c.id) for c in rest}
        lasting = [c for c in rest if all(map(lasts, found[c.id]))]
        if lasting:
            self._memory.put(key, {self._identity(case, c)[0]: entry_of(found[c.id]) for c in lasting})
        return found

    def _identity(self, case: Case, criterion: Criterion) -> tuple[str, tuple[tuple[str, str], ...]]:
        name = case.id, criterion.id
        if name not in self._known:
            graders = rule_graders(criterion) if self._kind is Kind.RULE else attack_graders(criterion)
            self._known[name] = self._mark(criterion), graders
        return self._known[name]

    def _task(self, case: Case) -> str:
        if case.id not in self._tasks:
            self._tasks[case.id] = digest(case.task)
        return self._tasks[case.id]


def lasts(grade: Grade) -> bool:
    """Whether the same answer would be graded so again: what this machine could not do today it may do tomorrow."""
    if grade.status is not Status.UNSCORED:
        return True
    return grade.kind is Kind.RULE and not grade.reason.startswith(("ruff failed", "squawk failed"))
