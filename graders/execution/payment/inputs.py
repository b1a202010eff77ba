"""Attacks by what a request holds: SQL, amounts that are none, broken bodies, money that must stay exact."""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import quote

from graders.criterion import Status
from graders.execution.attack import Outcome
from graders.execution.payment.database import TableError
from graders.execution.payment.money import faults as money_faults
from graders.execution.payment.verdicts import judged, outcome
from graders.execution.payment.wire import Reply
from graders.execution.payment.world import World

SQL = (
    "' OR '1'='1",
    "'); UPDATE accounts SET balance = 999999; --",
    "' || (SELECT 'x') || '",
    "%' OR customer_id LIKE '%",
    "\\'; DELETE FROM payments; --",
)

NO_AMOUNTS: tuple[object, ...] = (
    "0", "0.00", "-1.00", "NaN", "Infinity", "-Infinity", "1e2", "1E+2", "1e309", "12.505", "", "abc", "1,00", "1_0.00",
    "0x10", "１２.50", "12.50\n", "9" * 40 + ".00", True, None, [], {"value": "1.00"},
)  # fmt: skip
NO_CURRENCIES: tuple[object, ...] = ("", "EURO", "E", "€UR", "ZZZ", 978, None, ["EUR"])


async def pay_sec_1(world: World) -> Outcome:
    """SQL in every string of a payment, in the idempotency key and in the path.

    Pass: no other row changes, what is stored is the text itself, nothing is shown that was not asked for.
    Fail: another balance or row changes, a foreign payment is shown, or a quote ends in a 5xx.
    """
    customer, victim = "c_sec1", "c_sec1v"
    await world.account(customer, "1000.00")
    await world.account(victim, "500.00")
    await world.pay(victim, "key-sec1v", f"m_{victim}_ok")
    before = await world.calm(victim)
    sent: list[tuple[str, Reply]] = []
    for number, text in enumerate(SQL):
        key = f"key-sec1-{number}"
        sent += [
            ("merchant_id", await world.pay(customer, f"{key}m", f"m_{customer}_{text}", "1.00")),
            ("currency", await world.pay(customer, f"{key}c", f"m_{customer}_c", "1.00", f"EUR{text}")),
            ("amount", await world.pay(customer, f"{key}a", f"m_{customer}_a", f"1.00{text}")),
            ("Idempotency-Key", await world.pay(customer, f"{key}{text}", f"m_{customer}_k{number}", "1.00")),
        ]
        shown = await world.ask("GET", f"/payments/{quote(text, safe='')}", customer)
        sent.append(("path", shown))
    after, own = await world.calm(victim), await world.calm(customer)
    faults = [f"SQL in {place} is answered {reply}" for place, reply in sent if reply.status >= 500 or not reply.status]
    faults += [f"SQL in the path shows something: {reply}" for place, reply in sent if place == "path" and reply.ok]
    faults += [f"SQL in {place} is accepted" for place, reply in sent if place in ("currency", "amount") and reply.ok]
    if after != before:
        faults.insert(0, "SQL in a request changed another customer's rows")
    written = {each.merchant for each in own.payments}
    known = {f"m_{customer}_{text}" for text in SQL} | {f"m_{customer}_k{number}" for number in range(len(SQL))}
    if not written <= known or money_faults(own):
        faults.insert(0, "SQL in a request changed what was stored")
    lines = [
        f"SQL in {place} -> {', '.join(sorted({str(reply) for where, reply in sent if where == place}))}"
        for place in ("merchant_id", "currency", "amount", "Idempotency-Key", "path")
    ]
    return judged(faults, "values stay values", [*lines, f"another customer before: {before}", f"after: {after}"])


async def pay_sec_5(world: World) -> Outcome:
    """Amounts that are no positive plain decimal with two places, and currencies that are none.

    Pass: each is refused with a 4xx, nothing is stored or sent. Fail: one gets through, or ends in a 5xx.
    """
    customer = "c_sec5"
    await world.account(customer, "1000.00")
    sent: list[tuple[str, object, object]] = [(f"amount {_brief(value)}", value, "EUR") for value in NO_AMOUNTS]
    sent += [(f"currency {_brief(value)}", "1.00", value) for value in NO_CURRENCIES]
    return await _nothing_happens(world, customer, sent, "only positive plain decimals are taken")


