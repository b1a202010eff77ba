"""One answer's migration, run where it is looked at: each run happens when an attack first asks for it, and once.

Here: runs, what was there before, connections, and the words of transcripts. Not here: any attack.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from graders.criterion import Status
from graders.execution.attack import Outcome
from graders.execution.migration import catalog, rows
from graders.execution.migration.cluster import CLEAN, DIRTY
from graders.execution.migration.roles import OWNER, READER, SUPERUSER
from graders.execution.migration.server import Run, Server
from graders.execution.migration.shop import Sale

if TYPE_CHECKING:
    from psycopg import Connection

FILE, BACK = "migration.sql", "rollback.sql"
WIDTH, HEIGHT = 200, 12
"""Characters of a transcript's line, and lines of a transcript."""
BATCH = 20_000
"""Orders in the database; a batch of that many rows would be all of them."""
FORBIDDEN = ("42501", "42883")
"""SQLSTATE of a missing right, and of a function that is not there."""


@dataclass(frozen=True, kw_only=True)
class Before:
    """A database before any migration."""

    begun: datetime
    """By the server's clock."""
    files: Mapping[int, tuple[str, str, int]]
    defined: frozenset[str]
    rights: frozenset[str]


class Scene:
    """A served cluster and the answer's files."""

    def __init__(self, server: Server, files: Mapping[str, str]) -> None:
        self.server = server
        self.text = files[FILE]
        self.back = files.get(BACK)
        self._stack = ExitStack()
        self._sessions: dict[tuple[str, str], Connection[Any]] = {}
        self._before: dict[str, Before] = {}
        self._outcomes: dict[Callable[[Scene], Outcome], Outcome] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def session(self, user: str, database: str = CLEAN[0]) -> Connection[Any]:
        """A connection that stays open for all attacks."""
        if user == SUPERUSER:
            return self.server.probe(database)
        key = (database, user)
        if key not in self._sessions or self._sessions[key].closed:
            self._sessions[key] = self._stack.enter_context(self.server.session(database, user))
        return self._sessions[key]

    def sale(self, user: str = OWNER, database: str = CLEAN[0]) -> Sale:
        return Sale(reader=self.session(READER, database), writer=self.session(user, database))

    @cached_property
    def first(self) -> Run:
        """The undisturbed run on the database without dirty rows."""
        return self._first(CLEAN[0])

    @cached_property
    def dirty(self) -> Run:
        """The undisturbed run on the database with dirty rows."""
        return self._first(DIRTY)

    @cached_property
    def second(self) -> Run:
        """The same file once more, after `first`."""
        self.server.plan(CLEAN[0])
        return self.server.run(CLEAN[0], FILE, self.text)

    @cached_property
    def defined(self) -> frozenset[str]:
        """What is defined, and who has which right, after `first`. Asked for before anything else happens there."""
        probe = self.session(SUPERUSER)
        return catalog.definitions(probe) | catalog.rights(probe)

    @cached_property
    def large(self) -> Mapping[str, int]:
        """Rows of the large tables before any migration."""
        found = self.session(SUPERUSER).execute("SELECT name, rows FROM probe.large ORDER BY name")
        return {row[0]: row[1] for row in found}

    def before(self, database: str) -> Before:
        """What a database was like when the first run on it began."""
        return self._before[database]

    @property
    def batch_may_exceed(self) -> bool:
        """Whether the file names a number at least as large as the orders are many; it may be the size of a batch."""
        return any(
            int(number.replace("_", "")) >= BATCH
            for number in re.findall(r"(?<![\w.'])\d[\d_]{4,11}(?![\w.'])", re.sub(r"--[^\n]*", "", self.text))
        )

    def original(self, database: str, table: str) -> rows.Rows:
        """A table's rows before any migration."""
        found: rows.Rows = json.loads((self.server.made / database / f"{table}.json").read_text(encoding="utf-8"))
        return found

    def outcome(self, attack: Callable[[Scene], Outcome]) -> Outcome:
        """The outcome of an attack, which is carried out once."""
        if attack not in self._outcomes:
            self._outcomes[attack] = attack(self)
        return self._outcomes[attack]

    def losses(self, database: str, like: str) -> tuple[rows.Loss, ...]:
        """What a database has lost of the rows that it had when it was like the other."""
        before = json.loads((self.server.made / like / "sums.json").read_text(encoding="utf-8"))
        idle = catalog.untouched(self.session(SUPERUSER, database), self.before(like).files)
        return tuple(
            rows.losses(self.session(READER, database), before, lambda table: self.original(like, table), idle)
        )

    def _first(self, database: str) -> Run:
        probe = self.session(SUPERUSER, database)
        row = probe.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        self._before[database] = Before(
            begun=row[0], files=catalog.files(probe), defined=catalog.definitions(probe), rights=catalog.rights(probe)
        )
        self.server.plan(database)
        return self.server.run(database, FILE, self.text)


def decided(passed: bool, reason: str, *lines: str) -> Outcome:
    """An outcome that is pass or fail."""
    return Outcome(status=Status.PASS if passed else Status.FAIL, reason=shown(reason), transcript=_transcript(lines))


def unscored(reason: str, *lines: str) -> Outcome:
    return Outcome(status=Status.UNSCORED, reason=shown(reason), transcript=_transcript(lines))


def not_applicable(reason: str) -> Outcome:
    return Outcome(status=Status.NOT_APPLICABLE, reason=shown(reason))


def shown(text: str) -> str:
    """Text of an answer or of its runs, fit for a transcript: one line, printable, without what differs from run to run.

    >>> shown("pg_temp_7.ddl\\x1b[31m at 2026-11-27 23:54:25.123+00")
    'pg_temp.ddl?[31m at <time>'
    """
    text = re.sub(r"pg_(toast_)?temp_\d+", "pg_temp", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?([+-]\d\d(:?\d\d)?|Z)?", "<time>", text)
    text = re.sub(r"\b(PID|process|transaction) \d+", r"\1 <n>", text)
    line = "".join(letter if letter.isprintable() else "?" for letter in text.strip())
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def last_words(run: Run) -> tuple[str, ...]:
    """What psql said in the end: the error it stopped at, with its details."""
    if run.code is None or run.code < 0:
        return ("psql did not come to an end",)
    lines = run.output.splitlines()
    errors = [number for number, line in enumerate(lines) if re.match(r"psql:.*(ERROR|FATAL|PANIC|error):", line)]
    said = lines[errors[-1] : errors[-1] + 3] if errors else []
    return (f"psql's exit code: {run.code}", *(shown(line) for line in said if line.strip()))


def _transcript(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(shown(line) for line in lines[:HEIGHT])
