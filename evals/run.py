"""Answer every trial, ask every judge, grade every answer: the one asyncio loop.

All replies are there before anything is graded, so that a replay with a missing recording stops before any grade.
Not here: what a provider is made of, or how results are written.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from evals.case import Case
from evals.errors import FatalProviderError, MissingRecording, ProviderError
from evals.exchange import Gatherer, Message, Provider, Request, Response, Settings
from evals.trial import Trial
from graders.answer import read_answer
from graders.criterion import TRUST, Criterion, Grade, Kind
from graders.judge.panel import combine
from graders.judge.question import ask
from graders.judge.verdict import InvalidVerdict, judged, not_judged
from graders.registry import RULES_BY_ID
from graders.rules.grading import grade_rules
from graders.task import Task

JUDGE_MAX_TOKENS = 8_000
FEW = 3
"""So many missing recordings speak for themselves; more are summed up first."""
ATTEMPTS = 2
"""How often a judge is asked when its reply is invalid."""

T = TypeVar("T")

Question = tuple[Trial, Criterion, str]
"""What a judge is asked: about a criterion, of an answer's text."""

Execute = Callable[[Case, str], tuple[Grade, ...]]
"""Grades by execution of an answer's text; called in worker threads."""

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much is done, and how much there is."""


@dataclass(frozen=True, kw_only=True)
class Graded:
    """A trial with its answer and everything that was decided of it."""

    trial: Trial
    response: Response | None
    """None when the provider failed; then every grade is unscored."""
    grades: tuple[Grade, ...]
    failure: str = ""


def judge_request(
    trial: Trial, criterion: Criterion, answer: str, *, model: str, vote: int = 1, attempt: int = 1
) -> Request:
    """The request that asks a judge about one criterion of a trial's answer."""
    task, draw = trial.case.task, trial.request.draw
    return question_request(task, criterion, answer, model=model, vote=vote, attempt=attempt, draw=draw)


def question_request(
    task: Task, criterion: Criterion, answer: str, *, model: str, vote: int = 1, attempt: int = 1, draw: str = "0"
) -> Request:
    """The request that asks a judge about one criterion of any answer to a task."""
    question = ask(criterion, task, answer)
    settings = Settings(max_tokens=JUDGE_MAX_TOKENS, schema=question.schema)
    return Request(
        model=model,
        system=question.system,
        messages=(Message(role="user", text=question.text),),
        settings=settings,
        repeat=vote,
        attempt=attempt,
        draw=draw,
    )


def judged_criteria(trial: Trial) -> tuple[Criterion, ...]:
    """The criteria that list the judge. All are asked, whoever decides in the end."""
    return tuple(c for c in trial.case.criteria if any(ref.kind is Kind.JUDGE for ref in c.graders))


async def run(
    trials: Sequence[Trial],
    provider: Provider,
    judge: Provider,
    *,
    judge_model: str,
    votes: int = 1,
    jobs: int,
    execute: Execute = lambda *_: (),
    progress: Progress = lambda *_: None,
) -> list[Graded]:
    """Answer and grade every trial, in order.

    Raises MissingRecording with all that is missing, before any grade, and FatalProviderError at once.
    """
    gate = _Gate(jobs)
    await _gather(provider, [trial.request for trial in trials])
    answers = await _all([_answer(gate, provider, trial) for trial in trials], "answers", progress)
    questions = [
        (trial, criterion, answer.text)
        for trial, answer in zip(trials, answers, strict=True)
        if isinstance(answer, Response)
        for criterion in judged_criteria(trial)
    ]
    asked = [(question, vote) for question in questions for vote in range(1, votes + 1)]
    verdicts = await _verdicts(gate, judge, asked, judge_model, progress)
    executed = await _executed(trials, answers, execute, progress)
    by_trial: dict[str, list[Grade]] = {trial.name: list(executed.get(trial.name, ())) for trial in trials}
    for number, (trial, criterion, _) in enumerate(questions):
        said = verdicts[number * votes : (number + 1) * votes]
        panel = [one if isinstance(one, Grade) else _unjudged(criterion, one, judge_model) for one in said]
        by_trial[trial.name].append(combine(panel))
    graded = []
    for done, (trial, answer) in enumerate(zip(trials, answers, strict=True), 1):
        graded.append(_graded(trial, answer, by_trial[trial.name]))
        progress("answers graded", done, len(trials))
    return graded


async def _all(work: Sequence[Awaitable[T]], what: str, progress: Progress) -> list[T | ProviderError]:
    """Every result in order, service failures as values. Missing recordings are raised together; anything else at once."""
    done = 0

    async def counted(item: Awaitable[T]) -> T | ProviderError | MissingRecording:
        nonlocal done
        try:
            return await item
        except FatalProviderError:
            raise
        except (ProviderError, MissingRecording) as error:
            return error
        finally:
            done += 1
            progress(what, done, len(work))

    tasks = [asyncio.ensure_future(counted(item)) for item in work]
    try:
        results = await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _drop(work)
        raise
    missing = [result for result in results if isinstance(result, MissingRecording)]
    if missing:
        faults = [fault for error in missing for fault in error.faults]
        summary = [_many(what, len(faults))] if len(faults) > FEW else []
        raise MissingRecording(*summary, *faults)
    return [result for result in results if not isinstance(result, MissingRecording)]


