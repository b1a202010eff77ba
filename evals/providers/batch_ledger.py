"""Which batches are under way, and which requests each holds: `.evals/batches/`, one file a batch, fsynced.

A file is written before a batch is made (without its id: an intent), again when its id is known, and deleted when every
result of it is kept. One process at a time owns the folder. Not here: how a batch is made or read.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evals.errors import Fault, InputError
from evals.whole_file import write_whole

DIGEST = re.compile(r"[0-9a-f]{64}")
BATCH_ID = re.compile(r"[A-Za-z0-9_.:-]{1,200}")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A batch that was made, or was about to be."""

    path: Path
    endpoint: str
    """Digest of the address of the API that it was made at."""
    digests: tuple[str, ...]
    batch: str | None = None
    """Its id; None: whether it was made is not known."""


class Ledger:
    """The folder, locked. Open once per run; close at the end."""

    def __init__(self, folder: Path) -> None:
        """Open or create. Raises InputError where it cannot be, or another run owns it."""
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (folder / "lock").open("a", encoding="utf-8")
        except OSError as error:
            raise _unwritable(folder, error) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise InputError(
                f"another run with batches is under way in this folder ({folder}); wait for it, or stop it first"
            ) from None

    def entries(self) -> list[Entry]:
        """Every batch on file. Raises InputError with all files that are none: guessing could pay twice."""
        found: list[Entry] = []
        faults: list[Fault] = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(_entry(path))
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                message = (
                    "is not the record of a batch; mend it, or delete it and what it held will be asked and paid again"
                )
                faults.append(Fault(message=message, file=str(path)))
        if faults:
            raise InputError(*faults)
        return found

    def intend(self, endpoint: str, digests: Sequence[str]) -> Entry:
        """Note that a batch is about to be made."""
        entry = Entry(path=self._folder / f"{uuid.uuid4().hex}.json", endpoint=endpoint, digests=tuple(digests))
        self._write(entry)
        return entry

    def made(self, entry: Entry, batch: str) -> Entry:
        """Note the id of the batch that was made. It is on disk when this returns."""
        known = replace(entry, batch=batch)
        try:
            self._write(known)
        except InputError as error:
            raise InputError(f"batch {batch} was made, but its id cannot be kept: {error}") from None
        return known

    def keep(self, entry: Entry, digests: Sequence[str]) -> None:
        """Note that only these requests of a batch are still to be taken from it; with none left, forget it."""
        if not digests:
            self.forget(entry)
        elif len(digests) < len(entry.digests):
            self._write(replace(entry, digests=tuple(digests)))

    def forget(self, entry: Entry) -> None:
        entry.path.unlink(missing_ok=True)

    def close(self) -> None:
        self._lock.close()

    def _write(self, entry: Entry) -> None:
        data = {"batch": entry.batch, "endpoint": entry.endpoint, "digests": entry.digests}
        try:
            write_whole(entry.path, json.dumps(data) + "\n")
            handle = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise _unwritable(self._folder, error) from None


def _entry(path: Path) -> Entry:
    if path.is_symlink():
        raise ValueError
    data = json.loads(path.read_text(encoding="utf-8"))
    batch, endpoint, digests = data["batch"], data["endpoint"], data["digests"]
    sound = (
        (batch is None or BATCH_ID.fullmatch(batch))
        and isinstance(endpoint, str)
        and isinstance(digests, list)
        and all(DIGEST.fullmatch(digest) for digest in digests)
    )
    if not sound:
        raise ValueError
    return Entry(path=path, endpoint=endpoint, digests=tuple(digests), batch=batch)


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"the record of batches in {folder} cannot be written ({error}); free space or mend the folder, "
        "then run the same command again"
    )
