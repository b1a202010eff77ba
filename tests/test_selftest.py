"""The self-test notices a defect that nobody noticed, a sound answer that failed, and an attack that cannot fail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import pytest

from evals.case import Case
from evals.selftest import BadMutant, Report, jobs, seeded, selftest
from graders.criterion import Status
from graders.execution.attack import Attack, Mutant, Outcome, Suite
from tests.conftest import attack_criterion

GOOD = "```python\n# app.py\nlock()\nlimit()\n```\n"


CASE = Case(
    id="c",
    version=1,
    family="f",
    title="t",
    message="m",
    attachments=(),
    files=("app.py",),
    criteria=(attack_criterion("locked", "A-1"), attack_criterion("limited", "A-2")),
)
MUTANTS = (
    Mutant(id="no-lock", answer="plain", file="app.py", old="lock()\n", new="", noticed_by=("A-1",)),
    Mutant(id="no-limit", answer="plain", file="app.py", old="limit()\n", new="", noticed_by=("A-2",)),
)


def suite(looks: Mapping[str, str], good: str = GOOD, mutants: tuple[Mutant, ...] = MUTANTS) -> Suite:
    """Attacks that pass where a word stands in the file."""

    def run(files: Mapping[str, str], wanted: Collection[str]) -> Mapping[str, Outcome]:
        return {
            name: Outcome(status=Status.PASS if looks[name] in files["app.py"] else Status.FAIL, reason="r")
            for name in wanted
        }

    attacks = tuple(Attack(id=name, title=name) for name in looks)
    answers: Callable[[], Mapping[str, str]] = lambda: {"plain": good}  # noqa: E731
    return Suite(name="s", attacks=attacks, files=("app.py",), run=run, good_answers=answers, mutants=lambda: mutants)


def report(one: Suite) -> Report:
    return selftest(list(jobs(one, CASE)))


def test_defects_that_are_noticed_and_sound_answers_that_pass() -> None:
    made = report(suite({"A-1": "lock()", "A-2": "limit()"}))
    assert (made.noticed, made.mute, made.passed) == (1.0, (), True)
    assert [result.failed for result in made.results] == [(), ("locked",), ("limited",)]


def test_an_attack_that_cannot_fail_is_a_defect() -> None:
    made = report(suite({"A-1": "lock()", "A-2": "app.py"}))
    assert made.noticed == 0.5
    assert made.mute == ("c/limited",)
    assert not made.passed


def test_a_sound_answer_that_fails_fails_the_selftest() -> None:
    made = report(
        suite({"A-1": "lock()", "A-2": "limit()"}, good=GOOD.replace("limit()", "other()"), mutants=MUTANTS[:1])
    )
    assert [result.sound for result in made.answers] == [False]
    assert not made.passed


def test_the_wrong_alarm_does_not_count() -> None:
    made = report(suite({"A-1": "limit()", "A-2": "lock()"}))
    assert made.noticed == 0.0


def test_a_defect_must_fit_its_answer() -> None:
    with pytest.raises(BadMutant, match="stands 0 times in plain"):
        seeded("nothing", MUTANTS[0])
