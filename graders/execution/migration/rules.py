"""Attacks on what the database refuses after the migration, on data that was clean: duplicates, bad rows, too much money.

Each first shows that the valid thing is accepted. Not here: races (`races`), rights (`rights`).
"""

from __future__ import annotations

from collections.abc import Mapping

from graders.execution.attack import Outcome
from graders.execution.migration.roles import APP, READER
from graders.execution.migration.rows import new_tables, present
from graders.execution.migration.scene import FORBIDDEN, Scene, decided
from graders.execution.migration.session import refusal, undone
from graders.execution.migration.shop import CUSTOMER, ORDER, PAYMENT, PRODUCT, payment

CARD, CVV = "4999887700000001", "737"


def no_card_data(scene: Scene) -> Outcome:
    """Stored card numbers are looked for in every place they may be; then a payment is written with one, and one is changed to have one.

    Pass: no number is stored any more, and new ones are refused or dropped. Fail: one is found.
    """
    lines = _stored_cards(scene)
    sale = scene.sale()
    columns = [name for name in ("card_number", "card_cvv") if name in present(sale.reader, "payments")]
    for column, value in zip(columns, (CARD, CVV), strict=False):
        with undone(sale.writer):
            state = refusal(sale.writer, f"UPDATE public.payments SET {column} = %s WHERE id = {PAYMENT}", value)
            lines += _kept(
                sale.writer.execute(f"SELECT {column} FROM public.payments WHERE id = {PAYMENT}").fetchone(),
                value,
                f"update of {column}",
                state,
            )
        with undone(sale.writer):
            state = refusal(sale.writer, _INSERT_CARD.format(column=column), value)
            found = sale.writer.execute(
                f"SELECT {column} FROM public.payments WHERE provider_ref = 'probe-card'"
            ).fetchone()
            lines += _kept(found, value, f"insert with {column}", state)
    if lines:
        return decided(False, "card numbers or CVVs are still stored", *lines)
    return decided(
        True,
        "no card number or CVV is stored, and none comes in",
        f"columns left: {', '.join(columns) or 'none'}; nothing found in them",
    )


_INSERT_CARD = (
    "INSERT INTO public.payments (order_id, provider_ref, idempotency_key, amount_minor, currency, card_token, card_last4, status, {column})"
    f" VALUES ({ORDER}, 'probe-card', 'probe-card', 100, 'EUR', 'tok', '0001', 'pending', %s)"
)


def duplicates_refused(scene: Scene) -> Outcome:
    """The same payment twice, the same address twice (in other letters), the same coupon twice by one customer.

    Pass: each second one is refused, and a coupon that may be used often is accepted twice. Fail: one is not so.
    """
    sale = scene.sale()
    orders = [
        row[0]
        for row in sale.reader.execute(
            "SELECT id FROM public.orders WHERE customer_id = %s ORDER BY id LIMIT 2", (1410,)
        )
    ]
    retry = payment(2)
    trials: dict[str, tuple[str, Mapping[str, object], Mapping[str, object]]] = {
        "a payment with the same idempotency key and reference": ("payments", retry, retry),
        "an account with the same address in other letters": (
            "customers", {"email": "Probe.Person@example.org"}, {"email": "probe.person@EXAMPLE.ORG"}),
        "a once-only coupon by the same customer": (
            "coupon_redemptions", _redeem("ONCE-9", orders[0], 1), _redeem("ONCE-9", orders[1], 2)),
    }  # fmt: skip
    lines = []
    for name, (table, once, again) in trials.items():
        with undone(sale.writer):
            if state := sale.add(table, **once):
                return decided(False, "a valid row is refused", f"first of {name}: refused with {state}")
            if sale.add(table, **again) is None:
                lines.append(f"{name}: accepted twice")
    with undone(sale.writer):
        sale.add("coupon_redemptions", **_redeem("MANY-3", orders[0], 3))
        if state := sale.add("coupon_redemptions", **_redeem("MANY-3", orders[1], 4)):
            lines.append(f"a coupon that may be used often: its second use is refused with {state}")
    return decided(
        not lines,
        "duplicates are accepted" if lines else "each second one is refused",
        *(lines or [f"{name}: refused" for name in trials]),
    )


