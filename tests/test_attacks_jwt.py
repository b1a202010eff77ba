"""Attacks on `jwt-auth`: good answers pass them all, seeded defects are noticed, bad answers end as they should."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

import pytest

from evals.load import load_suite
from evals.project import Project
from evals.selftest import seeded
from graders.answer import read_answer
from graders.criterion import Status
from graders.execution.attack import Mutant, Outcome
from graders.execution.fixtures.jwt.mutants import MUTANTS
from graders.execution.grading import files_of
from graders.execution.jwt.document import document
from graders.execution.jwt.lab import MAX_LINE, MAX_LINES
from graders.execution.jwt.suite import FIXTURES, STARTS, SUITE
from graders.execution.jwt.trials import TRIALS
from graders.task import Task

ROOT = Path(__file__).parent.parent
GOOD = SUITE.good_answers()
BAD = {path.stem: path.read_text(encoding="utf-8") for path in FIXTURES.glob("bad-*.md")}
ALL = tuple(attack.id for attack in SUITE.attacks)
SPREAD = (
    "jwt-decoded-not-verified",
    "jwt-expiry-optional",
    "jwt-other-issuer-refused",
    "jwt-users-dumped",
    "jwt-refresh-with-an-await-inside",
    "jwt-registered-between-two-awaits",
    "jwt-parsed-in-a-callback",
    "jwt-promise-left-alone",
)
RACES = (
    "jwt-refresh-with-an-await-inside",
    "jwt-refresh-with-an-await-between",
    "jwt-registered-between-two-awaits",
    "jwt-registered-without-the-lock",
)
REASONS = {
    "bad-exits": "the process ended when app.js was required",
    "bad-liar": "POST /auth/login with the right password answered 201, not 200 with two tokens",
    "bad-module": "app.js cannot be required: SyntaxError: Cannot use import statement outside a module",
    "bad-silent": "no reply within 5 s",
}


@cache
def task() -> Task:
    suite = load_suite(Project(ROOT), "backend-engineer")
    return next(case.task for case in suite.cases if case.id == "jwt-auth")


def attacked(text: str, wanted: Collection[str] = ALL) -> Mapping[str, Outcome]:
    return SUITE.run(files_of(read_answer(text, task()), task(), SUITE), wanted)


def statuses(outcomes: Mapping[str, Outcome], status: Status) -> set[str]:
    return {name for name, outcome in outcomes.items() if outcome.status is status}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_answer_passes_everything(name: str) -> None:
    outcomes = attacked(GOOD[name])
    assert {n: o.reason for n, o in outcomes.items() if o.status is not Status.PASS} == {}
    assert tuple(outcomes) == ALL


def test_every_attack_has_a_defect_and_every_defect_its_place() -> None:
    assert {name for mutant in MUTANTS for name in mutant.noticed_by} == set(ALL)
    assert len({mutant.id for mutant in MUTANTS}) == len(MUTANTS) >= 28
    for mutant in MUTANTS:
        text = seeded(GOOD[mutant.answer], mutant)
        files = files_of(read_answer(text, task()), task(), SUITE)
        assert mutant.new in files[mutant.file], mutant.id


def noticed(mutant: Mutant) -> bool:
    outcomes = attacked(seeded(GOOD[mutant.answer], mutant), mutant.noticed_by)
    return bool(statuses(outcomes, Status.FAIL))


@pytest.mark.parametrize("name", SPREAD)
def test_a_defect_is_noticed(name: str) -> None:
    assert noticed(next(mutant for mutant in MUTANTS if mutant.id == name))


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_each_defect_is_noticed(mutant: Mutant) -> None:
    assert noticed(mutant)


@pytest.mark.parametrize("name", [*REASONS, "bad-hostile"])
def test_a_bad_answer_does_not_start(name: str) -> None:
    outcomes = attacked(BAD[name])
    assert statuses(outcomes, Status.FAIL) == {STARTS.id}
    assert statuses(outcomes, Status.UNSCORED) == set(ALL) - {STARTS.id}
    assert outcomes[STARTS.id].reason == REASONS.get(name, outcomes[STARTS.id].reason)
    assert all("does not start" in o.reason for n, o in outcomes.items() if n != STARTS.id)
    shown = "".join([outcomes[STARTS.id].reason, *outcomes[STARTS.id].transcript])
    assert shown.isprintable()
    assert "LEAK" not in shown


def test_an_answer_without_its_file_fails_to_start() -> None:
    outcomes = attacked("Use a library for it.", (STARTS.id, "JWT-SEC-1"))
    assert outcomes[STARTS.id].status is Status.FAIL
    assert outcomes["JWT-SEC-1"].status is Status.UNSCORED


def test_only_what_is_wanted_is_tried() -> None:
    assert set(attacked(GOOD["good-by-hand"], ("JWT-ERR-1",))) == {"JWT-ERR-1"}


def test_the_end_of_the_process_ends_one_attack_only() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.id == "jwt-parsed-in-a-callback")
    wanted = ("JWT-SEC-5", "JWT-ERR-2", "JWT-SEC-9")
    outcomes = attacked(seeded(GOOD[mutant.answer], mutant), wanted)
    assert outcomes["JWT-ERR-2"].status is Status.FAIL
    assert outcomes["JWT-ERR-2"].reason == "the process ended during the attack"
    assert outcomes["JWT-SEC-5"].status is outcomes["JWT-SEC-9"].status is Status.PASS


@pytest.mark.parametrize("text", [GOOD["good-jose"], BAD["bad-exits"]], ids=["good", "bad"])
def test_outcomes_are_the_same_every_time(text: str) -> None:
    first, *others = (attacked(text) for _ in range(3))
    assert all(other == first for other in others)


@pytest.mark.long
@pytest.mark.parametrize("answer", GOOD)
def test_races_never_waver(answer: str) -> None:
    races = ("JWT-TX-1", "JWT-TX-4")
    lost = [mutant for mutant in MUTANTS if mutant.answer == answer and mutant.id in RACES]
    for _ in range(10):
        assert not statuses(attacked(GOOD[answer], races), Status.FAIL)
        for mutant in lost:
            assert statuses(attacked(seeded(GOOD[answer], mutant), races), Status.FAIL)


def test_transcripts_are_bounded_and_plain() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.id == "jwt-missing-body-breaks")
    outcomes = attacked(seeded(GOOD[mutant.answer], mutant))
    assert STARTS.id in outcomes
    for outcome in outcomes.values():
        assert 0 < len(outcome.transcript) <= MAX_LINES
        assert all(len(line) <= MAX_LINE and line.isprintable() for line in (outcome.reason, *outcome.transcript))


def test_each_attack_says_what_it_does() -> None:
    for trial in TRIALS:
        assert "Passes when" in (trial.run.__doc__ or ""), trial.attack.id
        assert "ails " in (trial.run.__doc__ or ""), trial.attack.id
    assert len({attack.id for attack in SUITE.attacks}) == len(ALL)


def test_the_document_is_fresh() -> None:
    assert (ROOT / "docs/attacks-jwt.md").read_text(encoding="utf-8") == document() + "\n", "run `make docs`"
