"""Attacks on how the migration runs: to its end, on dirty rows, under which locks, and with every row kept.

Not here: what holds afterwards (`rules`, `rights`), or what happens when it is interrupted (`interruption`).
"""

from __future__ import annotations

import re

from graders.execution.attack import Outcome
from graders.execution.migration import catalog
from graders.execution.migration.cluster import CLEAN, DIRTY
from graders.execution.migration.events import asked_for, held_during_scan, without_bound
from graders.execution.migration.roles import OWNER, READER, SUPERUSER
from graders.execution.migration.rows import Loss
from graders.execution.migration.scene import Scene, decided, last_words, not_applicable, shown, unscored
from graders.execution.migration.session import asked, undone
from graders.execution.migration.shop import ORDER, PAYMENT, payment


def starts(scene: Scene) -> Outcome:
    """The file is run on 20,000 orders that break no rule, and then an ordinary sale is made.

    Pass: psql comes to the end of the file, and an order, an item, a payment, a refund and a redemption like those that
    are there are still accepted. Fail: psql stops, does not end, or the sale is refused.
    """
    run = scene.first
    if not run.ended:
        return decided(False, "the migration does not run to its end on clean data", *last_words(run))
    _ = scene.defined
    sale = scene.sale()
    with undone(sale.writer):
        steps = {
            "order": sale.add("orders"),
            "order item": sale.add("order_items", order_id=ORDER),
            "payment": sale.add("payments", **payment(1)),
            "refund": sale.add("refunds", payment_id=PAYMENT, amount_minor=1),
            "redemption": sale.add(
                "coupon_redemptions", coupon_code="MANY-2", order_id=ORDER, redeemed_at="2025-01-01 00:00+00"
            ),
        }
    refused = [f"insert a valid {name}: refused with {state}" for name, state in steps.items() if state]
    if refused:
        return decided(False, "after the migration an ordinary sale is refused", *refused)
    return decided(
        True, "it runs to its end, and an ordinary sale is accepted", "psql -v ON_ERROR_STOP=1 -f migration.sql: exit 0"
    )


def dirty_rows_met(scene: Scene) -> Outcome:
    """The file is run on data with duplicates, orphans, empty and negative values.

    Pass: psql comes to the end; or the migration stops itself before it has changed anything that is defined.
    Fail: it stops half way.
    """
    run = scene.dirty
    if run.ended:
        return decided(True, "it runs to its end on dirty data", "psql on the dirty database: exit 0")
    if not _changed(scene):
        return decided(True, "dirty rows stop it before it changes anything", *last_words(run))
    return decided(False, "dirty rows stop it half way", *last_words(run))


def rows_kept(scene: Scene) -> Outcome:
    """Every value of every row is looked for after the run on dirty data: in its place, in a new column, or in a copy.

    Pass: everything but card numbers and CVVs is there (amounts in cents and moments in a time zone count).
    Fail: rows or values are nowhere any more. Left open: it stopped on the way, and nothing was lost until then.
    """
    run = scene.dirty
    lost = scene.losses(DIRTY, DIRTY)
    if lost:
        return decided(False, "rows or values are gone, with no copy", *(_said(loss) for loss in lost))
    if not run.ended and _changed(scene):
        return unscored("it stops half way on dirty data; until there nothing is lost", *last_words(run))
    return decided(
        True, "no row and no value is lost on dirty data", "rows and values of 13 tables compared: all there"
    )


def locks(scene: Scene) -> Outcome:
    """Every statement that defines something is watched for locks that keep writers out of a large table, and for rows read or changed under them.

    Large: orders, order_items, payments, events, customers. Pass: no such table is read, built or rewritten by half or
    more under such a lock. Fail: one is (also where a lock taken before is kept over a scan), or a table or index got a new
    file in its place. Not applicable: the migration defines nothing.
    """
    looks = (*scene.first.looks, *scene.dirty.looks)
    if not looks:
        return not_applicable("the migration defines nothing")
    held = [
        f"{entry.statement}: {entry.table} under {entry.lock}, {entry.rows} rows read or changed"
        for run in (scene.first, scene.dirty)
        for entry in held_during_scan(run.looks, scene.large)
    ]
    held += [f"{name}: the {kind} was rewritten in its place" for name, kind in _rewritten(scene)]
    held = list(dict.fromkeys(held))
    if held:
        return decided(False, "a large table is closed to writers while it is scanned or rewritten", *held)
    return decided(
        True,
        "no large table is closed to writers while it is scanned",
        f"{len(scene.first.looks)} looks, none at a scan under a strong lock",
    )


