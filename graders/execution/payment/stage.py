"""Everything an answer needs to run: a box, a database with its schema, its processes, a clock for each.

Here: setting up, starting, stopping. Not here: the requests and what is concluded from them.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.execution import runtimes
from graders.execution.box import WORK, Box, BoxError, Mount
from graders.execution.payment.clock import Clock
from graders.execution.payment.provider import KEY
from graders.execution.payment.tokens import SECRET
from graders.execution.payment.wire import door
from graders.execution.postgres import OWNER

PORT = 9001
"""Where the provider is found inside."""
DATABASE = "shop"
PASSWORD = "pg_5b1d0c77e9"  # noqa: S105 - made up; a canary
LAUNCHER = "/launcher.py"
PACKAGES = ("fastapi", "uvicorn", "pydantic", "httpx", "jwt", "sqlalchemy", "asyncpg", "psycopg", "psycopg_pool")
ENVIRONMENT = {
    "DATABASE_URL": f"postgresql://{OWNER}:{PASSWORD}@127.0.0.1:5432/{DATABASE}",
    "PROVIDER_URL": f"http://127.0.0.1:{PORT}",
    "PROVIDER_KEY": KEY,
    "JWT_SECRET": SECRET,
}
NAMES = ("first", "second", "keyless", "secretless", "weak0", "weak1", "weak2", "jobs")
"""Of the answer's processes. Runs of `jobs.py` come one after the other."""
LARGEST_LOG = 4 * 2**20
EXTENSION = re.compile(r"^\s*CREATE\s+EXTENSION\b[^;]*;", re.IGNORECASE | re.MULTILINE)
"""The prepared server has none; what they are created for (UUIDs) mostly is part of PostgreSQL 16 itself."""
START = 15.0
"""Seconds in which the answer has to serve."""


class AnswerError(Exception):
    """The answer did not do what its contract says; the attack on the start fails with this text."""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A running process of the answer."""

    name: str
    socket: Path
    clock: Clock


class Stage:
    """One answer in one open box."""

    def __init__(self, box: Box, files: Mapping[str, str]) -> None:
        self.box = box
        self.files = files
        self._orders: Any = None
        self._names: list[str] = []
        self._environment: dict[str, str] = {}
        self._clocks: dict[str, Clock] = {}

    def log(self, name: str) -> str:
        """What a process of the answer printed, as far as it lets that be seen."""
        try:
            return self.box.read(f"{name}.log", LARGEST_LOG).decode("utf-8", "replace")
        except BoxError:
            return ""

    def logs(self) -> list[str]:
        """What every process of the answer printed so far."""
        return [self.log(name) for name in self._names]

    def raise_up(self) -> None:
        """Lay out the files, and start the launcher. Raises BoxError when our side fails."""
        answer = self.box.folder / "answer"
        answer.mkdir()
        for name, text in self.files.items():
            (answer / name).write_text(text, encoding="utf-8", errors="replace")
        wanted = [name for name in PACKAGES if any(name in text for text in self.files.values())]
        # made before any code of the answer runs, which could otherwise lay links in their places
        self._clocks = {name: Clock(self.box.folder / f"{name}.clock") for name in NAMES}
        python = runtimes.python()
        inside = {name: self.box.inside(value) for name, value in python.env.items()}
        self._environment = {**inside, **ENVIRONMENT, "HOME": self.box.inside(WORK)}
        self.box.start(
            "launcher",
            [python.program, LAUNCHER, f"{WORK}/launcher.sock", *dict.fromkeys([*wanted, "uvicorn"])],
            python.env,
        )

    async def load_schema(self) -> None:
        """Run the answer's schema once, as the owner of its database. Raises AnswerError when it does not apply."""
        postgres = runtimes.postgres()
        schema, dropped = EXTENSION.subn("", self.files["schema.sql"])
        (self.box.folder / "schema.sql").write_text(schema, encoding="utf-8", errors="replace")
        self.box.start(
            "schema",
            [
                f"{postgres.program}/psql",
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                "127.0.0.1",
                "-f",
                f"{WORK}/schema.sql",
            ],
            {**postgres.env, "PGUSER": OWNER, "PGDATABASE": DATABASE, "PGPASSWORD": PASSWORD},
        )
        ends = time.monotonic() + START
        while (code := self.box.poll("schema")) is None:
            if time.monotonic() > ends:
                self.box.kill("schema")
                raise AnswerError("schema.sql did not end in time")
            await asyncio.sleep(0.005)
        if code and dropped:
            raise BoxError("schema.sql needs an extension that the harness's PostgreSQL does not have")
        if code:
            raise AnswerError("schema.sql does not apply")

    async def ready(self) -> None:
        """Wait for the launcher. Raises BoxError when it does not come up."""
        ends = time.monotonic() + 30.0
        while not _listens(self.box.folder / "launcher.sock"):
            if self.box.poll("launcher") is not None or time.monotonic() > ends:
                raise BoxError("the launcher does not come up in the box")
            await asyncio.sleep(0.005)
        with door(self.box.folder / "launcher.sock") as address, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10.0)
            connection.connect(address)
            self._orders = connection.makefile("rw")

    def order(self, **order: Any) -> Any:
        """Have the launcher do something. -9 when it is gone: then the answer has ended it, and with it all of its own."""
        try:
            self._orders.write(json.dumps(order) + "\n")
            self._orders.flush()
            return json.loads(self._orders.readline(65_536))
        except (OSError, ValueError):
            return -9

    def launch(self, name: str, serve: bool = True, **changes: str | None) -> Process:
        """Start a process of the answer: the app, or `jobs.py`. Variables are changed by name, and left out by None."""
        every = {**self._environment, **changes}
        environment = {key: value for key, value in every.items() if value is not None}
        self._names = list(dict.fromkeys([*self._names, name]))
        clock = self._clocks[name]
        clock.run(1.0)
        inside = self.box.inside(WORK)
        self.order(
            do="start",
            name=name,
            log=f"{inside}/{name}.log",
            env=environment,
            folder=f"{inside}/answer",
            clock=f"{inside}/{name}.clock",
            socket=f"{inside}/{name}.sock" if serve else "",
            argv=["uvicorn", "app:app"] if serve else ["jobs.py"],
        )
        return Process(name=name, socket=self.box.folder / f"{name}.sock", clock=clock)

    def ended(self, process: Process) -> int | None:
        """Exit code of a process of the answer, None while it runs."""
        code = self.order(do="poll", name=process.name)
        return code if isinstance(code, int) else None

    def kill(self, process: Process) -> None:
        self.order(do="kill", name=process.name)

    async def serves(self, process: Process, seconds: float = START) -> bool:
        """Wait until the process accepts connections; False when it ended, or did not in time."""
        ends = time.monotonic() + seconds
        while not _listens(process.socket):
            if self.ended(process) is not None or time.monotonic() > ends:
                return False
            await asyncio.sleep(0.005)
        return True

    async def finish(self, process: Process, seconds: float) -> int | None:
        """Wait for a process to end; its exit code, or None when it still runs."""
        ends = time.monotonic() + seconds
        while True:
            code = self.ended(process)
            if code is not None or time.monotonic() > ends:
                return code
            await asyncio.sleep(0.005)


def mounts() -> tuple[Mount, ...]:
    """What the box needs. Raises BoxError when a runtime is not there."""
    launcher = Mount(Path(__file__).with_name("launcher.py"), LAUNCHER)
    return (*runtimes.python().mounts, *runtimes.postgres().mounts, launcher)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            with door(path) as address:
                probe.connect(address)
        except OSError:
            return False
    return True
