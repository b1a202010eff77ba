"""What the probe wrote to the server's log while a migration ran, and what follows from it about locks.

Pure reading and arithmetic. Not here: the probe itself (`probe.sql`), or runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

STRONG = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
"""Modes that keep writers out, the weakest first."""
UNITS = {"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
"""Milliseconds in the units in which PostgreSQL shows a time-out."""
SHARE = 0.5
"""A scan is a statement that touches at least this part of a table's rows."""
PATIENCE = 60_000
"""Longest wait for a lock, in milliseconds, that still counts as bounded."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the transaction that runs a migration's statement."""

    phase: str
    """`start` and `end` of a statement that defines something, `commit` of a transaction with such statements."""
    statement: str
    """`CREATE INDEX public.orders_customer_idx`."""
    transaction: str
    touched: Mapping[str, int]
    """Rows of each large table that the session has read or changed so far; only differences mean something."""
    locks: Mapping[str, tuple[str, ...]]
    """Locks on large tables that keep writers out, held at this moment."""
    lock_timeout: int
    """Milliseconds; 0 means without end."""
    statement_timeout: int


@dataclass(frozen=True, kw_only=True)
class Held:
    """A large table that was closed to writers while many of its rows were read or changed."""

    table: str
    lock: str
    statement: str
    rows: int


def read_looks(log: str, nonce: str) -> tuple[Look, ...]:
    """The probe's lines in a server's log, in order. Lines without the nonce are others' and are passed over.

    >>> read_looks('LOG:  forged {"phase": "end"}', nonce="n-1")
    ()
    """
    mark = f"LOG:  {nonce} "
    return tuple(_look(json.loads(line[len(mark) :])) for line in log.splitlines() if line.startswith(mark))


def held_during_scan(looks: Sequence[Look], rows: Mapping[str, int]) -> Iterator[Held]:
    """Each (statement, large table) where at least `SHARE` of the rows were touched under a lock that keeps writers out.

    `rows`: how many each table has. Between two looks of one transaction the rows touched are the difference of their
    counts; the lock was there if it was held at the first of them, or taken by the statement that lies between them (a
    statement that defines something takes its locks first).
    """
    for before, after in _neighbours(looks):
        for table, total in rows.items():
            touched = after.touched.get(table, 0) - before.touched.get(table, 0)
            within = after.locks if after.phase == "end" else before.locks
            if touched >= SHARE * total and within.get(table):
                yield Held(
                    table=table, lock=within[table][-1], statement=after.statement or before.statement, rows=touched
                )


def without_bound(looks: Sequence[Look]) -> Iterator[tuple[str, str]]:
    """(large table, statement) wherever a lock that keeps writers out was asked for with no bound on the wait."""
    held: dict[str, set[tuple[str, str]]] = {}
    for look in looks:
        known = held.setdefault(look.transaction, set())
        for table, modes in look.locks.items():
            new = {(table, mode) for mode in modes} - known
            known |= new
            if new and not _bounded(look):
                yield table, look.statement


def asked_for(looks: Iterable[Look]) -> bool:
    """Whether any lock that keeps writers out of a large table was taken at all."""
    return any(modes for look in looks for modes in look.locks.values())


def _bounded(look: Look) -> bool:
    return 0 < look.lock_timeout <= PATIENCE or 0 < look.statement_timeout <= PATIENCE


def _neighbours(looks: Sequence[Look]) -> Iterator[tuple[Look, Look]]:
    """Pairs of looks that follow one another within one transaction."""
    last: dict[str, Look] = {}
    for look in looks:
        if look.transaction in last:
            yield last[look.transaction], look
        last[look.transaction] = look


def milliseconds(setting: str) -> int:
    """A time-out as PostgreSQL shows it.

    >>> milliseconds("0"), milliseconds("1500ms"), milliseconds("2s"), milliseconds("1min")
    (0, 1500, 2000, 60000)
    """
    number = setting.rstrip("abcdefghijklmnopqrstuvwxyz")
    return int(number) * UNITS[setting[len(number) :]]


def _look(entry: Mapping[str, object]) -> Look:
    tables, locks = entry["tables"], entry["locks"]
    assert isinstance(tables, dict)
    assert isinstance(locks, list)
    held = {
        name: tuple(sorted((mode for oid, mode in locks if oid == pair[0]), key=STRONG.index))
        for name, pair in tables.items()
    }
    return Look(
        phase=str(entry["phase"]),
        statement=f"{entry['tag']} {entry['object'] or ''}".strip(),
        transaction=str(entry["transaction"]),
        touched={name: int(pair[1]) for name, pair in tables.items()},
        locks={name: modes for name, modes in held.items() if modes},
        lock_timeout=milliseconds(str(entry["lock_timeout"])),
        statement_timeout=milliseconds(str(entry["statement_timeout"])),
    )
