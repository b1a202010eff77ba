"""The machine's own memory of responses, on diskcache, between a run and a provider that costs money.

diskcache decodes what a row says it holds, so a planted row can run code or reach outside the folder. The `Disk` here
refuses such rows, and the provider treats a refused or damaged row as absent. Nothing is ever evicted.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import diskcache
from diskcache.core import MODE_PICKLE

from evals.errors import InputError
from evals.exchange import Provider, Request, Response
from evals.providers.cache_check import DATABASE, prove, refuse_foreign, unusable
from evals.providers.cache_row import recording_in, row_of
from evals.providers.turns import Turns
from evals.recording import Recording, record

KEY = re.compile(r"[0-9a-f]{64}")
PAGES = 512
"""Pages of 4 KB that the database keeps in memory. Rows are read once or twice a run; by default they would fill 96 MB."""
FILE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{28}\.val")


class RefusedRow(Exception):
    """A row that this program did not write."""


class StrictDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache publishes no types
    """Accepts digests as keys and text as values, in memory or in files that the library itself named."""

    def put(self, key: str) -> tuple[str, bool]:
        if not isinstance(key, str) or not KEY.fullmatch(key):
            message = "a cache key must be a digest"
            raise RefusedRow(message)
        return key, True

    def get(self, key: object, raw: bool) -> str:
        if not raw or not isinstance(key, str) or not KEY.fullmatch(key):
            message = "a key of this row is not a digest"
            raise RefusedRow(message)
        return key

    def store(self, value: object, read: bool, key: object = diskcache.core.UNKNOWN) -> Any:
        if not isinstance(value, str) or read:
            message = "a cached value must be text"
            raise RefusedRow(message)
        return super().store(value, read, key=key)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> str:
        if mode == MODE_PICKLE or read or (filename is not None and not self._own(filename)):
            message = "the row is pickled or names a foreign file"
            raise RefusedRow(message)
        fetched = super().fetch(mode, filename, value, read)
        if not isinstance(fetched, str):
            message = "the row does not hold text"
            raise RefusedRow(message)
        return fetched

    def remove(self, file_path: str) -> None:
        if self._own(file_path):
            super().remove(file_path)

    def _own(self, filename: str) -> bool:
        """Whether the file has a name that the library gives, and is not a link to somewhere else."""
        path = Path(self._directory, filename)
        return bool(FILE.fullmatch(Path(filename).as_posix())) and not path.is_symlink()


class Cache:
    """Responses by request digest. Open once per run; close at the end."""

    def __init__(self, folder: Path) -> None:
        """Open or create. Raises InputError when the folder cannot be used."""
        self._folder = folder
        self._proven = False
        self.turns = Turns(folder / "asking")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            refuse_foreign(folder)
            self._cache = diskcache.Cache(
                str(folder),
                disk=StrictDisk,
                eviction_policy="none",
                size_limit=2**62,
                cull_limit=0,
                disk_min_file_size=2**16,
                sqlite_cache_size=PAGES,
                sqlite_mmap_size=0,
                sqlite_journal_mode="wal",
                sqlite_synchronous=1,
            )
        except (OSError, sqlite3.Error) as error:
            raise unusable(folder, error) from None

    def get(self, request: Request) -> Response | None:
        """The remembered response, or None. A row that is damaged or foreign counts as absent."""
        recording = self.look(request.digest)
        return recording.response if recording else None

    def look(self, key: str) -> Recording | None:
        try:
            row = self._cache.get(key)
        except (RefusedRow, sqlite3.Error, OSError, ValueError, RecursionError):
            return None
        return recording_in(row, key) if row is not None else None

    def prove(self) -> None:
        """Make sure, once, that an answer could be kept. Raises InputError where it could not: nothing is paid for then."""
        if not self._proven:
            prove(self._folder)
            self._proven = True

    def put(self, request: Request, response: Response) -> None:
        """Remember a response, in a transaction of its own. It is on disk when this returns.

        Raises InputError when that fails: paid work must not be lost in silence.
        """
        try:
            self._cache.set(request.digest, row_of(record(request, response, place="")))
        except diskcache.Timeout:
            prove(self._folder)  # the library does not say why, the database does
            raise InputError(f"the cache in {self._folder} was busy for a minute; an answer was not kept") from None
        except (sqlite3.Error, OSError) as error:
            raise unusable(self._folder, error) from None

    def __len__(self) -> int:
        return len(self._cache)

    def size(self) -> int:
        """Bytes on disk."""
        return int(self._cache.volume())

    def clear(self) -> int:
        """Forget everything; the number of rows forgotten."""
        return int(self._cache.clear())

    def digests(self) -> list[str]:
        """Digests of the requests whose responses are remembered, damaged ones included."""
        return [key for _, key in self._rows() if isinstance(key, str) and KEY.fullmatch(key)]

    def prune(self) -> int:
        """Forget the rows that count as absent, since they are damaged or foreign; how many they were."""
        wrong = [
            row for row, key in self._rows() if not (isinstance(key, str) and KEY.fullmatch(key) and self.look(key))
        ]
        with closing(sqlite3.connect(self._folder / DATABASE)) as rows, rows:
            rows.executemany("DELETE FROM Cache WHERE rowid = ?", [(row,) for row in wrong])
        return len(wrong)

    def _rows(self) -> list[tuple[int, object]]:
        """Past the library, which stops at the first key that it cannot read."""
        with closing(sqlite3.connect(self._folder / DATABASE)) as rows:
            return rows.execute("SELECT rowid, key FROM Cache ORDER BY rowid").fetchall()

    def close(self) -> None:
        self.turns.close()
        self._cache.close()


class CachedProvider:
    """Asks the provider behind it only for what is not remembered, and for each request once. Errors are not remembered."""

    def __init__(self, provider: Provider, cache: Cache, *, known: Callable[[Request], None] = lambda _: None) -> None:
        """`known` is told of each request whose answer is remembered."""
        self._provider = provider
        self._cache = cache
        self._known = known

    async def respond(self, request: Request) -> Response:
        """The remembered answer, or the provider's. Raises InputError before it asks where the answer could not be kept."""
        return self._remembered(request) or await self._asked(request)

    async def _asked(self, request: Request) -> Response:
        self._cache.prove()
        async with self._cache.turns.turn(request.digest):
            remembered = self._remembered(request)  # by whoever had the turn before
            if remembered is not None:
                return remembered
            response = await self._provider.respond(request)
            # in the same step as the reply's arrival: nothing may be awaited between the two
            self._cache.put(request, response)
            return response

    def _remembered(self, request: Request) -> Response | None:
        remembered = self._cache.get(request)
        if remembered is not None:
            self._known(request)
        return remembered

    def recall(self, request: Request) -> Response | None:
        """What is remembered."""
        return self._cache.get(request)
