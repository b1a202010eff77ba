"""A real PostgreSQL in a box of its own: copied from the prepared cluster, reached by the driver, joined to answers' boxes.

Here: start, stop, databases, connections. Not here: how the cluster was made (`cluster`), or any answer's SQL.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graders.execution import runtimes
from graders.execution.box import WORK, Box, BoxError, Limits
from graders.execution.cluster import SUPERUSER
from graders.execution.sandbox import open_box

if TYPE_CHECKING:
    from psycopg import Connection

OWNER = "app"
"""The plain role, with this word as its password, that owns an answer's databases."""
LIMITS = Limits(database=True, processes=160, folder_mb=2048, file_mb=1024, cpu_seconds=600, wall_seconds=900.0)
SOCKETS = "sockets"
"""Where the server's socket lies, below its data: the server stands there, and a short name fits into its address."""
START_SECONDS = 20.0


class Postgres:
    """A running server. `open_postgres` makes one."""

    def __init__(self, box: Box, password: str) -> None:
        self._box = box
        self._runtime = runtimes.postgres()
        self._password = password
        self._joined: list[Path] = []
        self._sockets = os.open(box.folder / "data" / SOCKETS, os.O_PATH | os.O_DIRECTORY)

    def start(self) -> None:
        """Start the server and wait until it takes connections. Raises BoxError with the end of its log."""
        data = f"{WORK}/data"
        program = f"{self._runtime.program}/postgres"
        self._box.start("postgres", [program, "-D", data, "-k", SOCKETS], self._runtime.env)
        end = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._box.poll("postgres") is not None or time.monotonic() > end:
                raise BoxError(f"PostgreSQL did not start: {self.log()[-600:]}")
            time.sleep(0.002)
        for path in self._joined:
            self._link(path)

    def stop(self, *, crash: bool = False) -> None:
        """Stop the server: an orderly end that breaks open connections, or with `crash` one that leaves recovery to the next start."""
        self._box.kill("postgres", signal.SIGQUIT if crash else signal.SIGINT)
        if self._box.wait("postgres", START_SECONDS) is None:
            raise BoxError("PostgreSQL did not stop")

    def create(self, database: str, template: str = "template0") -> None:
        """Make a database that OWNER owns, as a copy of a template to which nobody is connected."""
        from psycopg.sql import SQL, Identifier

        with self.connect() as connection:
            connection.execute(
                SQL("create database {} template {} owner {} strategy file_copy").format(
                    Identifier(database), Identifier(template), Identifier(OWNER)
                )
            )

    def drop(self, database: str) -> None:
        """Delete a database and break the connections to it."""
        from psycopg.sql import SQL, Identifier

        with self.connect() as connection:
            connection.execute(SQL("drop database if exists {} with (force)").format(Identifier(database)))

    def connect(self, database: str = "postgres", role: str = SUPERUSER) -> Connection[tuple[Any, ...]]:
        """A connection of the driver (autocommit), as superuser or as OWNER. Raises `psycopg.Error`."""
        from psycopg import connect

        return connect(**self.address(database, role), autocommit=True)

    def address(self, database: str, role: str = OWNER) -> dict[str, Any]:
        """How the driver connects, as keyword arguments of psycopg's `connect`. Not for an answer: it may hold the superuser's password."""
        password = self._password if role == SUPERUSER else role
        # through the descriptor, since a socket's path may have no more than 107 bytes
        host = f"/proc/self/fd/{self._sockets}"
        return {"host": host, "dbname": database, "user": role, "password": password}

    def join(self, box: Box, port: int = 5432, name: str = "postgres.sock") -> None:
        """Let processes in another box reach the server at 127.0.0.1:port, and at that socket of its folder. Raises BoxError.

        Both shared folders have to lie on one file system.
        """
        path = box.folder / name
        self._joined.append(path)
        self._link(path)
        box.forward(port, name)

    def log(self) -> str:
        """What the server has logged."""
        return self._box.output("postgres")

    def close(self) -> None:
        """Give up the folder of the sockets."""
        os.close(self._sockets)

    def _ready(self) -> bool:
        with contextlib.suppress(OSError):
            state = (self._box.folder / "data/postmaster.pid").read_text(encoding="utf-8").splitlines()
            return len(state) >= 8 and state[7].strip() == "ready"
        return False

    def _link(self, path: Path) -> None:
        aside = path.with_name(f"{path.name}.new")
        try:
            aside.unlink(missing_ok=True)
            aside.hardlink_to(self._box.folder / "data" / SOCKETS / ".s.PGSQL.5432")
            aside.rename(path)
        except OSError as error:
            raise BoxError(f"the database's socket cannot be put into {path.parent}: {error.strerror}") from None


@contextlib.contextmanager
def open_postgres(folder: Path, limits: Limits = LIMITS, prepared: Path | None = None) -> Iterator[Postgres]:
    """A started server whose files lie in an empty folder of the host (see `scratch`). Raises BoxError, with the reason, when it cannot be had.

    `prepared`: another folder with `data` and `password` to copy than the cluster of the runtimes.
    """
    runtime, prepared = runtimes.postgres(), prepared or runtimes.cluster()
    shutil.copytree(prepared / "data", folder / "data")
    (folder / "data").chmod(0o700)
    (folder / "data" / SOCKETS).mkdir()
    with open_box(folder, runtime.mounts, limits) as box:
        server = Postgres(box, (prepared / "password").read_text(encoding="utf-8"))
        try:
            server.start()
            yield server
        finally:
            server.close()


def url(database: str, port: int = 5432) -> str:
    """The DATABASE_URL of an answer in a joined box."""
    return f"postgresql://{OWNER}:{OWNER}@127.0.0.1:{port}/{database}"
