"""The sequential gate on scripted providers: it stops for a loss, for none, at the cap, and doubts its own alarms."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evals.case import Case, Suite
from evals.comparison import Verdict
from evals.errors import InputError
from evals.exchange import Request
from evals.load import load_suite
from evals.load_personas import find_persona
from evals.persona import Persona
from evals.project import Project
from evals.providers.scripted import ScriptedProvider
from evals.run import run
from evals.scorecard import Scorecard
from evals.sequential import Outcome, SequentialGate, asking
from evals.tally import tally
from evals.trial import plan_trials

SAFE = '```python\ndb.execute("SELECT id FROM u WHERE n = %s", (n,))\n```\n'
UNSAFE = "```python\ndb.execute(f\"SELECT id FROM u WHERE n = '{n}'\")\n```\n"
VERDICT = json.dumps({"reason": "r", "quotes": ["db.execute"], "verdict": "pass"})
CASES = 10
BASELINE = 6

Script = Callable[[Request], str]


@pytest.fixture
def suite(project: Path) -> Suite:
    """Ten cases of one rule criterion each."""
    small = load_suite(Project(project), "small")
    case = small.cases[0]
    rule = tuple(replace(c, graders=c.graders[:1]) for c in case.criteria[:1])
    cases = [Case(f"c{n}", 1, f"f{n}", case.title, f"{case.message} Number {n}.", (), (), rule) for n in range(CASES)]
    return replace(small, cases=tuple(cases))


@pytest.fixture
def persona(project: Path) -> Persona:
    return find_persona(Project(project), "helper", "0001")


def provider(script: Script) -> ScriptedProvider:
    return ScriptedProvider(lambda request: VERDICT if request.settings.schema else script(request))


def baseline(suite: Suite, persona: Persona, script: Script, repeats: int = BASELINE) -> Scorecard:
    trials = list(plan_trials(suite, suite.cases, [persona], model="m", repeats=repeats))
    scripted = provider(script)
    graded = asyncio.run(run(trials, scripted, scripted, judge_model="j", jobs=8))
    return tally(suite, persona, graded, judge_model="j")


def gate(
    suite: Suite, base: Scorecard, persona: Persona, script: Script, *, draw: str = "0"
) -> tuple[Outcome, Sequence[Request]]:
    scripted = provider(script)
    ask = asking(suite, suite.cases, scripted, model="m", judge_model="j", jobs=8, execute=lambda *_: ())
    made = SequentialGate(suite=suite, base=base, persona=persona, ask=ask, judge_model="j", draw=draw)
    return asyncio.run(made.run()), scripted.requests


@pytest.fixture
def edited(persona: Persona) -> Persona:
    return replace(persona, revision="0002", body="Be quick.")


def test_a_regression_stops_at_the_first_look(suite: Suite, persona: Persona, edited: Persona) -> None:
    base = baseline(suite, persona, lambda _: SAFE)
    outcome, requests = gate(suite, base, edited, lambda _: UNSAFE)
    assert outcome.comparison.verdict is Verdict.REGRESSED
    assert (outcome.look, outcome.drawn, len(requests)) == (1, 2 * CASES, 2 * CASES)
    assert outcome.comparison.sentence.endswith("; look 1 of 4, 2 of at most 8 answers a case.")


def test_no_loss_stops_as_soon_as_one_can_be_ruled_out(suite: Suite, persona: Persona, edited: Persona) -> None:
    base = baseline(suite, persona, lambda _: SAFE)
    outcome, requests = gate(suite, base, edited, lambda _: SAFE)
    assert outcome.comparison.verdict is Verdict.NOT_WORSE
    # 60 answers of the base never varied, and 59 of the candidate are needed before a loss beyond 0.05 is ruled out
    assert (outcome.look, len(requests)) == (4, 8 * CASES)
    wide = replace(suite, margins=replace(suite.margins, overall=0.2, dimension=0.2))
    sooner, _ = gate(wide, base, edited, lambda _: SAFE)
    assert (sooner.comparison.verdict, sooner.look) == (Verdict.NOT_WORSE, 2)


def test_what_stays_open_is_inconclusive_at_the_cap(suite: Suite, persona: Persona, edited: Persona) -> None:
    base = baseline(suite, persona, lambda _: SAFE)
    outcome, _ = gate(
        suite,
        base,
        edited,
        lambda request: UNSAFE if request.repeat in (4, 6, 7) and "Number 1." in str(request) else SAFE,
    )
    assert outcome.look == 4
    assert outcome.comparison.verdict is Verdict.INCONCLUSIVE


def test_each_answer_is_asked_for_once(suite: Suite, persona: Persona, edited: Persona) -> None:
    _, requests = gate(suite, baseline(suite, persona, lambda _: SAFE), edited, lambda _: SAFE)
    assert len({request.digest for request in requests}) == len(requests)
    assert sorted({request.repeat for request in requests}) == list(range(1, 9))


def test_an_alarm_on_an_unchanged_persona_must_be_confirmed(suite: Suite, persona: Persona) -> None:
    """The model had a bad night, or has drifted: fresh answers of both sides are equally bad, so the text is not to blame."""
    base = baseline(suite, persona, lambda _: SAFE)
    outcome, requests = gate(suite, base, persona, lambda _: UNSAFE, draw="tonight")
    assert outcome.comparison.verdict is not Verdict.REGRESSED
    assert (
        "the alarm at look 1 on an unchanged persona was not confirmed by 5 fresh answers"
        in outcome.comparison.sentence
    )
    assert outcome.drawn == len(requests) == (2 + 5 + 5) * CASES
    assert {request.draw for request in requests} == {"tonight", "tonight-confirm-base", "tonight-confirm-candidate"}
    assert len({request.digest for request in requests}) == len(requests)


def test_an_alarm_that_fresh_answers_repeat_stands(suite: Suite, persona: Persona) -> None:
    base = baseline(suite, persona, lambda _: SAFE)
    outcome, _ = gate(
        suite, base, persona, lambda request: SAFE if request.draw.endswith("base") else UNSAFE, draw="tonight"
    )
    assert outcome.comparison.verdict is Verdict.REGRESSED
    assert "was confirmed by 5 fresh answers" in outcome.comparison.sentence


def test_an_unchanged_persona_needs_another_draw(suite: Suite, persona: Persona) -> None:
    base = baseline(suite, persona, lambda _: SAFE)
    with pytest.raises(InputError, match="name another draw"):
        gate(suite, base, persona, lambda _: SAFE)


def test_a_baseline_of_one_answer_is_none(suite: Suite, persona: Persona, edited: Persona) -> None:
    base = baseline(suite, persona, lambda _: SAFE, repeats=1)
    with pytest.raises(InputError, match="fewer than 2 answers"):
        gate(suite, base, edited, lambda _: SAFE)


def test_unlike_things_stop_at_once(suite: Suite, persona: Persona, edited: Persona) -> None:
    base = baseline(suite, persona, lambda _: SAFE)
    other = replace(base, header=replace(base.header, model="another"))
    outcome, requests = gate(suite, other, edited, lambda _: SAFE)
    assert outcome.comparison.verdict is Verdict.NOT_COMPARABLE
    assert len(requests) == 2 * CASES
