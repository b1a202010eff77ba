"""Attacks by two sessions at once: refunds beyond a payment, captures beyond an order.

The second session acts while the first has not committed; it is then seen to wait, to be refused, or to go on. Nothing is
left to chance. Not here: single rows (`rules`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graders.execution.attack import Outcome
from graders.execution.migration.cluster import CLEAN
from graders.execution.migration.roles import OWNER, READER, SUPERUSER
from graders.execution.migration.scene import Scene, decided, unscored
from graders.execution.migration.session import committed, refusal, undone
from graders.execution.migration.shop import Sale, payment

if TYPE_CHECKING:
    from psycopg import Connection

PATIENCE = 15.0
"""Seconds until the second session must wait or be done."""


def refunds_capped(scene: Scene) -> Outcome:
    """A payment is refunded by more than its amount: in one step, in two, and by two sessions at once.

    Pass: the database refuses what goes beyond the payment, and what does not is accepted. Fail: together they exceed it.
    """
    chosen = _unrefunded(scene)
    sale = scene.sale()
    with undone(sale.writer):
        if state := sale.add("refunds", payment_id=chosen[0], amount_minor=chosen[1] // 2):
            return decided(False, "a refund of half a payment is refused", f"refund of half: {state}")
    with undone(sale.writer):
        if sale.add("refunds", payment_id=chosen[0], amount_minor=chosen[1] + 1) is None:
            return decided(False, "a refund beyond its payment is accepted", "refund of the amount plus 1: accepted")
    part = chosen[1] * 6 // 10
    with undone(sale.writer):
        first = sale.add("refunds", payment_id=chosen[0], amount_minor=part)
        second = sale.add("refunds", payment_id=chosen[0], amount_minor=part)
    if first is None and second is None:
        return decided(
            False,
            "two refunds that exceed their payment are accepted",
            "60 % and again 60 % of a payment: both accepted",
        )
    total = _both(
        scene,
        "refunds",
        {"payment_id": chosen[0], "amount_minor": part},
        {"payment_id": chosen[0], "amount_minor": part},
    )
    lines = (
        "one session refunds 60 % and has not committed; another refunds 60 %; the first commits",
        f"accepted: {total} of 2",
    )
    if total > 1:
        return decided(False, "two refunds at once exceed their payment", *lines)
    return decided(True, "refunds cannot exceed their payment, not even two at once", *lines)


def captures_capped(scene: Scene) -> Outcome:
    """An order is paid twice in full: by a second captured payment, by capturing a pending one, and by two sessions at once.

    Pass: the database refuses the second. Fail: it refuses some of these ways and lets others through. Left open: it
    refuses none; whether the answer says why several captures are right, only a reader can tell.
    """
    order, amount = _fresh_order(scene)
    sale = scene.sale()
    again = {"order_id": order, "amount_minor": amount}
    with undone(sale.writer):
        if state := sale.add("payments", **payment(10, status="captured", **again)):
            return unscored(f"the first captured payment of an order is refused with {state}")
        direct = sale.add("payments", **payment(11, status="captured", **again))
        later = None
        if sale.add("payments", **payment(12, **again)) is None:
            later = refusal(
                sale.writer, "UPDATE public.payments SET status = 'captured' WHERE idempotency_key = 'probe-key-12'"
            )
        else:
            later = "refused before"
    if direct is None and later is None:
        return unscored(
            "the database accepts a second full capture; whether the answer states a reason is for a reader",
            "captured twice: accepted",
        )
    if direct is None or later is None:
        return decided(
            False,
            "an order can be captured twice in one of two ways",
            f"inserted as captured: {direct or 'accepted'}; captured later: {later or 'accepted'}",
        )
    total = _both(scene, "payments", payment(13, status="captured", **again), payment(14, status="captured", **again))
    lines = (
        "one session captures in full and has not committed; another does the same; the first commits",
        f"accepted: {total} of 2",
    )
    return decided(
        total < 2, "two captures at once are accepted" if total > 1 else "an order cannot be captured twice", *lines
    )


def _both(scene: Scene, table: str, one: Mapping[str, object], other: Mapping[str, object]) -> int:
    """How many of two inserts are committed: the second is sent while the first is open, the first commits once the second waits or is done."""
    reader = scene.sale().reader
    with scene.server.session(CLEAN[0], OWNER) as first, scene.server.session(CLEAN[0], OWNER) as second:
        first.execute("BEGIN")
        accepted = [Sale(reader=reader, writer=first).add(table, **one)]
        second.execute("BEGIN")
        rival = Sale(reader=scene.server.session(CLEAN[0], READER), writer=second)
        thread = threading.Thread(target=lambda: accepted.append(rival.add(table, **other)), daemon=True)
        thread.start()
        _waits_or_ends(scene, second, thread)
        accepted[0] = committed(first) or accepted[0]
        thread.join(PATIENCE)
        rival.reader.close()
        if len(accepted) < 2:
            return sum(state is None for state in accepted)
        accepted[1] = committed(second) or accepted[1]
    return sum(state is None for state in accepted)


def _waits_or_ends(scene: Scene, second: Connection[Any], thread: threading.Thread) -> None:
    probe = scene.session(SUPERUSER)
    until = time.monotonic() + PATIENCE
    while thread.is_alive() and time.monotonic() < until:
        row = probe.execute(
            "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", (second.info.backend_pid,)
        ).fetchone()
        if row and row[0] == "Lock":
            return
        time.sleep(0.002)


def _unrefunded(scene: Scene) -> tuple[int, int]:
    """(id, amount) of a captured payment without refunds."""
    row = (
        scene.sale()
        .reader.execute(
            "SELECT p.id, p.amount_minor FROM public.payments AS p WHERE p.status = 'captured' AND p.amount_minor > 1000"
            " AND p.id > 200 AND NOT EXISTS (SELECT FROM public.refunds AS r WHERE r.payment_id = p.id) ORDER BY p.id LIMIT 1"
        )
        .fetchone()
    )
    assert row is not None
    return int(row[0]), int(row[1])


def _fresh_order(scene: Scene) -> tuple[int, int]:
    """(id, total in cents) of a new order without payments, like the sample order."""
    sale = scene.sale()
    sale.add("orders")
    row = sale.reader.execute(
        "SELECT max(o.id), (SELECT p.amount_minor FROM public.payments AS p WHERE p.id = 70) FROM public.orders AS o"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
