"""Whether a cache can be relied on: that its database is one of ours, is sound, and can be written.

A row that is damaged counts as absent, but a database that is damaged would take no answer either, and then the answer
is lost that was paid for. Here: the checks, and what to do. Not here: the rows.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from diskcache.core import DEFAULT_SETTINGS, METADATA

from evals.errors import InputError

DATABASE = "cache.db"
OURS = frozenset({"Settings", "Cache"})
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def refuse_foreign(folder: Path) -> None:
    """Look at the database without changing it. Raises InputError for one that this program did not make."""
    path = folder / DATABASE
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            stray = tables - OURS
            if "Settings" in tables and not stray:
                known = {*DEFAULT_SETTINGS, *METADATA}
                stray = {key for (key,) in connection.execute("SELECT key FROM Settings")} - known
    except (sqlite3.Error, OSError) as error:
        raise unusable(folder, error) from None
    if stray:
        raise InputError(f"{path} is not a cache of this program (it holds {min(map(str, stray))!r}); move it away")


def prove(folder: Path) -> None:
    """Before anything is paid for: the database is sound and takes a write. Raises InputError where it does not."""
    try:
        with closing(sqlite3.connect(folder / DATABASE, timeout=60, isolation_level=None)) as connection:
            ((said,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
            if said != "ok":
                raise damaged(folder, said)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE Settings SET value = value WHERE key = 'count'")
            connection.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise unusable(folder, error) from None


def unusable(folder: Path, error: Exception) -> InputError:
    """What a failure of the database means, and what to do about it."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGED:
        return damaged(folder, str(error))
    return InputError(
        f"the cache in {folder} cannot be written ({error}); free space or mend its folder, then run the same command "
        "again: what is stored is kept"
    )


def damaged(folder: Path, what: str) -> InputError:
    return InputError(
        f"the cache in {folder} is damaged ({what.splitlines()[-1]}); restore the folder, or move it away and its answers are "
        "asked and paid again"
    )
