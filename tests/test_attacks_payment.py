"""Attacks on `payment-endpoint`: good answers pass them all, seeded defects are noticed, bad answers end as they should."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from evals.selftest import seeded
from graders.answer import read_answer
from graders.criterion import Status
from graders.execution import runtimes
from graders.execution.attack import Mutant, Outcome
from graders.execution.box import BoxError
from graders.execution.grading import files_of
from graders.execution.payment.suite import FIXTURES, LIMITS, STARTS, SUITE, TITLES
from graders.execution.payment.verdicts import LINES, WIDTH
from graders.execution.sandbox import level
from graders.task import Task
from tests.sandbox_host import REQUIRED

TASK = Task(files=("app.py", "schema.sql"))
GOOD = SUITE.good_answers()
BAD = {path.stem: path.read_text(encoding="utf-8") for path in FIXTURES.glob("bad-*.md")}
MUTANTS = {mutant.id: mutant for mutant in SUITE.mutants()}
EVERY_TIME = ("good-asyncpg", "good-functions")
SPREAD = (
    "payment-given-up-by-age",
    "payment-expiry-not-verified",
    "payment-no-unique-key",
    "payment-debit-not-in-transaction",
    "payment-failed-unless-known",
    "payment-call-inside-transaction",
    "payment-database-text-shown",
)
REASONS = {
    "bad-contract": "a valid payment is answered 201, not 201 with id and status",
    "bad-forger": "the service does not serve",
    "bad-hostile": "the service does not serve",
    "bad-liar": "after a valid payment of 12.50: balance 100.00 -> 100.00; payments: none; charged by the provider: none",
    "bad-no-schema": "the answer has no whole schema.sql",
    "bad-silent": "a valid payment is answered no answer in time, not 201 with id and status",
    "bad-syntax": "the service does not serve",
    "bad-tables": "accounts or payments are not as the contract has them: UndefinedColumn",
}


@pytest.fixture(scope="module", autouse=True)
def _box() -> None:
    try:
        level()
        runtimes.python(), runtimes.cluster()
    except BoxError as error:
        if os.environ.get(REQUIRED):
            raise
        pytest.skip(str(error))


def attacked(text: str) -> Mapping[str, Outcome]:
    return SUITE.run(files_of(read_answer(text, TASK), TASK, SUITE), TITLES)


def undecided(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {
        name: f"{found.status}: {found.reason}" for name, found in outcomes.items() if found.status is not Status.PASS
    }


def passes(name: str) -> None:
    outcomes = attacked(GOOD[name])
    assert undecided(outcomes) == {}
    assert set(outcomes) == set(TITLES)
    for found in outcomes.values():
        assert len(found.transcript) <= LINES
        assert all(len(line) <= WIDTH and line.isprintable() for line in found.transcript)


@pytest.mark.parametrize("name", EVERY_TIME)
def test_a_good_answer_passes_everything(name: str) -> None:
    passes(name)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(GOOD) - set(EVERY_TIME)))
def test_every_good_answer_passes_everything(name: str) -> None:
    passes(name)


def noticed(mutant: Mutant) -> bool:
    outcomes = attacked(seeded(GOOD[mutant.answer], mutant))
    return any(outcomes[name].status is Status.FAIL for name in mutant.noticed_by)


@pytest.mark.parametrize("name", SPREAD)
def test_a_seeded_defect_is_noticed(name: str) -> None:
    assert noticed(MUTANTS[name])


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(MUTANTS) - set(SPREAD)))
def test_every_seeded_defect_is_noticed(name: str) -> None:
    assert noticed(MUTANTS[name])


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_answer_fails_the_start_and_leaves_the_rest_open(name: str) -> None:
    outcomes = dict(attacked(BAD[name]))
    start = outcomes.pop(STARTS)
    assert (start.status, start.reason) == (Status.FAIL, REASONS[name])
    assert {found.status for found in outcomes.values()} == {Status.UNSCORED}
    assert all(line.isprintable() and len(line) <= WIDTH for line in start.transcript)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(GOOD))
def test_outcomes_are_the_same_every_time(name: str) -> None:
    assert len({repr(attacked(GOOD[name])) for _ in range(3)}) == 1


def test_outcomes_are_the_same_again() -> None:
    assert attacked(GOOD["good-functions"]) == attacked(GOOD["good-functions"])


def test_every_attack_is_noticed_by_a_defect() -> None:
    assert {name for mutant in MUTANTS.values() for name in mutant.noticed_by} == set(TITLES)
    assert len(MUTANTS) >= 28


def test_each_defect_fits_its_answer() -> None:
    for mutant in MUTANTS.values():
        assert seeded(GOOD[mutant.answer], mutant) != GOOD[mutant.answer]
        assert mutant.old in dict(files_of(read_answer(GOOD[mutant.answer], TASK), TASK, SUITE))[mutant.file], mutant.id


def test_there_is_time_for_a_slow_machine() -> None:
    assert LIMITS.wall_seconds >= 120
