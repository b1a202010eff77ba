"""The shop's server with a migration run on it by psql, which sits in another box and has only the server's socket.

Here: starting both, connections from outside, running a file as the migration's role. The server's files and processes
are out of the migration's reach: it can talk to the server, and that is all. Not here: what is looked at before and after.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graders.execution import runtimes
from graders.execution.box import WORK, Box, BoxError, Limits
from graders.execution.migration import cluster
from graders.execution.migration.events import Look, read_looks
from graders.execution.migration.roles import OWNER, READER, SUPERUSER
from graders.execution.migration.session import session, trouble
from graders.execution.postgres import Postgres, open_postgres
from graders.execution.sandbox import open_box
from graders.execution.scratch import scratch

if TYPE_CHECKING:
    from psycopg import Connection

ENDED = 40.0
"""Seconds that one run of a file may take; pauses are left out, and the tables are small."""
OUTPUT = 200_000
"""Characters of psql's output that are read, from the end."""
SOCKET = ".s.PGSQL.5432"
PSQL = "psql"
CLIENT = Limits(
    memory_mb=512, tree_mb=768, processes=48, file_mb=16, folder_mb=64, files=1000, output_mb=1, wall_seconds=120
)
SERVER = Limits(
    database=True, processes=80, file_mb=512, folder_mb=1536, output_mb=32, cpu_seconds=600, wall_seconds=600
)


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
        probe.execute(
            "SELECT setval('probe.' || x || '_count', 1, false) FROM unnest(ARRAY['look', 'ddl', 'sleep']) AS x"
        )

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
            code, output = self._psql(box, database, file, meanwhile)
        shutil.rmtree(desk, ignore_errors=True)
        nonce = self._nonce()
        self._runs += 1
        try:
            self.end_sessions()
            looks = read_looks(self._postgres.log()[begin:], nonce)
            if not self._complete(database, len(looks)):
                code = None
        except (BoxError, trouble()):  # the server is gone: what it was given was too much for it
            return Run(code=None, output=output, looks=())
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
    ) -> tuple[int | None, str]:
        """Start psql and wait for it; its exit code and what it said, the code None when it or its box had to be ended."""
        runtime = runtimes.postgres()
        environment = {
            **runtime.env, "PGHOST": WORK, "PGDATABASE": database, "PGUSER": OWNER, "PGPASSWORD": OWNER,
            "PATH": f"{box.inside(runtime.program)}:/usr/bin:/bin",
        }  # fmt: skip
        self._postgres.join(box, name=SOCKET)
        box.start(PSQL, [f"{runtime.program}/psql", "-v", "ON_ERROR_STOP=1", "-f", file], environment)
        try:
            if meanwhile is not None:
                meanwhile(lambda: box.poll(PSQL) is not None)
            return box.wait(PSQL, ENDED), box.output(PSQL)[-OUTPUT:]
        except BoxError:  # it ran well until the file could do something in it
            return None, ""

    def _complete(self, database: str, seen: int) -> bool:
        """Whether every look of the last run was read; a log may be flooded."""
        row = self.probe(database).execute("SELECT last_value, is_called FROM probe.look_count").fetchone()
        return row is not None and seen == (row[0] if row[1] else 0)

    def _nonce(self) -> str:
        return f"look-{self._password}-{self._runs}"


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
