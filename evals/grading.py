"""How one answer is graded, by rule and by execution, and where that is done.

Here: the shape of a grader, and grading in this process. Not here: judges, other processes (`workers`), the memory of
grades (`grade_cache`), or any rule.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, Self

from evals.case import Case
from graders.criterion import TRUST, Grade
from graders.work import attacked, by_rule, ruled

Execute = Callable[[Case, str], tuple[Grade, ...]]
"""Grades by execution of an answer's text; called in worker threads."""


class Grader(Protocol):
    """Grades answers by rule and by execution."""

    @property
    def width(self) -> int:
        """How many answers it takes at once; 1 where a second one would only wait."""
        ...

    async def grades(self, case: Case, text: str) -> tuple[Grade, ...]:
        """Every grade by rule and by execution of an answer's text."""
        ...


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Here:
    """Grades in this process: rules at once, execution in as many threads as there are processors."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._threads = ThreadPoolExecutor(max_workers=cores())
        self._executing = False

    @property
    def width(self) -> int:
        return 2 * cores() if self._executing else 1

    async def grades(self, case: Case, text: str) -> tuple[Grade, ...]:
        found: tuple[Grade, ...] = ()
        if attacked(case.criteria):
            self._executing = True
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._execute, case, text)
        return (*by_rule(ruled(case.criteria), case.task, text), *found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._threads.shutdown(cancel_futures=True)


def in_case_order(case: Case, grades: Sequence[Grade]) -> tuple[Grade, ...]:
    """Grades in the order of the case's criteria, the most trusted first."""
    order = {criterion.id: number for number, criterion in enumerate(case.criteria)}
    return tuple(sorted(grades, key=lambda grade: (order[grade.criterion], TRUST.index(grade.kind))))


def grade_answer(case: Case, text: str, given: Sequence[Grade] = ()) -> tuple[Grade, ...]:
    """All grades of one answer: by rule, computed here, and those given; in the order of the case's criteria."""
    return in_case_order(case, [*by_rule(ruled(case.criteria), case.task, text), *given])
