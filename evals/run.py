"""Answer every trial, ask every judge, grade every answer: the one asyncio loop.

All replies are there before anything is graded, so that a replay with a missing recording stops before any grade.
Texts that the provider can give again are not held meanwhile, and graded answers leave one by one, in order.
Not here: what a provider is made of, how one answer is graded (`grading`), or how results are written.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from evals.asking import Progress, ask_all, named
from evals.errors import ProviderError
from evals.exchange import Gatherer, Provider, Response
from evals.grading import Execute, Grader, Here, grade_answer, in_case_order
from evals.held import Held
from evals.judging import (
    ATTEMPTS,
    JUDGE_MAX_TOKENS,
    Judging,
    judge_request,
    judged_criteria,
    question_request,
)
from evals.trial import Trial
from graders.criterion import Grade

__all__ = [
    "ATTEMPTS",
    "JUDGE_MAX_TOKENS",
    "Execute",
    "Graded",
    "grade_answer",
    "judge_request",
    "judged_criteria",
    "question_request",
    "run",
    "stream",
]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Graded:
    """A trial with its answer and everything that was decided of it."""

    trial: Trial
    response: Response | None
    """None when the provider failed; then every grade is unscored."""
    grades: tuple[Grade, ...]
    failure: str = ""


async def run(
    trials: Collection[Trial],
    provider: Provider,
    judge: Provider,
    *,
    judge_model: str,
    votes: int = 1,
    jobs: int,
    execute: Execute = lambda *_: (),
    progress: Progress = lambda *_: None,
) -> list[Graded]:
    """Answer and grade every trial, in order, and hold it all: for runs of which everything is looked at again."""
    with Here(execute) as grader:
        found = stream(
            trials,
            provider,
            judge,
            judge_model=judge_model,
            votes=votes,
            jobs=jobs,
            grader=grader,
            progress=progress,
        )
        return [graded async for graded in found]


async def stream(
    trials: Collection[Trial],
    provider: Provider,
    judge: Provider,
    *,
    judge_model: str,
    votes: int = 1,
    jobs: int,
    grader: Grader,
    progress: Progress = lambda *_: None,
) -> AsyncGenerator[Graded, None]:
    """Answer every trial, then judge, then grade one answer after the other, in order. `trials` is gone through often.

    Raises MissingRecording with all that is missing, before any grade, and FatalProviderError at once.
    """
    answers = Held(provider)
    failures = await _answered(trials, provider, answers, jobs, progress)
    judging = Judging(judge, answers, model=judge_model, votes=votes, jobs=jobs, progress=progress)
    await judging.ask(trials, failures.keys())

    async def graded(number: int, trial: Trial) -> Graded:
        if number in failures:
            return Graded(trial=trial, response=None, grades=(), failure=failures[number])
        response = await answers.take(number, trial)
        given = await judging.grades(number, trial, response.text)
        found = await grader.grades(trial.case, response.text)
        return Graded(trial=trial, response=response, grades=in_case_order(trial.case, [*found, *given]))

    done = 0
    async with aclosing(_in_order((graded(*each) for each in enumerate(trials)), lambda: grader.width)) as items:
        async for item in items:
            done += 1
            progress("answers graded", done, len(trials))
            yield item


async def _answered(
    trials: Collection[Trial], provider: Provider, answers: Held, jobs: int, progress: Progress
) -> dict[int, str]:
    """Have every answer in the provider's memory, or held; why there is none, by number of the trial."""
    if isinstance(provider, Gatherer):
        await provider.gather([trial.request for trial in trials])
    failures: dict[int, str] = {}

    async def answer(item: tuple[int, Trial]) -> None:
        number, trial = item
        with named(trial.name):
            answers.keep(number, await provider.respond(trial.request))

    def failed(item: tuple[int, Trial], error: ProviderError) -> None:
        failures[item[0]] = str(error)

    await ask_all(enumerate(trials), answer, failed, jobs=jobs, total=len(trials), what="answers", progress=progress)
    return failures


async def _in_order(work: Iterable[Coroutine[None, None, T]], width: Callable[[], int]) -> AsyncGenerator[T, None]:
    """Results in the order of the work, of which `width()` pieces are under way and no more."""
    waiting: deque[asyncio.Task[T]] = deque()
    try:
        for piece in work:
            if width() == 1 and not waiting:  # spares the task where nothing would run beside it
                yield await piece
                continue
            waiting.append(asyncio.create_task(piece))
            while len(waiting) >= width():
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
