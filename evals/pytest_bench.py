"""One suite as the tests of one process see it: its trials, and the result of each, answered and graded when it is run.

Not here: pytest itself (`evals.pytest_cases`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property

from evals.case import Case, Suite
from evals.commands import providers, shared
from evals.errors import InputError, MissingRecording, ProviderError
from evals.exchange import SCRIPTED, UNSTATED, Provider, Request, Response
from evals.execution import Executor
from evals.expectation import Expectation, advice, least, on_record, shortfalls, stale
from evals.graded_answer import GradedAnswer
from evals.judge_record import judge_context, judge_name
from evals.licence import licensed
from evals.persona import Persona
from evals.project import Project
from evals.providers.recorded import RecordedProvider
from evals.pytest_guard import no_network
from evals.recording import Recording
from evals.report.safe import plain
from evals.run import Graded, run
from evals.scorecard import Scorecard, answer_digest
from evals.scorecard_file import read_card
from evals.trial import Trial, plan_trials
from graders.criterion import Dimension

JOBS = 8
OFFLINE = {"replay": UNSTATED, "scripted": SCRIPTED}
FAULTS_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked for on the command line of pytest."""

    provider: str
    personas: tuple[str, ...]
    """Empty: all revisions."""
    repeats: int | None
    execute: bool


@dataclass(frozen=True, kw_only=True)
class Result:
    """One trial's end."""

    faults: tuple[str, ...]
    """Why the test fails; empty when it passes."""
    advice: tuple[str, ...] = ()
    answer: GradedAnswer | None = None
    properties: tuple[tuple[str, str | float], ...] = ()


class _Told:
    """A judge whose missing replies leave their criteria unscored, and are told at the end: rules and attacks still decide."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.missing: list[str] = []

    async def respond(self, request: Request) -> Response:
        try:
            return await self._provider.respond(request)
        except MissingRecording as error:
            self.missing.append(str(error))
            message = "its reply was not recorded"
            raise ProviderError(message) from None


class Bench:
    """Loads what it needs when it is needed first, once a process."""

    def __init__(self, home: Project, suite: Suite, options: Options) -> None:
        self.home = home
        self.suite = suite
        self.options = options

    @cached_property
    def personas(self) -> tuple[Persona, ...]:
        found = shared.personas(self.home, self.suite, self.options.personas)
        return tuple({persona.revision: persona for persona in found}.values())

    @cached_property
    def executor(self) -> Executor:
        return shared.executor(self.home, self.suite, execute=self.options.execute)

    @cached_property
    def _recordings(self) -> list[Recording]:
        return shared.recordings(self.home, self.suite.id) if self.options.provider == "replay" else []

    @cached_property
    def _judge(self) -> str:
        return OFFLINE.get(self.options.provider) or self.suite.judge

    @cached_property
    def _licensed(self) -> tuple[Dimension, ...]:
        recorded = self._recordings
        judge = judge_name(recorded) if recorded else self._judge
        return licensed(self.home, self.suite.id, judge=judge, context=judge_context(recorded))

    @cached_property
    def _cards(self) -> dict[str, Scorecard]:
        """Committed scorecards by revision. They are of recorded answers, so they say nothing of others."""
        if self.options.provider != "replay":
            return {}
        cards = [read_card(path, self.home.shown(path)) for path in shared.card_paths(self.home, self.suite)]
        return {card.header.revision: card for card in cards}

    def trials(self, case: Case, persona: Persona) -> list[Trial]:
        """The trials of a case and a revision, in order."""
        model = OFFLINE.get(self.options.provider) or self.suite.model
        repeats = self.options.repeats or self.suite.repeats
        return list(plan_trials(self.suite, [case], [persona], model=model, repeats=repeats))

    def result(self, trial: Trial) -> Result:
        """Answer, grade, hold against what is expected. Raises EvalsError where there is nothing to grade."""
        expected = self._expectation(trial)
        wall = no_network() if self.options.provider in OFFLINE else nullcontext()
        with wall:
            graded, missing = asyncio.run(self._graded(trial))
        if graded.response is None:
            return Result(faults=(f"no answer: {plain(graded.failure, 400)}",))
        answer = GradedAnswer(trial.case, graded.response.text, graded.grades)
        return Result(
            faults=(*shortfalls(answer, expected), *_missing(missing)),
            advice=advice(answer, expected),
            answer=answer,
            properties=self._properties(answer, graded.response),
        )

    def _expectation(self, trial: Trial) -> Expectation:
        card = self._cards.get(trial.persona.revision)
        if card and (why := stale(card, trial)):
            raise InputError(why)
        return Expectation(
            record=on_record(card, trial) if card else None,
            minimum=least(self.suite, trial.case),
            unscored_limit=self.suite.unscored_limit,
            licensed=self._licensed,
        )

    async def _graded(self, trial: Trial) -> tuple[Graded, list[str]]:
        async with self._provider(trial) as provider:
            judge = _Told(provider)
            [graded] = await run(
                [trial],
                provider,
                judge,
                judge_model=self._judge,
                votes=self.suite.votes,
                jobs=JOBS,
                execute=self.executor.grades,
            )
        return graded, judge.missing

    @asynccontextmanager
    async def _provider(self, trial: Trial) -> AsyncIterator[Provider]:
        if self.options.provider == "replay":
            yield RecordedProvider(self._recordings)
        elif self.options.provider == "scripted":
            from evals.scripts import read_scripts

            yield read_scripts(self.home, self.suite.id, [trial])
        else:
            async with providers.live_provider(self.home) as live:
                yield live

    def _properties(self, answer: GradedAnswer, response: Response) -> tuple[tuple[str, str | float], ...]:
        """What JUnit files keep of a trial."""
        scores = [(f"evals.score.{d.value}", round(s, 4)) for d, s in answer.scores.items() if s is not None]
        return (
            ("evals.provider", self.options.provider),
            ("evals.model", response.model or "not stated"),
            ("evals.answer", answer_digest(answer.text)),
            *scores,
            ("evals.unscored", len(answer.unscored)),
        )


def _missing(texts: list[str]) -> tuple[str, ...]:
    if not texts:
        return ()
    shown = "\n".join(f"    {plain(text, 300)}" for text in texts[:FAULTS_SHOWN])
    more = f"\n    and {len(texts) - FAULTS_SHOWN} more" if len(texts) > FAULTS_SHOWN else ""
    return (f"{len(texts)} judge replies are not recorded; `evals export requests` writes what to ask\n{shown}{more}",)