def _drop(work: Sequence[Awaitable[T]]) -> None:
    """Close what never began: it would complain on its own."""
    for item in work:
        if asyncio.iscoroutine(item):
            item.close()


async def _executed(
    trials: Sequence[Trial], answers: Sequence[Response | ProviderError], execute: Execute, progress: Progress
) -> dict[str, tuple[Grade, ...]]:
    """Grades by execution of each answer, as many answers at once as there are cores."""
    given = [(t, a.text) for t, a in zip(trials, answers, strict=True) if isinstance(a, Response)]
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        work = [loop.run_in_executor(pool, execute, trial.case, text) for trial, text in given]
        results = await _all(work, "answers executed", progress)
    return {trial.name: grades for (trial, _), grades in zip(given, results, strict=True) if isinstance(grades, tuple)}


def _many(what: str, count: int) -> str:
    return (
        f"{count} {what} have no recording: the persona, a case or the judge's rubric has changed. "
        "`evals export requests` writes what must be recorded anew"
    )


class _Gate:
    """Lets so many requests through at once, and none any more after a fatal error."""

    def __init__(self, jobs: int) -> None:
        self._semaphore = asyncio.Semaphore(jobs)
        self._fatal: FatalProviderError | None = None

    async def respond(self, provider: Provider, request: Request) -> Response:
        async with self._semaphore:
            if self._fatal:
                raise self._fatal
            try:
                return await provider.respond(request)
            except FatalProviderError as error:
                self._fatal = error
                raise


async def _answer(gate: _Gate, provider: Provider, trial: Trial) -> Response:
    with _named(trial.name):
        return await gate.respond(provider, trial.request)


@contextmanager
def _named(place: str) -> Iterator[None]:
    """Say of a missing recording what it would be the recording of."""
    try:
        yield
    except MissingRecording as error:
        raise MissingRecording(f"{place}: {error}") from None


async def _gather(provider: Provider, requests: Sequence[Request]) -> None:
    if isinstance(provider, Gatherer):
        await provider.gather(requests)


async def _verdicts(
    gate: _Gate, judge: Provider, asked: Sequence[tuple[Question, int]], model: str, progress: Progress
) -> list[Grade | ProviderError]:
    """Ask every (question, vote) once, and those with an invalid reply once more, together; then they are unscored."""
    settled: dict[int, Grade | ProviderError | InvalidVerdict] = {}
    rest = list(range(len(asked)))
    for attempt in range(1, ATTEMPTS + 1):
        requests = [_vote(asked[number], model, attempt) for number in rest]
        await _gather(judge, requests)
        what = "judge replies" if attempt == 1 else "judge replies, asked again"
        work = [_verdict(gate, judge, asked[n][0], request, model) for n, request in zip(rest, requests, strict=True)]
        settled.update(zip(rest, await _all(work, what, progress), strict=True))
        rest = [number for number in rest if isinstance(settled[number], InvalidVerdict)]
    return [_last(question[1], settled[number], model) for number, (question, _) in enumerate(asked)]


def _vote(asked: tuple[Question, int], model: str, attempt: int) -> Request:
    question, vote = asked
    return judge_request(*question, model=model, vote=vote, attempt=attempt)


async def _verdict(
    gate: _Gate, judge: Provider, question: Question, request: Request, model: str
) -> Grade | InvalidVerdict:
    trial, criterion, answer = question
    with _named(f"{trial.name}, judge of {criterion.id}"):
        response = await gate.respond(judge, request)
    try:
        return judged(criterion, answer, response.text, judge=response.model or model, stop_reason=response.stop_reason)
    except InvalidVerdict as error:
        return error


def _last(criterion: Criterion, verdict: Grade | ProviderError | InvalidVerdict, model: str) -> Grade | ProviderError:
    if isinstance(verdict, InvalidVerdict):
        return not_judged(criterion, f"no valid reply in {ATTEMPTS} attempts: {verdict}", judge=model)
    return verdict


def _unjudged(criterion: Criterion, error: ProviderError, model: str) -> Grade:
    return not_judged(criterion, f"the judge failed: {error}", judge=model)


def _graded(trial: Trial, answer: Response | ProviderError, given: Sequence[Grade]) -> Graded:
    if isinstance(answer, ProviderError):
        return Graded(trial=trial, response=None, grades=(), failure=str(answer))
    return Graded(trial=trial, response=answer, grades=grade_answer(trial.case, answer.text, given))


def grade_answer(case: Case, text: str, given: Sequence[Grade] = ()) -> tuple[Grade, ...]:
    """All grades of one answer: by rule, computed here, and those given; in the order of the case's criteria."""
    grades = [*grade_rules(case.criteria, read_answer(text, case.task), case.task, RULES_BY_ID), *given]
    order = {criterion.id: number for number, criterion in enumerate(case.criteria)}
    return tuple(sorted(grades, key=lambda grade: (order[grade.criterion], TRUST.index(grade.kind))))
