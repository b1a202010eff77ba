"""Rules in processes of their own, on all processors, where there is enough to do for that.

Here: when processes are worth it, and what happens when one dies. Not here: what they do (`graders.work`).
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from time import process_time
from typing import TypeVar

from evals.case import Case
from evals.grading import LostWork, cores
from graders.criterion import Grade
from graders.work import Criteria, by_rule

WORTH = 6.0
"""Seconds of grading that must lie ahead before processes are started: each of them takes about one to load the rules."""
HEAVY = 0.003
"""Seconds of grading an answer from which handing it over (about 0.4 ms here, on both sides) is small beside it."""
WARM = 4
"""Answers that load parsers and fill caches: what they take says nothing of the others."""
LEAST = 12
"""Answers that are graded here before the rest is estimated."""

T = TypeVar("T")


class Rules:
    """Grades by rule: here at first, and in worker processes as soon as the rest is long enough and they are up."""

    def __init__(self, answers: int, *, workers: int | None = None, heavy: float = HEAVY) -> None:
        """`answers`: how many there are to grade."""
        self._left = answers
        self._workers = cores() if workers is None else workers
        self._heavy = heavy
        self._done = 0
        self._spent = 0.0
        self._pool: Pool | None = None

    @property
    def width(self) -> int:
        return 4 * self._workers if self._pool and self._pool.ready else 1

    async def grades(self, case: Case, criteria: Criteria, text: str) -> tuple[Grade, ...]:
        self._left -= 1
        if self._pool and self._pool.ready:
            return await self._pool.run(by_rule, criteria, case.task, text)
        began = _worked()
        found = by_rule(criteria, case.task, text)
        self._done += 1
        if self._done > WARM:
            self._spent += _worked() - began
        if self._pool is None and self._is_worth_it:
            self._pool = Pool(self._workers)
        return found

    @property
    def _is_worth_it(self) -> bool:
        if self._workers < 2 or self._done < LEAST:
            return False
        each = self._spent / (self._done - WARM)
        return each >= self._heavy and self._left * each >= WORTH

    def close(self) -> None:
        if self._pool:
            self._pool.close()


def _worked() -> float:
    """Seconds of processor time so far, the tools that were called included; a busy machine does not stretch it."""
    tools = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + tools.ru_utime + tools.ru_stime


class Pool:
    """Worker processes. Work that one of them took to its grave is given once more, to a process that does nothing else."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._many = _processes(workers)
        self._alone: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()
        self._probe: Future[int] = self._many.submit(os.getpid)

    @property
    def ready(self) -> bool:
        """Whether a worker has answered. Where none can be had, none ever does."""
        return self._probe.done() and self._probe.exception() is None

    async def run(self, work: Callable[..., T], *given: object) -> T:
        """The result of a pure function in a worker. Raises LostWork when the work ended two workers."""
        pool = self._many
        try:
            return await asyncio.wrap_future(pool.submit(work, *given))
        except BrokenProcessPool:
            if pool is self._many:
                self._many = _processes(self._workers)
            return await self._again(work, *given)

    async def _again(self, work: Callable[..., T], *given: object) -> T:
        """One after the other, so that nothing is blamed for what another piece of work did."""
        async with self._turn:
            if self._alone is None:
                self._alone = _processes(1)
            try:
                return await asyncio.wrap_future(self._alone.submit(work, *given))
            except BrokenProcessPool:
                self._alone = None
                raise LostWork("a worker process ended while it graded this answer, and so did a second one") from None

    def close(self) -> None:
        """End the workers once what they have in hand is done; what waits is dropped."""
        for pool in (self._many, self._alone):
            if pool:
                pool.shutdown(cancel_futures=True)


def _processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """In a worker: an interrupt is the parent's to handle, and a worker without a parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
