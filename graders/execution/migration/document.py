"""docs/attacks-migration.md, printed from the attacks themselves: `python -m graders.execution.migration.document`."""

from __future__ import annotations

import inspect
import textwrap

from graders.execution.migration.suite import ENTRIES

HEAD = """# Attacks on a migration

Printed from `graders/execution/migration` by `python -m graders.execution.migration.document`.

The case's schema is filled once per machine with 20,000 orders, 60,000 items, 22,500 payments, 20,000 events and what
belongs to them, in three databases: two clean ones and one with dirty rows (duplicate addresses by letter case, orphan
payments, quantities of zero and less, refunds without payment or amount or beyond it, repeated keys and references,
coupons redeemed twice, orders captured twice). Totals are sums of floats in all of them. Each answer gets a copy.
`psql -v ON_ERROR_STOP=1 -f migration.sql` runs as the tables' owner in a box that has nothing but the server's socket; the
server is in another box, and what is looked at is looked at from outside.

How locks are seen: event triggers of the superuser write one line to the server's log before and after each statement that
defines something, and once more when its transaction commits: the locks of that session on large tables that keep writers
out, and how many rows of each large table it has read or changed so far. The rows between two looks under such a lock are
what a writer would have had to wait for. Nothing is sampled, so nothing depends on luck.

Pauses are left out: `pg_sleep` returns at once, since it changes when something happens, not what. Ids lie 10 apart, so
that batches over ranges of ids stay batches on few rows.

If the file does not run to its end on clean data, DB-STARTS fails and every other attack is left open.
"""
BLIND = """## Blind spots

- A lock taken by `LOCK TABLE` in a transaction that defines nothing is not seen; nor is a strong lock held while the session
  only waits.
- Rows locked one by one (a single UPDATE of a whole table) count for totals alone (DB-TX-5).
- Batches of 200,000 ids or 20,000 rows cannot be told from one UPDATE of all; DB-TX-5 then leaves it open.
- `carts`, `refunds`, `coupon_redemptions` and other tables that the case does not call large may be locked.
- A value that was NULL and is filled is no loss, whatever it is filled with. A copy counts wherever it is kept.
- Concurrency is tried for refunds and captures, by two sessions at READ COMMITTED; not for coupons, stock or addresses.
- Interruptions are spread over the file (and one hits the first index, one a long step); not every statement has its own.
- Replication lag, load and lock queues do not exist here; whether a migration watches them is for other graders.
- Rules that the answer leaves out because rows are dirty are tried where rows are clean (DB-TX-3, DB-TX-4).
"""


def document() -> str:
    """Every attack: its title, what is done, and what passes, fails or stays open."""
    lines = [HEAD, "## Attacks", ""]
    for entry in ENTRIES:
        text = " ".join((inspect.getdoc(entry.act) or "").split())
        lines += [f"### {entry.attack.id}: {entry.attack.title}", "", *textwrap.wrap(text, 120), ""]
    return "\n".join(lines) + BLIND


if __name__ == "__main__":
    print(document(), end="")