def bad_rows_refused(scene: Scene) -> Outcome:
    """Rows that make no sense: a payment for no order, quantities of zero and less, refunds of nothing, stock below zero, a customer deleted with orders.

    Pass: all are refused (or the order outlives its customer). Fail: one is accepted.
    """
    sale = scene.sale()
    tries: dict[str, tuple[str, Mapping[str, object]]] = {
        "payment for an order that does not exist": ("payments", payment(3, order_id=987_654_321)),
        "order item with quantity 0": ("order_items", {"order_id": ORDER, "quantity": 0}),
        "order item with quantity -1": ("order_items", {"order_id": ORDER, "quantity": -1}),
        "refund without a payment": ("refunds", {"payment_id": None, "amount_minor": 1}),
        "refund without an amount": ("refunds", {"payment_id": PAYMENT, "amount_minor": None}),
        "refund of a negative amount": ("refunds", {"payment_id": PAYMENT, "amount_minor": -5}),
    }
    accepted = []
    for name, (table, values) in tries.items():
        with undone(sale.writer):
            if sale.add(table, **values) is None:
                accepted.append(f"{name}: accepted")
    with undone(sale.writer):
        if refusal(sale.writer, f"UPDATE public.stock SET quantity = -1 WHERE product_id = {PRODUCT}") is None:
            accepted.append("stock below zero: accepted")
    if _order_lost(scene):
        accepted.append("customer with an order deleted: the order went with it")
    return decided(
        not accepted,
        "bad rows are accepted" if accepted else "bad rows are refused",
        *(accepted or [f"{name}: refused" for name in tries]),
    )


def program_of_today(scene: Scene) -> Outcome:
    """What the shop's programs send today, with today's columns, sent as `shop_app` after the migration.

    Pass: every statement is accepted. Fail: one is refused; while the shop is open that is an outage. (A refund may be
    another role's work; a missing right to it is no failure.)
    """
    app = scene.session(APP)
    refused = []
    with undone(app):
        for name, statement in TODAY.items():
            state = refusal(app, statement)
            if state and not (name == "insert a refund" and state in FORBIDDEN):
                refused.append(f"{name}: refused with {state}")
    return decided(
        not refused,
        "statements of today's programs are refused" if refused else "today's programs go on",
        *(refused or list(TODAY)),
    )


TODAY = {
    "insert an order": f"INSERT INTO public.orders (customer_id, total, currency, status) VALUES ({CUSTOMER}, 19.99, 'EUR', 'new')",
    "insert an item": f"INSERT INTO public.order_items (order_id, product_id, quantity, unit_price) VALUES ({ORDER}, {PRODUCT}, 1, 19.99)",
    "insert a payment": (
        "INSERT INTO public.payments (order_id, provider_ref, idempotency_key, amount_minor, currency, card_token, card_last4,"
        f" card_number, card_cvv, status) VALUES ({ORDER}, 'today', 'today', 100, 'EUR', 'tok', '0001', '{CARD}', '{CVV}', 'pending')"
    ),
    "update a payment": f"UPDATE public.payments SET status = 'captured' WHERE id = {PAYMENT}",
    "update an order": f"UPDATE public.orders SET status = 'shipped', total = 29.99 WHERE id = {ORDER}",
    "update the stock": f"UPDATE public.stock SET quantity = quantity - 1 WHERE product_id = {PRODUCT}",
    "insert a customer": (
        "INSERT INTO public.customers (email, password, full_name, country_code) VALUES ('today@example.org', 'x', 'Today', 'DE')"
    ),
    "insert a refund": f"INSERT INTO public.refunds (payment_id, amount_minor, reason) VALUES ({PAYMENT}, 1, 'today')",
    "read products": "SELECT id, sku, title, price FROM public.products LIMIT 1",
    "read a customer's orders": f"SELECT id, total, status, created_at FROM public.orders WHERE customer_id = {CUSTOMER}",
}
"""The statements, by what they do."""


def _order_lost(scene: Scene) -> bool:
    """Whether an order without items and payments goes when its customer is deleted."""
    sale = scene.sale()
    with undone(sale.writer):
        if sale.add("customers", email="to.be.deleted@example.org"):
            return False
        row = sale.writer.execute("SELECT max(id) FROM public.customers").fetchone()
        assert row is not None
        if sale.add("orders", customer_id=row[0]):
            return False
        order = sale.writer.execute("SELECT max(id) FROM public.orders").fetchone()
        assert order is not None
        if refusal(sale.writer, f"DELETE FROM public.customers WHERE id = {row[0]}"):
            return False
        return sale.writer.execute("SELECT FROM public.orders WHERE id = %s", order).fetchone() is None


def _redeem(code: str, order: int, hour: int) -> dict[str, object]:
    return {"coupon_code": code, "customer_id": 1410, "order_id": order, "redeemed_at": f"2025-02-01 0{hour}:00+00"}


def _stored_cards(scene: Scene) -> list[str]:
    """Where card numbers of the old rows still are: in payments, or in a table that the migration made."""
    reader = scene.session(READER)
    lines = []
    for schema, table in [("public", "payments"), *new_tables(reader)]:
        name = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, table))
        row = reader.execute(f"SELECT count(*) FROM {name} AS x WHERE x::text LIKE '%49998877%'").fetchone()
        if row and row[0]:
            lines.append(f"{schema}.{table}: {row[0]} rows with a card number")
    return lines


def _kept(row: tuple[object, ...] | None, value: str, what: str, state: str | None) -> list[str]:
    return [f"{what}: stored"] if state is None and row is not None and row[0] == value else []
