"""The shop's database server in a box of its own, and psql in another that has only the server's socket.

Here: starting both, connections from outside, running a file as the migration's role. The server's files and processes
are out of the migration's reach: it can talk to the server, and that is all. Not here: what is looked at before and after.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graders.execution.box import WORK, Box, BoxError, Limits, Mount
from graders.execution.migration.cluster import LIMITS, OWNER, READER, SUPERUSER, copied, prepared
from graders.execution.migration.events import Look, read_looks
from graders.execution.migration.session import session
from graders.execution.runtimes import Runtime, postgres
from graders.execution.sandbox import open_box

if TYPE_CHECKING:
    from psycopg import Connection

SOCKET = "/socket"
"""Where the server's socket lies in the box of psql."""
STARTED = 20.0
"""Seconds that the server may take to start."""
ENDED = 40.0
"""Seconds that one run of a file may take; pauses are left out, and the tables are small."""
OUTPUT = 200_000
"""Bytes of psql's output that are read, from the end."""
CLIENT = Limits(memory_mb=512, processes=32, cpu_seconds=60, file_mb=16, wall_seconds=240)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a file by psql."""

    code: int | None
    """psql's exit code: 0 at its end, 3 after an error, 2 when the connection went; None when it did not end in time."""
    output: str
    looks: tuple[Look, ...]

    @property
    def ended(self) -> bool:
        """Whether psql came to the end of the file."""
        return self.code == 0


class Server:
    """A running copy of the shop's cluster. Use `serve`."""

    def __init__(self, runtime: Runtime, cluster: Path, folder: Path, client: Box, password: str) -> None:
        self.cluster = cluster
        """The prepared cluster, with what is known of its rows."""
        self._runtime = runtime
        self._folder = folder
        self._client = client
        self._password = password
        self._runs = 0
        self._mine: set[int] = set()
        """Server processes of connections from outside."""
        self._probes: dict[str, Connection[Any]] = {}

    def session(self, database: str, user: str = SUPERUSER) -> Connection[Any]:
        """A connection from outside, each statement its own transaction. Raises BoxError when there is none to be had."""
        connection = session(self._folder, database, user, self._password if user in (SUPERUSER, READER) else None)
        self._mine.add(connection.info.backend_pid)
        return connection

    def probe(self, database: str) -> Connection[Any]:
        """The superuser's connection to a database, kept open."""
        if database not in self._probes or self._probes[database].closed:
            self._probes[database] = self.session(database)
        return self._probes[database]

    def close(self) -> None:
        """Close the kept connections."""
        for connection in self._probes.values():
            connection.close()

    def plan(self, database: str, ddl_stop: int | None = None, sleep_stop: int | None = None, index_gate: int | None = None) -> None:
        """Where the next run is stopped: at the nth statement that defines something, at the nth pause, or before its first index."""
        probe = self.probe(database)
        with probe.transaction():
            probe.execute(
                "UPDATE probe.plan SET nonce = %s, ddl_stop = %s, sleep_stop = %s, index_gate = %s",
                (self._nonce(), ddl_stop, sleep_stop, index_gate),
            )
            probe.execute("SELECT setval('probe.ddl_count', 1, false), setval('probe.sleep_count', 1, false)")

    def stopped(self, database: str) -> bool:
        """Whether the last run reached a point at which the plan stopped it."""
        row = self.probe(database).execute(
            "SELECT coalesce(d.is_called AND d.last_value >= p.ddl_stop, false)"
            " OR coalesce(s.is_called AND s.last_value >= p.sleep_stop, false)"
            " FROM probe.plan AS p, probe.ddl_count AS d, probe.sleep_count AS s"
        ).fetchone()
        return bool(row and row[0])

    def run(self, database: str, file: str, text: str, meanwhile: Callable[[Callable[[], bool]], None] | None = None) -> Run:
        """Run a file to its end as the migration's role, exactly as the case says. `plan` comes first.

        `meanwhile` is called once after the start, with a function that tells whether the run is over, and may wait for what it does.
        """
        (self._client.folder / file).write_text(text, encoding="utf-8")
        name = f"psql{self._runs}"
        environment = {**self._runtime.env, "PGHOST": SOCKET, "PGDATABASE": database, "PGUSER": OWNER, "PATH": f"{self._runtime.program}:/usr/bin:/bin"}
        log = self._folder / "server.log"
        begin = log.stat().st_size
        self._client.start(name, [f"{self._runtime.program}/psql", "-v", "ON_ERROR_STOP=1", "-f", file], environment)
        if meanwhile is not None:
            meanwhile(lambda: self._client.poll(name) is not None)
        code = _until(lambda: self._client.poll(name), ENDED)
        if code is None:
            self._client.kill(name)
        self.end_sessions()
        with log.open("rb") as stream:
            stream.seek(begin)
            said = stream.read().decode(errors="replace")
        looks = read_looks(said, self._nonce())
        self._runs += 1
        return Run(code=code, output=_end(self._client.folder / f"{name}.log"), looks=looks)

    def waits(self) -> tuple[str | None, ...]:
        """What each session that is not from outside waits for; empty when there is none."""
        found = self.probe("postgres").execute(
            "SELECT wait_event FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> ALL (%s)", (list(self._mine),)
        )
        return tuple(row[0] for row in found.fetchall())

    def end_sessions(self) -> None:
        """End every session that is not from outside, and wait until they are gone."""
        self.probe("postgres").execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> ALL (%s)",
            (list(self._mine),),
        )

    def _nonce(self) -> str:
        return f"look-{self._password}-{self._runs}"


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """A fresh copy of the shop's cluster, running. Raises BoxError when there is no box or no runtime."""
    runtime = postgres()
    cluster = prepared(runtime)
    root = Path(tempfile.mkdtemp(prefix="shop-"))
    try:
        folder, desk = root / "s", root / "c"
        folder.mkdir()
        desk.mkdir()
        password = copied(cluster, folder)
        socket = Mount(folder / "run", SOCKET)
        with open_box(folder, runtime.mounts, LIMITS) as box, open_box(desk, (*runtime.mounts, socket), CLIENT) as client:
            box.start("server", [f"{runtime.program}/postgres", "-D", f"{WORK}/data", "-c", "max_wal_size=1GB"], runtime.env)
            server = Server(runtime, cluster, folder, client, password)
            _await_start(server, box, folder)
            with contextlib.closing(server):
                yield server
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _await_start(server: Server, box: Box, folder: Path) -> None:
    until = time.monotonic() + STARTED
    while True:
        try:
            server.session("postgres").close()
        except BoxError:
            if box.poll("server") is not None or time.monotonic() > until:
                raise BoxError(f"the database did not start: {_end(folder / 'server.log')[-300:]}") from None
            time.sleep(0.01)
        else:
            return


def _until(poll: Callable[[], int | None], seconds: float) -> int | None:
    until = time.monotonic() + seconds
    pause = 0.002
    while (code := poll()) is None and time.monotonic() < until:
        time.sleep(pause)
        pause = min(pause * 1.3, 0.02)
    return code


def _end(path: Path) -> str:
    """The end of a log that may be of any size."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - OUTPUT))
        return stream.read().decode(errors="replace")


