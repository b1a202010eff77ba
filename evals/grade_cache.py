"""This machine's memory of grades: what rules and attacks decided of a text before. Never committed, never needed.

One row an answer and kind of grader; in it one entry a criterion, under a mark that stands for everything the entry
depends on (`grade_marks`). A row that is damaged or foreign counts as absent. Here: the rows. Not here: who asks.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from evals.errors import InputError
from graders.criterion import Evidence, Grade, Kind, Status

TABLE = "CREATE TABLE grades (key BLOB PRIMARY KEY, value BLOB NOT NULL, sum BLOB NOT NULL) WITHOUT ROWID"
MOST = 4_000_000
"""Bytes of an unpacked row; a planted one could unpack to any size."""
BATCH = 256
"""Rows that are written together: the memory is quick to lose a few and slow to write one."""

Entry = list[list[Any]]
"""Grades of one criterion, in the order of its graders: status, reason, evidence as [quote, line]."""
Grader = tuple[str, str]
"""Id and version."""


def row_key(kind: Kind, task: str, text: str) -> bytes:
    """Key of the row about an answer's text; `task` is the digest of what the answer was asked."""
    return hashlib.sha256(f"{kind.value}\0{task}\0{text}".encode("utf-8", "surrogatepass")).digest()


def entry_of(grades: Collection[Grade]) -> Entry:
    return [[g.status.value, g.reason, [[e.quote, e.line] for e in g.evidence]] for g in grades]


def grades_in(entry: object, criterion: str, kind: Kind, graders: Collection[Grader]) -> tuple[Grade, ...] | None:
    """The grades in an entry; None for one that does not hold a sound grade of each grader."""
    if not isinstance(entry, list) or len(entry) != len(graders):
        return None
    try:
        return tuple(
            Grade(
                criterion=criterion,
                status=Status(status),
                kind=kind,
                grader=grader,
                version=version,
                reason=_text(reason),
                evidence=tuple(Evidence(quote=_text(quote), line=_line(line)) for quote, line in evidence),
            )
            for (status, reason, evidence), (grader, version) in zip(entry, graders, strict=True)
        )
    except (ValueError, TypeError):
        return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _line(value: object) -> int | None:
    if value is not None and type(value) is not int:
        raise TypeError(value)
    return value


class GradeCache:
    """Entries by key and mark. Open once per run; what was put is on disk after `close`."""

    def __init__(self, folder: Path) -> None:
        """Open or create. Raises InputError where that cannot be done, or where something else lies there."""
        self.path = folder / "grades.sqlite3"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._open()
        except (OSError, sqlite3.Error) as error:
            raise InputError(self._refusal(str(error))) from None
        self._waiting: dict[bytes, dict[str, Entry]] = {}
        self._broken = ""

    def _open(self) -> None:
        self._rows = sqlite3.connect(self.path, isolation_level=None, timeout=10.0)
        self._rows.execute("PRAGMA trusted_schema = OFF")
        self._rows.execute("PRAGMA journal_mode = WAL")
        self._rows.execute("PRAGMA synchronous = NORMAL")
        self._rows.execute(TABLE.replace("TABLE", "TABLE IF NOT EXISTS", 1))
        there = self._rows.execute("SELECT sql FROM sqlite_schema").fetchall()
        if there != [(TABLE,)]:
            self._rows.close()
            raise InputError(self._refusal("it holds other things than grades"))

    def _refusal(self, why: str) -> str:
        return f"the memory of grades in {self.path.parent} cannot be used ({why}); delete the folder, nothing depends on it"

    def get(self, key: bytes) -> Mapping[str, object]:
        """Entries by mark; none for a row that is absent, damaged or foreign."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            return waiting
        try:
            row = self._rows.execute("SELECT value, sum FROM grades WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error:
            return {}
        return _unpacked(key, *row) if row else {}

    def put(self, key: bytes, entries: Mapping[str, Entry]) -> None:
        """Remember entries beside those that are there. A disk that cannot take them loses nothing but time later."""
        self._waiting[key] = {**self.get(key), **entries}  # type: ignore[dict-item]  # foreign entries stay as they are
        if len(self._waiting) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        rows = [(key, *_packed(key, entries)) for key, entries in self._waiting.items()]
        self._waiting.clear()
        try:
            self._rows.execute("BEGIN IMMEDIATE")
            self._rows.executemany("INSERT OR REPLACE INTO grades VALUES (?, ?, ?)", rows)
            self._rows.execute("COMMIT")
        except sqlite3.Error as error:
            self._broken = str(error)
            if self._rows.in_transaction:
                self._rows.execute("ROLLBACK")

    def __len__(self) -> int:
        return int(self._rows.execute("SELECT count(*) FROM grades").fetchone()[0])

    def size(self) -> int:
        """Bytes on disk."""
        files = self.path.parent.glob(self.path.name + "*")
        return sum(file.stat().st_size for file in files)

    def clear(self) -> int:
        """Forget everything; the number of rows forgotten."""
        count = len(self)
        self._rows.execute("DELETE FROM grades")
        self._rows.execute("VACUUM")
        return count

    def prune(self, marks: Collection[str]) -> int:
        """Forget entries under other marks, and damaged rows; the number of entries and damaged rows forgotten."""
        forgotten = 0
        for key, entries in list(self._all()):
            kept = {mark: entry for mark, entry in entries.items() if mark in marks}
            forgotten += len(entries) - len(kept) if entries else 1
            if not kept:
                self._rows.execute("DELETE FROM grades WHERE key = ?", (key,))
            elif len(kept) < len(entries):
                value, check = _packed(key, kept)
                self._rows.execute("UPDATE grades SET value = ?, sum = ? WHERE key = ?", (value, check, key))
        self._rows.execute("VACUUM")
        return forgotten

    def _all(self) -> Iterator[tuple[bytes, Mapping[str, object]]]:
        for key, value, check in self._rows.execute("SELECT key, value, sum FROM grades"):
            yield key, _unpacked(key, value, check) if isinstance(key, bytes) else {}

    def close(self) -> str:
        """Write what waits. Why something could not be kept, or nothing."""
        if self._waiting:
            self._flush()
        self._rows.close()
        return self._broken

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _packed(key: bytes, entries: Mapping[str, object]) -> tuple[bytes, bytes]:
    text = json.dumps(entries, ensure_ascii=True, separators=(",", ":"))
    value = zlib.compress(text.encode("ascii"), 1)
    return value, _sum(key, value)


def _sum(key: bytes, value: bytes) -> bytes:
    return hashlib.sha256(key + value).digest()[:16]


def _unpacked(key: bytes, value: object, check: object) -> Mapping[str, object]:
    if not isinstance(value, bytes) or check != _sum(key, value):
        return {}
    try:
        text = zlib.decompressobj().decompress(value, MOST)
        entries = json.loads(text)
    except (zlib.error, ValueError, RecursionError):
        return {}
    return entries if isinstance(entries, dict) else {}
