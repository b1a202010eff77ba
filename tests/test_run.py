"""Answer, judge, grade: with scripted providers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.case import Suite
from evals.errors import FatalProviderError, MissingRecording, ProviderError
from evals.exchange import Provider, Request, Response
from evals.load import load_suite
from evals.load_personas import revisions
from evals.project import Project
from evals.providers.scripted import ScriptedProvider
from evals.run import Graded, run
from evals.trial import Trial, plan_trials
from graders.criterion import Kind, Status

ANSWER = 'Because of injection.\n\n```python\ndb.execute("SELECT id FROM t WHERE a = %s", (a,))\n```\n'
VERDICT = json.dumps({"reason": "r", "quotes": ["Because of injection"], "verdict": "fail"})


@pytest.fixture
def suite(project: Path) -> Suite:
    return load_suite(Project(project), "small")


@pytest.fixture
def trials(project: Path, suite: Suite) -> list[Trial]:
    return list(plan_trials(suite, suite.cases, revisions(Project(project), "helper"), model="m", repeats=2))


def go(trials: list[Trial], provider: Provider, judge: Provider | None = None, jobs: int = 3) -> list[Graded]:
    return asyncio.run(run(trials, provider, judge or ScriptedProvider(lambda _: VERDICT), judge_model="j", jobs=jobs))


def test_revisions_are_interleaved(trials: list[Trial]) -> None:
    assert [trial.name for trial in trials] == ["login/0000/1", "login/0001/1", "login/0000/2", "login/0001/2"]
    assert len({trial.request.digest for trial in trials}) == 4


def test_the_control_sends_no_system_prompt(trials: list[Trial]) -> None:
    assert [trial.request.system for trial in trials[:2]] == [None, "Be safe. Explain yourself."]


def test_every_listed_judge_is_asked_whoever_decides(trials: list[Trial]) -> None:
    judge = ScriptedProvider(lambda _: VERDICT)
    graded = go(trials, ScriptedProvider(lambda _: ANSWER), judge)
    assert len(judge.requests) == 8
    kinds = [(g.criterion, g.kind, g.status) for g in graded[0].grades]
    assert kinds == [
        ("sql-safe", Kind.RULE, Status.PASS),
        ("sql-safe", Kind.JUDGE, Status.FAIL),
        ("explains", Kind.JUDGE, Status.FAIL),
    ]


def test_an_invalid_verdict_is_asked_for_once_more(trials: list[Trial]) -> None:
    def script(request: Request) -> str:
        return "no JSON" if request.attempt == 1 else VERDICT

    judge = ScriptedProvider(script)
    graded = go(trials[:1], ScriptedProvider(lambda _: ANSWER), judge)
    assert [request.attempt for request in judge.requests].count(2) == 2
    assert graded[0].grades[-1].status is Status.FAIL


def test_a_judge_that_never_replies_well_is_unscored(trials: list[Trial]) -> None:
    graded = go(trials[:1], ScriptedProvider(lambda _: ANSWER), ScriptedProvider(lambda _: "pass!"))
    assert graded[0].grades[-1].status is Status.UNSCORED
    assert "no valid reply in 2 attempts" in graded[0].grades[-1].reason


def test_a_panel_votes_apart_and_the_majority_decides(trials: list[Trial]) -> None:
    def script(request: Request) -> str:
        return VERDICT.replace("fail", "pass") if request.repeat == 2 else VERDICT

    judge = ScriptedProvider(script)
    work = run(trials[:2], ScriptedProvider(lambda _: ANSWER), judge, judge_model="j", votes=3, jobs=3)
    graded = asyncio.run(work)
    assert len(judge.requests) == 2 * 2 * 3
    assert len({request.digest for request in judge.requests}) == 2 * 3, "equal answers ask the same"
    for item in graded:
        judged = [grade for grade in item.grades if grade.kind is Kind.JUDGE]
        assert [grade.criterion for grade in judged] == ["sql-safe", "explains"]
        assert {grade.votes for grade in judged} == {(Status.FAIL, Status.PASS, Status.FAIL)}
        assert {grade.status for grade in judged} == {Status.FAIL}


def test_a_panel_of_which_one_fails_goes_on_with_the_others(trials: list[Trial]) -> None:
    def script(request: Request) -> str:
        if request.repeat == 1:
            raise ProviderError("overloaded")
        return VERDICT

    work = run(
        trials[:1], ScriptedProvider(lambda _: ANSWER), ScriptedProvider(script), judge_model="j", votes=3, jobs=3
    )
    (graded,) = asyncio.run(work)
    assert graded.grades[-1].votes == (Status.UNSCORED, Status.FAIL, Status.FAIL)
    assert graded.grades[-1].status is Status.FAIL


def failing(error: Exception, when: Callable[[Request], bool] = lambda _: True) -> ScriptedProvider:
    def script(request: Request) -> str:
        if when(request):
            raise error
        return ANSWER

    return ScriptedProvider(script)


def test_a_failed_answer_is_a_failure_not_an_answer(trials: list[Trial]) -> None:
    graded = go(trials, failing(ProviderError("overloaded"), lambda request: request.repeat == 2))
    assert [item.failure for item in graded] == ["", "", "overloaded", "overloaded"]
    assert graded[2].grades == ()


def test_a_failed_judge_is_unscored(trials: list[Trial]) -> None:
    graded = go(trials[:1], ScriptedProvider(lambda _: ANSWER), failing(ProviderError("overloaded")))
    assert graded[0].grades[-1].status is Status.UNSCORED
    assert "overloaded" in graded[0].grades[-1].reason


def test_a_fatal_error_stops_the_run(trials: list[Trial]) -> None:
    provider = failing(FatalProviderError("bad key"))
    with pytest.raises(FatalProviderError, match="bad key"):
        go(trials, provider, jobs=1)
    assert len(provider.requests) < len(trials)


def test_all_missing_recordings_are_named_together(trials: list[Trial]) -> None:
    with pytest.raises(MissingRecording) as caught:
        go(trials, failing(MissingRecording("not there")))
    said, *named = map(str, caught.value.faults)
    assert said.startswith("4 answers have no recording")
    assert len(named) == 4


def test_no_more_requests_than_asked_for_are_under_way(trials: list[Trial]) -> None:
    class Counting:
        def __init__(self) -> None:
            self.now = self.most = 0

        async def respond(self, request: Request) -> Response:
            self.now += 1
            self.most = max(self.most, self.now)
            for _ in range(5):
                await asyncio.sleep(0)
            self.now -= 1
            return await ScriptedProvider(lambda _: ANSWER).respond(request)

    counting = Counting()
    go(trials, counting, jobs=2)
    assert counting.most == 2
