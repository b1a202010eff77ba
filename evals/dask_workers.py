"""Grading on the workers of a dask cluster. The only owner of `distributed`, which comes with the extra `dask`.

Here: the connection, and that every worker grades as this machine would. Not here: what is done there (`graders.work`).
The workers are trusted: whoever can answer for the scheduler decides the grades.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from evals.case import Case
from evals.errors import InputError
from evals.grading import LostWork
from graders.code import fingerprint
from graders.criterion import Grade
from graders.work import Criteria, Work

ADDRESS = re.compile(r"dask://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(?P<port>\d{1,5})")
PATIENCE = 15
"""Seconds that a scheduler has to answer, and then to have a worker."""


class Cluster:
    """A connected cluster."""

    def __init__(self, client: Any, address: str, boxes: str | None) -> None:
        """`client`: a `distributed.Client`, whose types are incomplete. `boxes`: the kind of box in which workers are to run answers; None where none runs."""
        self._client = client
        self._address = address
        self._boxes = boxes is not None
        self._expected = fingerprint() if boxes is None else f"{fingerprint()}/{boxes}"
        self.width = 8

    async def check(self) -> None:
        """Raises InputError where there is no worker, or one that would grade otherwise than this machine."""
        try:
            await self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise InputError(f"{self._address} has no worker; start one with `dask worker`") from None
        found = await self._client.run(_mark, self._boxes, on_error="return")
        for worker, mark in sorted(found.items()):
            self._compare(worker, mark)
        self.width = max(8, 4 * sum((await self._client.nthreads()).values()))

    def _compare(self, worker: str, mark: object) -> None:
        if isinstance(mark, Exception):
            raise InputError(
                f"worker {worker} of {self._address} cannot grade ({mark}); install the same persona-evals there"
            )
        if mark != self._expected:
            there, here = (re.sub(r"^([0-9a-f]{12})[0-9a-f]*", r"\1", str(each)) for each in (mark, self._expected))
            raise InputError(
                f"worker {worker} of {self._address} has other graders than this machine ({there[:40]}, here {here}); "
                "install the same persona-evals, Python, parsers and sandbox on both"
            )

    async def run(self, work: Work, criteria: Criteria, case: Case, text: str) -> tuple[Grade, ...]:
        """Grades from some worker. Raises LostWork where workers died of it, and InputError for a worker that grades otherwise."""
        from distributed import CancelledError, KilledWorker

        future = self._client.submit(_marked, self._boxes, work, criteria, case.task, text, pure=False)
        try:
            worker, mark, grades = await future
        except KilledWorker:
            raise LostWork("workers of the cluster ended while they graded this answer") from None
        except (CancelledError, OSError) as error:
            raise InputError(
                f"the connection to {self._address} was lost ({error}); the same command again goes on"
            ) from None
        finally:
            future.release()
        self._compare(worker, mark)
        return tuple(grades)


class OnCluster:
    """One kind of grading, on a cluster."""

    def __init__(self, cluster: Cluster, work: Work) -> None:
        self._cluster = cluster
        self._work = work

    @property
    def width(self) -> int:
        return self._cluster.width

    async def grades(self, case: Case, criteria: Criteria, text: str) -> tuple[Grade, ...]:
        return await self._cluster.run(self._work, criteria, case, text)


def scheduler(executor: str) -> str:
    """The scheduler's address in `dask://HOST:PORT`. Raises InputError for anything else."""
    found = ADDRESS.fullmatch(executor)
    if not found or not 0 < int(found["port"]) < 65536:
        raise InputError(f"--executor is `local` or dask://HOST:PORT, not {executor!r}")
    return f"tcp://{found['host']}:{found['port']}"


@asynccontextmanager
async def cluster(executor: str, boxes: str | None) -> AsyncIterator[Cluster]:
    """Connect, and see that the workers are fit. Raises InputError with one line where they are not."""
    address = scheduler(executor)
    try:
        import distributed
    except ImportError:
        raise InputError("--executor dask://… needs `pip install 'persona-evals[dask]'`") from None
    _quiet()
    try:
        connect: Any = distributed.Client  # its types are incomplete
        client = await connect(address, asynchronous=True, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(f"no dask scheduler answers at {executor} ({type(error).__name__}); is it running?") from None
    try:
        found = Cluster(client, executor, boxes)
        await found.check()
        yield found
    finally:
        await client.close()


def _quiet() -> None:
    """The library logs every try of a connection; the one line that matters is the error."""
    import logging

    logging.getLogger("distributed").setLevel(logging.CRITICAL)


def _mark(boxes: bool) -> str:
    """On a worker: what it grades with. Raises BoxError where it is to run answers and cannot."""
    if not boxes:
        return fingerprint()
    from graders.execution.sandbox import level

    return f"{fingerprint()}/{level()}"


def _marked(boxes: bool, work: Work, *given: Any) -> tuple[str, str, tuple[Grade, ...]]:
    """On a worker: grades, with what they were made with, since a worker may join at any time."""
    from distributed import get_worker

    return get_worker().address, _mark(boxes), work(*given)
