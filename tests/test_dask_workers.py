"""Grading on a dask cluster of worker processes: the same grades, a killed worker, other graders, bad addresses."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from evals.case import Case
from evals.dask_workers import Cluster, OnCluster, cluster, scheduler
from evals.errors import InputError
from evals.grading import LostWork
from evals.load import load_suite
from evals.project import Project
from graders.criterion import Grade
from graders.task import Task
from graders.work import Criteria, by_rule, ruled

ROOT = Path(__file__).parent.parent
TEXT = 'Because.\n\n```python\n# app.py\ndb.execute(f"SELECT id FROM t WHERE a = {a}")\n```\n'
T = TypeVar("T")


@pytest.fixture
def case(project: Path) -> Case:
    return load_suite(Project(project), "small").cases[0]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A scheduler and two workers in processes of their own, on the loopback."""
    import distributed

    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    os.environ["PYTHONPATH"] = paths
    start: Any = distributed.LocalCluster  # its types are incomplete
    made = start(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        local_directory=str(tmp_path_factory.mktemp("dask")),
    )
    try:
        yield made
    finally:
        made.close()


def on(local: Any, use: Callable[[Cluster], Awaitable[T]]) -> T:
    async def go() -> T:
        async with cluster(local.scheduler_address.replace("tcp://", "dask://"), None) as found:
            return await use(found)

    return asyncio.run(go())


def slowly(criteria: Criteria, task: Task, text: str) -> tuple[Grade, ...]:
    """Long enough to be killed in the middle."""
    import time

    time.sleep(0.3)
    return by_rule(criteria, task, text)


def deadly(criteria: Criteria, task: Task, text: str) -> tuple[Grade, ...]:
    os.kill(os.getpid(), signal.SIGKILL)
    return ()


def test_a_killed_worker_loses_nothing(local: Any, case: Case) -> None:
    texts = [TEXT.replace("id", f"id{number}") for number in range(16)]
    criteria = ruled(case.criteria)

    async def go(found: Cluster) -> list[tuple[Grade, ...]]:
        work = OnCluster(found, slowly)
        tasks = [asyncio.ensure_future(work.grades(case, criteria, text)) for text in texts]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        pids = await found._client.run(os.getpid)
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        return await asyncio.gather(*tasks)

    assert on(local, go) == [by_rule(criteria, case.task, text) for text in texts]


def test_work_that_kills_its_workers_is_lost_with_the_reason(local: Any, case: Case) -> None:
    async def go(found: Cluster) -> None:
        await OnCluster(found, deadly).grades(case, ruled(case.criteria), TEXT)

    async def allowed(dask_scheduler: Any = None) -> None:
        dask_scheduler.allowed_failures = 0

    async def once(found: Cluster) -> None:
        await found._client.run_on_scheduler(allowed)

    on(local, once)
    with pytest.raises(LostWork, match="workers of the cluster ended while they graded this answer"):
        on(local, go)


def test_other_graders_are_refused(local: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.dask_workers.fingerprint", lambda: "f" * 64)

    async def go(_: Cluster) -> None:
        pytest.fail("a worker with other graders was accepted")

    with pytest.raises(
        InputError, match=r"worker tcp://127.* has other graders than this machine \([0-9a-f]{12}, here f{12}\)"
    ):
        on(local, go)


def test_a_worker_that_joins_later_is_held_to_the_same(local: Any, case: Case) -> None:
    async def go(found: Cluster) -> None:
        found._expected = "another"
        await OnCluster(found, by_rule).grades(case, ruled(case.criteria), TEXT)

    with pytest.raises(InputError, match="has other graders than this machine"):
        on(local, go)


@pytest.mark.parametrize(
    "where",
    ["dask://", "dask://host", "dask://host:0", "dask://host:99999", "tcp://a:1", "dask://a:1/x", "dask://a b:1"],
)
def test_a_bad_address_is_named(where: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"--executor is `local` or dask://HOST:PORT, not {where!r}")):
        scheduler(where)


def test_good_addresses() -> None:
    assert scheduler("dask://head.example:8786") == "tcp://head.example:8786"
    assert scheduler("dask://[::1]:8786") == "tcp://[::1]:8786"


def test_an_address_where_nobody_answers_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.dask_workers.PATIENCE", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    async def go() -> None:
        async with cluster(f"dask://127.0.0.1:{port}", None):
            pytest.fail("nobody listens there")

    with pytest.raises(InputError, match=rf"no dask scheduler answers at dask://127.0.0.1:{port}"):
        asyncio.run(go())
