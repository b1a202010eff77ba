"""Which of the schema's grave defects a migration leaves, found in what it defined. Not here: how well it mends them."""

from __future__ import annotations

from collections.abc import Callable

from graders.criterion import Status
from graders.execution.attack import Outcome
from graders.execution.migration import rights, rules, running, totals
from graders.execution.migration.roles import SUPERUSER
from graders.execution.migration.scene import Scene, decided


def left(scene: Scene) -> Outcome:
    """Every grave finding that can be mended without asking anybody is looked for after the run on clean data.

    These are: card data, the injectable function, the grant to PUBLIC, exact totals, duplicates, bad rows, missing
    indexes, and a 64-bit key for events (in use or being filled). Pass: all are mended. Fail: one is not.
    """
    found = [name for name, attack in MENDED.items() if scene.outcome(attack).status is Status.FAIL]
    if not _wide_events(scene):
        found.append("events.id")
    return decided(
        not found,
        "grave defects stay" if found else "every grave defect is mended",
        *(f"left: {name}" for name in found),
    )


MENDED: dict[str, Callable[[Scene], Outcome]] = {
    "payments.card_number": rules.no_card_data,
    "search_orders": rights.functions_safe,
    "GRANT ALL TO PUBLIC": rights.outsiders_shut_out,
    "orders.total": totals.exact_totals,
    "uniqueness of keys, addresses and redemptions": rules.duplicates_refused,
    "foreign keys and checks": rules.bad_rows_refused,
    "indexes for orders and their items": running.queries,
}


def _wide_events(scene: Scene) -> bool:
    row = (
        scene.session(SUPERUSER)
        .execute(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('public.events') AND attnum > 0 AND NOT attisdropped"
            " AND atttypid IN ('bigint'::regtype, 'uuid'::regtype) AND attname <> 'customer_id'"
        )
        .fetchone()
    )
    return bool(row and row[0])
