"""The attack on order totals: are they exact, complete, in step, and brought there in steps? Not here: other rules (`rules`)."""

from __future__ import annotations

from decimal import Decimal

from graders.execution.attack import Outcome
from graders.execution.migration import catalog
from graders.execution.migration.cluster import CLEAN
from graders.execution.migration.roles import OWNER, READER, SUPERUSER
from graders.execution.migration.rows import new_tables
from graders.execution.migration.rules import TODAY
from graders.execution.migration.scene import Scene, decided, unscored
from graders.execution.migration.session import refusal, undone
from graders.execution.migration.shop import ORDER


def exact_totals(scene: Scene) -> Outcome:
    """Totals are read back as exact numbers, an order is written as today's programs do, and it is counted how many rows one transaction changed.

    Pass: a column of `orders` of an exact type holds every old total to the cent, follows new and changed ones, and no
    single transaction changed all rows. Fail: there is none, it has gaps, it does not follow, `orders` was rewritten, or
    one transaction changed every row. Left open: one transaction changed them all, but the file's batches may be larger
    than this table.
    """
    column = exact_column(scene, CLEAN[0])
    if column is None and (aside := _kept_aside(scene)):
        return unscored(f"totals may be held in {aside}; only columns of orders are compared")
    if column is None:
        return decided(
            False,
            "no column of orders holds every total exactly",
            "numeric and integer columns of orders were compared with 20000 totals",
        )
    name, factor = column
    if not _follows(scene, name, factor):
        return decided(
            False,
            "the exact totals do not follow new ones",
            f"orders.{name}: an order written with total 19.99 or changed to 29.99 does not show it",
        )
    after = catalog.files(scene.session(SUPERUSER))
    if any(
        entry[:2] == ("orders", "table") and oid in after and after[oid][2] != entry[2]
        for oid, entry in scene.before(CLEAN[0]).files.items()
    ):
        return decided(False, "orders was rewritten", "the table lies in another file than before")
    share = _largest_share(scene)
    if share > 0.9:
        if scene.batch_may_exceed:
            return unscored(
                "one transaction changed every order; the batches of the file may be larger than this table"
            )
        return decided(
            False, "one transaction changed every order", f"orders changed by the largest transaction: {share:.0%}"
        )
    return decided(
        True,
        "exact totals, filled in steps and kept in step",
        f"orders.{name}: 20000 of 20000 totals right; the largest transaction changed {share:.0%}",
    )


def exact_column(scene: Scene, database: str) -> tuple[str, int] | None:
    """(name, units in one currency unit) of a column of `orders` of an exact type that holds each old total."""
    reader = scene.session(READER, database)
    found = reader.execute(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass('public.orders') AND attnum > 0 AND NOT attisdropped"
        " AND atttypid IN ('numeric'::regtype, 'bigint'::regtype, 'integer'::regtype) AND attname NOT IN ('id', 'customer_id')"
        " ORDER BY attnum"
    ).fetchall()
    totals = (
        {key: round(Decimal(row["total"] or 0), 2) for key, row in scene.original(CLEAN[0], "orders").items()}
        if found
        else {}
    )
    for (name,) in found:
        quoted = name.replace('"', '""')
        now = {row[0]: row[1] for row in reader.execute(f'SELECT id::text, "{quoted}" FROM public.orders')}
        for factor in (1, 100):
            if all(key in now and now[key] == total * factor for key, total in totals.items()):
                return name, factor
    return None


def _follows(scene: Scene, column: str, factor: int) -> bool:
    """Whether a new order and a changed old one show their totals in the exact column."""
    writer = scene.session(OWNER)
    quoted = column.replace('"', '""')
    right = []
    with undone(writer):
        if refusal(writer, TODAY["insert an order"]) is None:
            right.append(
                writer.execute(
                    f'SELECT "{quoted}" = 19.99 * {factor} FROM public.orders ORDER BY id DESC LIMIT 1'
                ).fetchone()
            )
    with undone(writer):
        if refusal(writer, TODAY["update an order"]) is None:
            right.append(
                writer.execute(f'SELECT "{quoted}" = 29.99 * {factor} FROM public.orders WHERE id = {ORDER}').fetchone()
            )
    return all(row is not None and row[0] for row in right)


def _largest_share(scene: Scene) -> float:
    """Part of the orders that were last written by one and the same committed transaction of the migration."""
    row = (
        scene.session(READER)
        .execute(
            "SELECT coalesce(max(n), 0)::float / (SELECT count(*) FROM public.orders) FROM (SELECT count(*) AS n FROM public.orders AS o,"
            " pg_xact_commit_timestamp(o.xmin) AS t WHERE t > %s GROUP BY t) AS x",
            (scene.before(CLEAN[0]).begun,),
        )
        .fetchone()
    )
    return float(row[0]) if row else 0.0


def _kept_aside(scene: Scene) -> str | None:
    """A table of the migration's own with an exact column and a row for every order, where the totals may lie."""
    reader = scene.session(READER)
    for schema, table in new_tables(reader):
        name = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, table))
        row = reader.execute(
            f"SELECT (SELECT count(*) FROM {name}) >= 20000 AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = %s::regclass"
            " AND attnum > 0 AND atttypid IN ('numeric'::regtype, 'bigint'::regtype, 'integer'::regtype))",
            (name,),
        ).fetchone()
        if row and row[0]:
            return f"{schema}.{table}"
    return None
