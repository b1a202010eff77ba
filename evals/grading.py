"""How one answer is graded, by rule and by execution, and where that is done.

Here: the shape of a grader, and grading in this process. Not here: judges, other processes (`workers`,
`dask_workers`), the memory of grades (`remembering`), or any rule.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, Self

from evals.case import Case
from evals.execution import attack
from graders.criterion import TRUST, Grade
from graders.registry import BUILT_IN
from graders.static import grade_static
from graders.work import Criteria, attacked, by_attack, by_rule, is_plain, lost, ruled

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


class Work(Protocol):
    """One kind of grading, somewhere."""

    @property
    def width(self) -> int:
        """How many answers it takes at once."""
        ...

    async def grades(self, case: Case, criteria: Criteria, text: str) -> tuple[Grade, ...]:
        """Grades of some criteria of the case, in their order. Raises LostWork where the work came to no end."""
        ...


class LostWork(Exception):
    """The work was given twice and never came back; the message says why."""


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
        return (*static_grades(case, text), *found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._threads.shutdown(cancel_futures=True)


class Split:
    """Gives rules and attacks to the work that does them. What the text as it stands decides is decided at once."""

    def __init__(self, rules: Work, attacks: Work | Execute) -> None:
        """`attacks`: a work, or a function that has the grades at once."""
        self._rules = rules
        self._attacks = attacks
        self._parts: dict[str, tuple[Criteria, Criteria, Criteria]] = {}
        self._width = 1

    @property
    def width(self) -> int:
        return max(self._rules.width, self._width)

    async def grades(self, case: Case, text: str) -> tuple[Grade, ...]:
        if case.id not in self._parts:
            self._parts[case.id] = _parts(case)
        plain, rules, attacks = self._parts[case.id]
        if case.registry is not None:
            return await self._own(case, text, boxes=bool(attacks))
        found = by_rule(plain, case.task, text) if plain else ()
        if not attacks:
            return (*found, *await self._done(self._rules, case, rules, text))
        if callable(self._attacks):
            return (*found, *await self._done(self._rules, case, rules, text), *self._attacks(case, text))
        self._width = self._attacks.width
        executed = self._done(self._attacks, case, attacks, text)
        both = await asyncio.gather(executed, self._done(self._rules, case, rules, text))
        return (*found, *both[0], *both[1])

    async def _own(self, case: Case, text: str, *, boxes: bool) -> tuple[Grade, ...]:
        """With graders of the project, which no other process and no memory of grades knows: in threads of this one."""
        found = await asyncio.to_thread(static_grades, case, text)
        if not boxes:
            return found
        if callable(self._attacks):
            return (*found, *self._attacks(case, text))
        self._width = self._attacks.width
        return (*found, *await asyncio.to_thread(attack, case, text))

    async def _done(self, work: Work, case: Case, criteria: Criteria, text: str) -> tuple[Grade, ...]:
        if not criteria:
            return ()
        try:
            return await work.grades(case, criteria, text)
        except LostWork as error:
            return lost(by_rule if work is self._rules else by_attack, criteria, str(error))


def _parts(case: Case) -> tuple[Criteria, Criteria, Criteria]:
    """The criteria that checks of the text decide, those that rules decide, those that attacks may decide."""
    static = ruled(case.criteria)
    plain = tuple(filter(is_plain, static))
    return plain, tuple(c for c in static if c not in plain), attacked(case.criteria)


class Threads:
    """Attacks in this machine's boxes, as many answers at once as there are processors."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=cores())
        self.width = 2 * cores()

    async def grades(self, case: Case, criteria: Criteria, text: str) -> tuple[Grade, ...]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, by_attack, criteria, case.task, text)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def in_case_order(case: Case, grades: Sequence[Grade]) -> tuple[Grade, ...]:
    """Grades in the order of the case's criteria, the most trusted first."""
    order = {criterion.id: number for number, criterion in enumerate(case.criteria)}
    return tuple(sorted(grades, key=lambda grade: (order[grade.criterion], TRUST.index(grade.kind))))


def grade_answer(case: Case, text: str, given: Sequence[Grade] = ()) -> tuple[Grade, ...]:
    """All grades of one answer: by rule, computed here, and those given; in the order of the case's criteria."""
    return in_case_order(case, [*static_grades(case, text), *given])


def static_grades(case: Case, text: str) -> tuple[Grade, ...]:
    """The grades by rule, with the rules of the case's project."""
    return tuple(grade_static(ruled(case.criteria), text, case.task, (case.registry or BUILT_IN).rules))