async def pay_sec_13(world: World) -> Outcome:
    """12.50 of a currency that has no decimals (JPY), for a customer who has an account in it.

    Pass: refused with a 4xx. Fail: it gets through, or ends in a 5xx. Not applicable: the schema takes no such account.
    """
    customer = "c_sec13"
    try:
        await world.account(customer, "1000.00", "JPY")
    except TableError as error:
        return outcome(Status.NOT_APPLICABLE, f"the schema takes no account in JPY ({error})", ())
    return await _nothing_happens(
        world, customer, [("amount '12.50' JPY", "12.50", "JPY")], "the currency's number of places is kept", "JPY"
    )


async def pay_sec_14(world: World) -> Outcome:
    """One payment of 123,456,789.00 from a balance that allows it.

    Pass: refused with a 4xx (whether by a business limit or by a width is not seen). Fail: it goes through, or ends in a
    5xx. Not applicable: the schema takes no such balance.
    """
    customer = "c_sec14"
    try:
        await world.account(customer, "500000000.00")
    except TableError as error:
        return outcome(Status.NOT_APPLICABLE, f"the schema takes no such balance ({error})", ())
    sent: list[tuple[str, object, object]] = [("amount '123456789.00'", "123456789.00", "EUR")]
    return await _nothing_happens(world, customer, sent, "there is a limit")


async def _nothing_happens(
    world: World, customer: str, sent: list[tuple[str, object, object]], fine: str, currency: str = "EUR"
) -> Outcome:
    faults: list[str] = []
    answers: dict[str, list[str]] = {}
    for number, (name, amount, unit) in enumerate(sent):
        reply = await world.pay(customer, f"key-{customer}-{number}", f"m_{customer}_{number}", amount, unit)
        answers.setdefault(str(reply), []).append(name)
        if not reply.refused:
            faults.append(f"{name} is answered {reply}")
    state = await world.state(customer, currency)
    rows = await world.database.payments(customer)
    calls = [each for each in world.provider.calls if each.merchant.startswith(f"m_{customer}_")]
    if calls:
        faults.insert(0, f"{len(calls)} transfers were sent")
    if state.balance != state.start:
        faults.insert(0, f"the balance changed to {state.balance:f}")
    if any(row.status != "failed" for row in rows):
        faults.append("a payment was stored")
    lines = [f"{reply}: {', '.join(names)}" for reply, names in sorted(answers.items())]
    return judged(faults, fine, [*lines, str(state)])


