"""Ask the judge about every answer, in rounds, and make its replies into grades.

Here: which questions there are, the second attempt, what is held of the verdicts. Not here: what is asked
(`graders.judge.question`), or how a reply is read (`graders.judge.verdict`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from evals.asking import Progress, ask_all, named
from evals.errors import ProviderError
from evals.exchange import Gatherer, Message, Provider, Rememberer, Request, Response, Settings
from evals.held import Held
from evals.trial import Trial
from graders.criterion import Criterion, Grade, Kind
from graders.judge.panel import combine
from graders.judge.question import ask
from graders.judge.verdict import InvalidVerdict, judged, not_judged
from graders.task import Task

JUDGE_MAX_TOKENS = 8_000
ATTEMPTS = 2
"""How often a judge is asked when its reply is invalid."""
ROOM = 10_000
"""Verdicts that are held although they could be read again out of the remembered replies."""


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


class Question(NamedTuple):
    """One vote on one criterion of the answer to a numbered trial."""

    number: int
    trial: Trial
    criterion: Criterion
    vote: int

    @property
    def key(self) -> tuple[int, str, int]:
        return self.number, self.criterion.id, self.vote


class Judging:
    """One run's judge: first every question is asked, then the grades of each answer are taken."""

    def __init__(
        self,
        judge: Provider,
        answers: Held,
        *,
        model: str,
        votes: int,
        jobs: int,
        progress: Progress,
        room: int = ROOM,
    ) -> None:
        self._judge = judge
        self._memory = judge if isinstance(judge, Rememberer) else None
        self._answers = answers
        self._model = model
        self._votes = votes
        self._jobs = jobs
        self._progress = progress
        self._room = room
        self._invalid: dict[tuple[int, str, int], str] = {}
        """Why the last attempt gave no verdict, by question."""
        self._failed: dict[tuple[int, str, int], str] = {}
        self._second: set[tuple[int, str, int]] = set()
        """Questions whose second reply counts."""
        self._verdicts: dict[tuple[int, str, int], Grade] = {}

    async def ask(self, trials: Collection[Trial], unanswered: Collection[int]) -> None:
        """Every question once, and those with an invalid reply once more, together. Raises as `ask_all` does."""
        total = sum(self._votes * len(judged_criteria(t)) for n, t in enumerate(trials) if n not in unanswered)
        if not total:
            return
        await self._round(self._questions(trials, unanswered), total, 1, "judge replies")
        again = dict(self._invalid)
        if again:
            rest = (question for question in self._questions(trials, unanswered) if question.key in again)
            self._second = set(again)
            self._invalid.clear()
            await self._round(rest, len(again), ATTEMPTS, "judge replies, asked again")

    async def grades(self, number: int, trial: Trial, answer: str) -> list[Grade]:
        """A grade for each criterion that lists the judge, in order: what the panel of votes decided."""
        return [
            combine([await self._grade(Question(number, trial, criterion, vote), answer) for vote in self._seats])
            for criterion in judged_criteria(trial)
        ]

    @property
    def _seats(self) -> range:
        return range(1, self._votes + 1)

    def _questions(self, trials: Collection[Trial], unanswered: Collection[int]) -> Iterator[Question]:
        for number, trial in enumerate(trials):
            if number not in unanswered:
                for criterion in judged_criteria(trial):
                    for vote in self._seats:
                        yield Question(number, trial, criterion, vote)

    async def _round(self, questions: Iterator[Question], total: int, attempt: int, what: str) -> None:
        if isinstance(self._judge, Gatherer):
            asked = list(questions)
            await self._judge.gather([await self._request(question, attempt) for question in asked])
            questions = iter(asked)

        async def put(question: Question) -> None:
            answer = await self._answers.take(question.number, question.trial)
            request = self._spelled(question, answer.text, attempt)
            with named(f"{question.trial.name}, judge of {question.criterion.id}"):
                reply = await self._judge.respond(request)
            self._note(question, answer.text, reply)

        def failed(question: Question, error: ProviderError) -> None:
            self._failed[question.key] = str(error)

        await ask_all(questions, put, failed, jobs=self._jobs, total=total, what=what, progress=self._progress)

    def _note(self, question: Question, answer: str, reply: Response) -> None:
        """Hold a verdict while there is room, or where it could not be read again; note a reply that holds none."""
        try:
            grade = self._read(question, answer, reply)
        except InvalidVerdict as error:
            self._invalid[question.key] = str(error)
            return
        if self._memory is None or len(self._verdicts) < self._room:
            self._verdicts[question.key] = grade

    async def _request(self, question: Question, attempt: int) -> Request:
        answer = await self._answers.take(question.number, question.trial)
        return self._spelled(question, answer.text, attempt)

    def _spelled(self, question: Question, answer: str, attempt: int) -> Request:
        return judge_request(
            question.trial, question.criterion, answer, model=self._model, vote=question.vote, attempt=attempt
        )

    def _read(self, question: Question, answer: str, reply: Response) -> Grade:
        judge = reply.model or self._model
        return judged(question.criterion, answer, reply.text, judge=judge, stop_reason=reply.stop_reason)

    async def _grade(self, question: Question, answer: str) -> Grade:
        """What a vote decided: held, or read again out of the reply that counts."""
        key = question.key
        if key in self._failed:
            return not_judged(question.criterion, f"the judge failed: {self._failed[key]}", judge=self._model)
        if key in self._invalid:
            return self._undecided(question, self._invalid[key])
        held = self._verdicts.pop(key, None)
        if held is not None:
            return held
        request = self._spelled(question, answer, ATTEMPTS if key in self._second else 1)
        reply = self._memory.recall(request) if self._memory else None
        try:
            return self._read(question, answer, reply or await self._judge.respond(request))
        except InvalidVerdict as error:
            return self._undecided(question, str(error))

    def _undecided(self, question: Question, why: str) -> Grade:
        return not_judged(question.criterion, f"no valid reply in {ATTEMPTS} attempts: {why}", judge=self._model)
