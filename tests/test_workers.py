"""Rules in worker processes: when they are worth it, the same grades, and a worker that dies loses nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from evals.case import Case
from evals.grading import LostWork, Split
from evals.load import load_suite
from evals.project import Project
from evals.workers import HEAVY, LEAST, Pool, Rules
from graders.criterion import Grade, Kind, Status
from graders.work import Criteria, by_rule, ruled

TEXT = 'Because.\n\n```python\n# app.py\ndb.execute(f"SELECT id FROM t WHERE a = {a}")\n```\n'


@pytest.fixture
def case(project: Path) -> Case:
    return load_suite(Project(project), "small").cases[0]


def square(number: int) -> int:
    return number * number


def dies_once(path: str, number: int) -> int:
    """Ends its process the first time it is called."""
    marker = Path(path)
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return square(number)


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def interrupted() -> bool:
    """What an interrupt from the terminal does to a worker, since it reaches every process there."""
    os.kill(os.getpid(), signal.SIGINT)
    return True


def test_a_dead_worker_loses_nothing_and_only_the_work_that_kills_is_lost(tmp_path: Path) -> None:
    async def go() -> tuple[list[int | BaseException], int, bool]:
        pool = Pool(2)
        try:
            work = [pool.run(square, number) for number in range(10)]
            work.insert(3, pool.run(dies_once, str(tmp_path / "died"), 7))
            work.insert(6, pool.run(dies))  # type: ignore[arg-type]
            results = await asyncio.gather(*work, return_exceptions=True)
            return results, await pool.run(square, 12), await pool.run(interrupted)
        finally:
            pool.close()

    results, later, unharmed = asyncio.run(go())
    lost = [result for result in results if isinstance(result, BaseException)]
    assert [type(error) for error in lost] == [LostWork]
    assert results[6] is lost[0]
    assert [result for result in results if result is not lost[0]] == [0, 1, 4, 49, 9, 16, 25, 36, 49, 64, 81]
    assert (later, unharmed) == (144, True)


async def all_of(rules: Rules, case: Case, count: int) -> list[tuple[Grade, ...]]:
    texts = [TEXT.replace("id", f"id{number}") for number in range(count)]
    found = [await rules.grades(case, ruled(case.criteria), text) for text in texts[:LEAST]]
    assert rules._pool
    await asyncio.wrap_future(rules._pool._probe)
    found += await asyncio.gather(*[rules.grades(case, ruled(case.criteria), text) for text in texts[LEAST:]])
    return found


def test_workers_give_the_same_grades(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.workers.WORTH", 0.0)
    rules = Rules(20, workers=2, heavy=0.0)
    try:
        assert rules.width == 1
        found = asyncio.run(all_of(rules, case, 20))
        assert rules.width == 8
    finally:
        rules.close()
    texts = [TEXT.replace("id", f"id{number}") for number in range(20)]
    assert found == [by_rule(ruled(case.criteria), case.task, text) for text in texts]


@pytest.mark.parametrize(
    ("answers", "workers", "each", "worth"),
    [(10_000, 2, 0.05, True), (10_000, 1, 0.05, False), (30, 2, 0.05, False), (10_000, 2, HEAVY / 2, False)],
)
def test_processes_are_started_where_there_is_enough_to_do(
    case: Case, monkeypatch: pytest.MonkeyPatch, answers: int, workers: int, each: float, worth: bool
) -> None:
    started: list[int] = []
    clock = iter(range(10_000))

    class Never:
        ready = False

        def __init__(self, count: int) -> None:
            started.append(count)

        def close(self) -> None:
            pass

    monkeypatch.setattr("evals.workers.Pool", Never)
    monkeypatch.setattr("evals.workers._worked", lambda: next(clock) * each)
    rules = Rules(answers, workers=workers)

    async def go() -> None:
        for _ in range(LEAST + 3):
            await rules.grades(case, ruled(case.criteria), TEXT)

    asyncio.run(go())
    rules.close()
    assert started == ([workers] if worth else [])


def test_lost_work_is_unscored_with_the_reason(case: Case) -> None:
    class Loses:
        width = 1

        async def grades(self, case: Case, criteria: Criteria, text: str) -> tuple[Grade, ...]:
            raise LostWork("the worker ended twice")

    found = asyncio.run(Split(Loses(), lambda *_: ()).grades(case, TEXT))
    assert [(g.criterion, g.kind, g.status, g.reason) for g in found] == [
        ("sql-safe", Kind.RULE, Status.UNSCORED, "the worker ended twice")
    ]
    assert found[0].version == by_rule(ruled(case.criteria), case.task, TEXT)[0].version