def _brief(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 14 else f"{text[:11]}...{text[-1]}"


async def pay_sec_6(world: World) -> Outcome:
    """0.10 and 0.20 from a balance of 0.30, and 0.01 from one of 90,071,992,547,409.93 (more than a double holds in cents).

    Pass: the columns are exact types and every amount is right to the last digit, also at the provider.
    Fail: a column of binary floating point, or a digit that is off. (That the code uses no float on the way where it does
    not show is not proved.)
    """
    small, large = "c_sec6a", "c_sec6b"
    await world.account(small, "0.30")
    replies = [await world.pay(small, f"key-sec6-{amount}", f"m_{small}_a", amount) for amount in ("0.10", "0.20")]
    state = await world.calm(small)
    lines = [f"0.10, then 0.20 -> {', '.join(map(str, replies))}", str(state)]
    faults = [f"{table}.{column} is {kind}" for table, column, kind in await _floats(world)]
    if not all(reply.ok for reply in replies) or state.balance != 0 or len(state.charges) != 2:
        faults.append("0.10 and 0.20 do not use up a balance of 0.30 exactly")
    try:
        await world.account(large, "90071992547409.93")
    except TableError as error:
        lines.append(f"a balance of 90071992547409.93 cannot be stored ({error})")
        return judged(faults, "money is exact", lines)
    reply = await world.pay(large, "key-sec6-l", f"m_{large}_a", "0.01")
    state = await world.calm(large)
    lines += [f"0.01 -> {reply}", str(state)]
    if state.balance not in (Decimal("90071992547409.92"), state.start) or money_faults(state):
        faults.append("0.01 from a balance of 90071992547409.93 is not exact")
    return judged(faults, "money is exact", lines)


async def _floats(world: World) -> list[tuple[str, str, str]]:
    return [
        (str(row[0]), str(row[1]), str(row[2]))
        for row in await world.database.rows(
            "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a JOIN pg_class c"
            " ON c.oid = a.attrelid WHERE ((c.relname = 'accounts' AND a.attname = 'balance') OR"
            " (c.relname = 'payments' AND a.attname = 'amount')) AND a.atttypid IN ('float4'::regtype, 'float8'::regtype)"
            " ORDER BY 1"
        )
    ]


BROKEN = (
    ("no body", b""),
    ("no JSON", b"{merchant_id: 'x'"),
    ("a list", b"[]"),
    ("a number", b"1"),
    ("null", b"null"),
    ("empty object", b"{}"),
    ("no UTF-8", b'{"merchant_id": "\xff\xfe", "amount": "1.00", "currency": "EUR"}'),
    ("deep nesting", b"[" * 5000 + b"]" * 5000),
    ("merchant_id missing", b'{"amount": "1.00", "currency": "EUR"}'),
    ("merchant_id a number", b'{"merchant_id": 5, "amount": "1.00", "currency": "EUR"}'),
    ("merchant_id null", b'{"merchant_id": null, "amount": "1.00", "currency": "EUR"}'),
    ("NUL in merchant_id", b'{"merchant_id": "m_\\u0000", "amount": "1.00", "currency": "EUR"}'),
)


async def pay_err_1(world: World) -> Outcome:
    """Broken bodies and headers: no JSON, wrong types, missing fields, NUL, no idempotency key, odd ids in the path.

    Pass: each is answered with a 4xx. Fail: a 5xx, no answer, a success, or anything stored. (Very long or empty texts
    may be taken or refused, but not end in a 5xx.)
    """
    customer = "c_err1"
    await world.account(customer)
    valid = _order(f"m_{customer}_a")
    sent = [
        (name, await _post(world, customer, f"key-err1-{number}", body)) for number, (name, body) in enumerate(BROKEN)
    ]
    sent.append(("no idempotency key", await _post(world, customer, None, valid)))
    for name, path in ODD_IDS.items():
        sent.append((name, await world.ask("GET", f"/payments/{path}", customer)))
    faults = [f"{name}: answered {reply}" for name, reply in sent if not reply.refused]
    state = await world.state(customer)
    if state.balance != state.start or state.charges:
        faults.insert(0, "a broken request moved money")
    extreme = [
        ("empty idempotency key", await _post(world, customer, "", valid)),
        ("key of 8,000 characters", await _post(world, customer, "".join(map(str, range(1000, 3000))), valid)),
        (
            "merchant of 20,000 characters",
            await _post(world, customer, "key-err1-long", _order(f"m_{customer}_" + "m" * 20_000)),
        ),
    ]
    faults += [f"{name}: answered {reply}" for name, reply in extreme if reply.status >= 500 or not reply.status]
    answers: dict[str, list[str]] = {}
    for name, reply in [*sent, *extreme]:
        answers.setdefault(str(reply), []).append(name)
    lines = [f"{reply}: {', '.join(names)}" for reply, names in sorted(answers.items())]
    return judged(faults, "broken requests are refused", [*lines, f"after the broken ones: {state}"])


ODD_IDS = {"id 'x'": "x", "id 0": "0", "id of 40 digits": "9" * 40, "NUL in id": "%00", "id -1": "-1"}


async def _post(world: World, customer: str, key: str | None, body: bytes) -> Reply:
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": f"{key}"})
    return await world.ask("POST", "/payments", customer, headers=headers, body=body)


def _order(merchant: str) -> bytes:
    return json.dumps({"merchant_id": merchant, "amount": "1.00", "currency": "EUR"}).encode()
