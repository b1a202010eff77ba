"""From outcomes of attacks to grades, and which grades count where nothing can be executed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from evals.case import Attachment, Case
from evals.execution import Attacked, Recorded, record_of
from evals.scorecard import GradeLine, answer_digest
from graders.answer import read_answer
from graders.criterion import Grade, Kind, Status
from graders.execution import grading
from graders.execution.attack import Attack, Outcome, Suite
from graders.execution.box import BoxError
from graders.execution.grading import files_of, grade_attacks
from graders.registry import BUILT_IN
from graders.task import Task
from tests.conftest import attack_criterion

ANSWER = "```python\n# app.py\nprint('mine')\n```\n"


CASE = Case(
    id="c",
    version=1,
    family="f",
    title="t",
    message="m",
    attachments=(Attachment(name="old.py", text="old"), Attachment(name="app.py", text="the user's")),
    files=("app.py",),
    criteria=(attack_criterion("one", "A-1", "A-2"), attack_criterion("two", "A-3")),
)


def suite(outcomes: Mapping[str, Outcome] | Exception) -> Suite:
    def run(files: Mapping[str, str], wanted: Collection[str]) -> Mapping[str, Outcome]:
        if isinstance(outcomes, Exception):
            raise outcomes
        assert "print('mine')" in files["app.py"]
        return outcomes

    attacks = tuple(Attack(id=name, title=name, version=number) for number, name in enumerate(("A-1", "A-2", "A-3"), 1))
    return Suite(name="s", attacks=attacks, files=("app.py", "old.py"), run=run)


def outcome(status: Status, *lines: str) -> Outcome:
    return Outcome(status=status, reason=f"because {status.value}", transcript=lines)


def grades(outcomes: Mapping[str, Outcome] | Exception) -> list[Grade]:
    return list(grade_attacks(CASE.criteria, read_answer(ANSWER, CASE.task), CASE.task, (suite(outcomes),)))


P, F, N, U = Status.PASS, Status.FAIL, Status.NOT_APPLICABLE, Status.UNSCORED


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [(P, P, P), (P, F, F), (U, F, F), (P, U, U), (N, P, P), (N, N, N), (N, U, U)],
)
def test_one_failure_decides_and_a_gap_is_no_pass(one: Status, two: Status, expected: Status) -> None:
    made = grades({"A-1": outcome(one, "did"), "A-2": outcome(two, "saw"), "A-3": outcome(P)})
    assert [grade.status for grade in made] == [expected, P]


def test_a_grade_names_its_attacks_and_keeps_the_transcript_of_those_that_decided() -> None:
    one = grades({"A-1": outcome(P, "fine"), "A-2": outcome(F, "GET /x", "200"), "A-3": outcome(P)})[0]
    assert (one.grader, one.version, one.kind) == ("A-1+A-2", "box-1/1+2", Kind.EXECUTION)
    assert [e.quote for e in one.evidence] == ["A-2: GET /x", "A-2: 200"]
    assert one.reason == "A-2: because fail"


def test_no_box_is_a_gap_with_its_reason() -> None:
    made = grades(BoxError("no namespaces"))
    assert {grade.status for grade in made} == {U}
    assert "no namespaces" in made[0].reason


def test_an_attack_without_an_outcome_is_a_gap() -> None:
    made = grades({"A-1": outcome(P), "A-2": outcome(P)})
    assert [grade.status for grade in made] == [P, U]


def test_what_the_contract_asks_for_must_come_from_the_answer() -> None:
    task = Task(text="", attachments=(("old.py", "old"), ("app.py", "the user's")), files=("app.py",))
    assert files_of(read_answer("nothing", task), task, suite({})) == {"old.py": "old"}


def test_recorded_grades_stand_in_for_the_same_answer_and_version_only() -> None:
    attacks = suite({})
    known = replace(CASE, registry=BUILT_IN.extended((), (attacks,)))
    kept = grades({"A-1": outcome(P), "A-2": outcome(P), "A-3": outcome(F)})
    lines = [GradeLine(case="c", repeat=1, answer=answer_digest(ANSWER), grade=grade, prevails=True) for grade in kept]
    executor = Recorded(reason="no sandbox", record=record_of(lines))
    assert [grade.status for grade in executor.grades(known, ANSWER)] == [P, F]
    other = executor.grades(known, ANSWER + "edited")
    assert {grade.status for grade in other} == {U}
    assert "no sandbox" in other[0].reason
    newer = replace(attacks, attacks=(*attacks.attacks[:2], replace(attacks.attacks[2], version=4)))
    known = replace(CASE, registry=BUILT_IN.extended((), (newer,)))
    assert [grade.status for grade in executor.grades(known, ANSWER)] == [P, U]


def test_this_machine_attacks_only_what_asks_for_it() -> None:
    attacks = suite({"A-1": outcome(P), "A-2": outcome(P), "A-3": outcome(P)})
    known = replace(CASE, registry=BUILT_IN.extended((), (attacks,)))
    attacked = Attacked(level="tested")
    assert len(attacked.grades(known, ANSWER)) == 2
    assert attacked.grades(replace(known, criteria=()), ANSWER) == ()


def test_long_transcripts_are_cut() -> None:
    made = grades({"A-1": outcome(F, *["line"] * 50), "A-2": outcome(P), "A-3": outcome(P)})
    assert len(made[0].evidence) == grading.MAX_EVIDENCE
