"""The shop's server with a migration run on it by psql, which sits in another box and has only the server's socket.

Here: starting both, connections from outside, running a file as the migration's role. The server's files and processes
are out of the migration's reach: it can talk to the server, and that is all. Not here: what is looked at before and after.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graders.execution import runtimes
from graders.execution.box import WORK, Box, BoxError, Limits
from graders.execution.migration import cluster
from graders.execution.migration.events import Look, read_looks
from graders.execution.migration.roles import OWNER, READER, SUPERUSER
from graders.execution.migration.session import session
from graders.execution.postgres import Postgres, open_postgres
from graders.execution.sandbox import open_box
from graders.execution.scratch import scratch

if TYPE_CHECKING:
    from psycopg import Connection

ENDED = 40.0
"""Seconds that one run of a file may take; pauses are left out, and the tables are small."""
OUTPUT = 200_000
"""Bytes of psql's output that are read, from the end."""
RESERVE = 256 * 1024**2
"""Bytes that have to stay free where the databases lie; a run that takes more is ended."""
SOCKET = ".s.PGSQL.5432"
PSQL = "psql"
CLIENT = Limits(memory_mb=512, processes=32, cpu_seconds=60, file_mb=16, wall_seconds=300)
SERVER = Limits(memory_mb=1024, processes=64, file_mb=256, wall_seconds=300)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a file by psql."""

    code: int | None
    """psql's exit code: 0 at its end, 3 after an error, 2 when the connection went; None when it or its box had to be ended."""
    output: str
    looks: tuple[Look, ...]

    @property
    def ended(self) -> bool:
        """Whether psql came to the end of the file."""
        return self.code == 0


class Server:
    """A running copy of the shop's cluster. Use `serve`."""

    def __init__(self, postgres: Postgres, desks: Path, made: Path) -> None:
        self.made = made
        """The prepared cluster, with what is known of its rows."""
        self._postgres = postgres
        self._desks = desks
        self._password = (made / "password").read_text(encoding="utf-8")
        self._runs = 0
        self._mine: set[int] = set()
        """Server processes of connections from outside."""
        self._probes: dict[str, Connection[Any]] = {}

    def session(self, database: str, role: str) -> Connection[Any]:
        """A connection from outside, each statement its own transaction. Raises BoxError when there is none to be had."""
        connection = session(self._postgres, database, role, self._password if role == READER else None)
        self._mine.add(connection.info.backend_pid)
        return connection

    def probe(self, database: str) -> Connection[Any]:
        """The superuser's connection to a database, kept open."""
        if database not in self._probes or self._probes[database].closed:
            self._probes[database] = self.session(database, SUPERUSER)
        return self._probes[database]

    def close(self) -> None:
        """Close the kept connections."""
        for connection in self._probes.values():
            connection.close()

    def plan(
        self, database: str, ddl_stop: int | None = None, sleep_stop: int | None = None, index_gate: int | None = None
    ) -> None:
        """Where the next run is stopped: at the nth statement that defines something, at the nth pause, or before its first index."""
        probe = self.probe(database)
        probe.execute(
            "UPDATE probe.plan SET nonce = %s, ddl_stop = %s, sleep_stop = %s, index_gate = %s",
            (self._nonce(), ddl_stop, sleep_stop, index_gate),
        )
        probe.execute("SELECT setval('probe.ddl_count', 1, false), setval('probe.sleep_count', 1, false)")

    def stopped(self, database: str) -> bool:
        """Whether the last run reached a point at which the plan stopped it."""
        row = (
            self.probe(database)
            .execute(
                "SELECT coalesce(d.is_called AND d.last_value >= p.ddl_stop, false)"
                " OR coalesce(s.is_called AND s.last_value >= p.sleep_stop, false)"
                " FROM probe.plan AS p, probe.ddl_count AS d, probe.sleep_count AS s"
            )
            .fetchone()
        )
        return bool(row and row[0])

    def run(
        self, database: str, file: str, text: str, meanwhile: Callable[[Callable[[], bool]], None] | None = None
    ) -> Run:
        """Run a file to its end as the migration's role, exactly as the case says. `plan` comes first.

        `meanwhile` is called once after the start, with a function that tells whether the run is over, and may wait for
        what it does.
        """
        desk = self._desks / str(self._runs)
        desk.mkdir()
        (desk / file).write_text(text, encoding="utf-8")
        begin = len(self._postgres.log())
        # a box for each run: nothing that one leaves behind, process or file, meets the next
        with open_box(desk, runtimes.postgres().mounts, CLIENT) as box:
            code = self._psql(box, database, file, meanwhile)
        self.end_sessions()
        looks = read_looks(self._postgres.log()[begin:], self._nonce())
        output = _end_of(desk / f"{PSQL}.log")
        shutil.rmtree(desk)
        self._runs += 1
        return Run(code=code, output=output, looks=looks)

    def waits(self) -> tuple[str | None, ...]:
        """What each session that is not from outside waits for; empty when there is none."""
        found = self.probe("postgres").execute(
            "SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> ALL (%s)",
            (list(self._mine),),
        )
        return tuple(row[0] for row in found.fetchall())

    def end_sessions(self) -> None:
        """End every session that is not from outside, and wait until they are gone."""
        self.probe("postgres").execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> ALL (%s)",
            (list(self._mine),),
        )

    def _psql(
        self, box: Box, database: str, file: str, meanwhile: Callable[[Callable[[], bool]], None] | None
    ) -> int | None:
        """Start psql and wait for it; its exit code, or None when it had to be ended for the time or the space it took."""
        runtime = runtimes.postgres()
        environment = {
            **runtime.env, "PGHOST": WORK, "PGDATABASE": database, "PGUSER": OWNER, "PGPASSWORD": OWNER,
            "PATH": f"{runtime.program}:/usr/bin:/bin",
        }  # fmt: skip
        self._postgres.join(box, name=SOCKET)
        box.start(PSQL, [f"{runtime.program}/psql", "-v", "ON_ERROR_STOP=1", "-f", file], environment)
        try:
            return _ended(box, meanwhile)
        except BoxError:  # it ran well until the file could do something in it
            return None

    def _nonce(self) -> str:
        return f"look-{self._password}-{self._runs}"


def _ended(box: Box, meanwhile: Callable[[Callable[[], bool]], None] | None) -> int | None:
    """Wait for psql; its exit code, or None when its time is up or it takes too much space. Raises BoxError."""
    if meanwhile is not None:
        meanwhile(lambda: box.poll(PSQL) is not None)
    until = time.monotonic() + ENDED
    pause = 0.002
    while (code := box.poll(PSQL)) is None:
        if time.monotonic() > until or shutil.disk_usage(box.folder).free < RESERVE:
            return None
        time.sleep(pause)
        pause = min(pause * 1.3, 0.02)
    return code


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """A fresh copy of the shop's cluster, running. Raises BoxError when there is no box or no runtime."""
    made = cluster.prepared()
    with scratch() as place:
        folder, desks = place / "server", place / "desks"
        folder.mkdir()
        desks.mkdir()
        with (
            open_postgres(folder, SERVER, made) as postgres,
            contextlib.closing(Server(postgres, desks, made)) as server,
        ):
            yield server


def _end_of(path: Path) -> str:
    """The end of a log of any size. Whoever wrote it may have put something else in its place; a link is not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        stream.seek(max(0, os.fstat(descriptor).st_size - OUTPUT))
        return stream.read(OUTPUT).decode(errors="replace")