def waits_bounded(scene: Scene) -> Outcome:
    """For every lock that keeps writers out of a large table: how long would the session have waited for it?

    Pass: `lock_timeout` or `statement_timeout` is set, to at most a minute, wherever such a lock is asked for.
    Fail: one is asked for without a bound; all writers would queue behind it. Not applicable: no such lock is asked for.
    """
    looks = (*scene.first.looks, *scene.dirty.looks)
    if not asked_for(looks):
        return not_applicable("no lock that keeps writers out of a large table is asked for")
    loose = dict.fromkeys(
        f"{statement or 'LOCK TABLE'}: waits for {table} without a bound"
        for run in (scene.first, scene.dirty)
        for table, statement in without_bound(run.looks)
    )
    if loose:
        return decided(False, "a lock on a large table is waited for without a bound", *loose)
    return decided(
        True, "every wait for a strong lock on a large table is bounded", "lock_timeout was set at each of them"
    )


def queries(scene: Scene) -> Outcome:
    """A customer's latest orders, and the items of an order, are planned on 20,000 orders.

    Pass: both find their rows by an index on the customer and on the order. Fail: one reads the table or walks an index
    of everybody's orders. Left open: the query itself does not run any more.
    """
    scene.session(OWNER).execute("ANALYZE public.orders, public.order_items")
    plans = {}
    for name, query in QUERIES.items():
        found = asked(scene.session(READER), "EXPLAIN (COSTS OFF) " + query)
        if isinstance(found, str):
            return unscored(f"{name} cannot be asked any more: {found}")
        plans[name] = [row[0].strip() for row in found]
    slow = [name for name, column in LEADING.items() if not _by_index(scene, plans[name], column)]
    lines = [f"{name}: {', '.join(_steps(plan))}" for name, plan in plans.items() if not slow or name in slow]
    return decided(not slow, "asked queries have no index" if slow else "the asked queries use an index", *lines)


LEADING = {"latest orders": "customer_id", "items of an order": "order_id"}
"""The column by which each query has to find its rows."""
QUERIES = {
    "latest orders": "SELECT * FROM public.orders WHERE customer_id = 10000 ORDER BY created_at DESC LIMIT 20",
    "items of an order": "SELECT * FROM public.order_items WHERE order_id = 10000",
}


def _by_index(scene: Scene, plan: list[str], column: str) -> bool:
    """Whether a plan finds its rows by an index that begins with the column."""
    used = [
        found.group(1)
        for line in plan
        if (found := re.search(r"Index (?:Only )?Scan (?:Backward )?(?:using|on) (\S+)", line))
    ]
    leading = scene.session(SUPERUSER).execute(
        "SELECT pg_get_indexdef(i.indexrelid, 1, true) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
        " WHERE quote_ident(c.relname) = ANY (%s)", (used,)
    )  # fmt: skip
    return (column,) in leading.fetchall() and any(f"Index Cond: ({column} =" in line for line in plan)


def _steps(plan: list[str]) -> list[str]:
    """The steps of a plan that find rows."""
    return [line.removeprefix("->").strip() for line in plan if "Scan" in line or line.startswith("Index Cond")]


def _rewritten(scene: Scene) -> list[tuple[str, str]]:
    """(large table, kind) of what lies in another file than before, under the same id."""
    found = []
    for database in (CLEAN[0], DIRTY):
        after = catalog.files(scene.session(SUPERUSER, database))
        for oid, (name, kind, file) in scene.before(database).files.items():
            if name in scene.large and oid in after and after[oid][2] != file:
                found.append((name, kind))
    return sorted(set(found))


def _changed(scene: Scene) -> bool:
    """Whether the run on dirty data changed what is defined, or who may do what."""
    probe = scene.session(SUPERUSER, DIRTY)
    return (
        catalog.definitions(probe) | catalog.rights(probe) != scene.before(DIRTY).defined | scene.before(DIRTY).rights
    )


def _said(loss: Loss) -> str:
    if loss.column is None:
        return f"{loss.table}: {loss.count} rows are gone, the first {shown(loss.key)}"
    return f"{loss.table}.{loss.column}: {loss.count} values are gone, the first of {shown(loss.key)}: {loss.before!r} became {loss.after!r}"
