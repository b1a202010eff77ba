"""Attacks on who may do what: no token, a token that is none, somebody else's payment, a token without an end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal

from graders.criterion import Status
from graders.execution.attack import Outcome
from graders.execution.payment.tokens import HOUR, SECRET, claims, signed, token
from graders.execution.payment.verdicts import judged, outcome
from graders.execution.payment.world import World


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """What stands in the header `Authorization`."""

    name: str
    header: str | None


async def pay_sec_3(world: World) -> Outcome:
    """POST and GET without a token, and with ones that the login service did not make or that have ended.

    Pass: all are refused with a 4xx, nothing is stored, nothing is sent to the provider.
    Fail: one of them gets through, changes something, or ends in a 5xx.
    """
    customer = "c_sec3"
    await world.account(customer)
    paid = await world.pay(customer, "key-sec3", f"m_{customer}_ok")
    before = await world.calm(customer)
    calls = len(world.provider.calls)
    faults, lines = await _refusals(world, customer, str(paid.field("id")), _strangers(customer))
    after = await world.state(customer)
    if after != before or len(world.provider.calls) != calls:
        faults.append("a request without a valid token changed something")
    return judged(faults, "every token that is none is refused", [*lines, f"before: {before}", f"after: {after}"])


async def pay_sec_11(world: World) -> Outcome:
    """POST and GET with a correctly signed token that has no `exp`.

    Pass: both are refused with a 4xx. Fail: one of them is accepted, or ends in a 5xx.
    """
    customer = "c_sec11"
    await world.account(customer)
    paid = await world.pay(customer, "key-sec11", f"m_{customer}_ok")
    before = await world.calm(customer)
    endless = Bearer(name="signed, without exp", header=f"Bearer {token(customer, exp=None)}")
    faults, lines = await _refusals(world, customer, str(paid.field("id")), (endless,))
    after = await world.state(customer)
    return judged(faults, "a token without an expiry is refused", [*lines, f"before: {before}", f"after: {after}"])


def _strangers(customer: str) -> tuple[Bearer, ...]:
    valid = token(customer)
    head, _, signature = valid.split(".")
    other = token("c_other").split(".")[1]
    tokens = {
        "unsigned (alg none)": signed(claims(customer), "", "none"),
        "unsigned (alg NONE)": signed(claims(customer), "", "NONE"),
        "signed with another key": signed(claims(customer), "another-secret-of-more-than-32-bytes-0123456789"),
        "signed with an empty key": signed(claims(customer), ""),
        "payload changed": f"{head}.{other}.{signature}",
        "signature cut off": f"{head}.{valid.split('.')[1]}.",
        "expired an hour ago": signed(claims(customer, exp=int(time.time()) - HOUR), SECRET),
        "no sub": signed(claims(customer, sub=None), SECRET),
        "empty sub": signed(claims(customer, sub=""), SECRET),
        "garbage": "x.y.z",
    }
    return (
        Bearer(name="no header", header=None),
        Bearer(name="scheme alone", header="Bearer"),
        Bearer(name="another scheme", header=f"Basic {valid}"),
        *(Bearer(name=name, header=f"Bearer {text}") for name, text in tokens.items()),
    )


async def _refusals(
    world: World, customer: str, identity: str, bearers: tuple[Bearer, ...]
) -> tuple[list[str], list[str]]:
    faults: list[str] = []
    lines: list[str] = []
    for number, bearer in enumerate(bearers):
        headers = {"Authorization": bearer.header} if bearer.header is not None else {}
        posted = await world.pay(None, f"key-{customer}-{number}", f"m_{customer}_x", headers=headers)
        read = await world.ask("GET", f"/payments/{identity}", headers=headers)
        lines.append(f"{bearer.name}: POST -> {posted}, GET -> {read}")
        faults += [
            f"{method} with a token ({bearer.name}) is answered {reply}"
            for method, reply in (("POST", posted), ("GET", read))
            if not reply.refused
        ]
    return faults, lines


async def pay_sec_4(world: World) -> Outcome:
    """B names A as the customer in body, query and header, reads A's payment, and uses A's idempotency key.

    Pass: A's money stays, B sees nothing of A's. Fail: A is debited, or B gets A's payment.
    """
    owner, other = "c_sec4a", "c_sec4b"
    await world.account(owner)
    await world.account(other)
    paid = await world.pay(owner, "key-sec4", f"m_{owner}_ok")
    identity = str(paid.field("id"))
    before = await world.calm(owner)
    named = {"customer_id": owner, "sub": owner, "user_id": owner, "account_id": owner}
    replies = [
        await world.pay(other, "key-sec4-body", f"m_{other}_1", extra=named),
        await world.ask(
            "POST",
            f"/payments?customer_id={owner}&sub={owner}",
            other,
            headers={"Idempotency-Key": "key-sec4-query", "X-Customer-Id": owner, "Content-Type": "application/json"},
            body=f'{{"merchant_id": "m_{other}_2", "amount": "10.00", "currency": "EUR"}}'.encode(),
        ),
        await world.pay(other, "key-sec4", f"m_{owner}_ok"),
    ]
    peeks = [
        await world.ask("GET", f"/payments/{identity}", other),
        await world.ask("GET", f"/payments/{identity}?customer_id={owner}", other, headers={"X-Customer-Id": owner}),
    ]
    after = await world.calm(owner)
    own = await world.calm(other)
    lines = [
        f"A before: {before}",
        *(
            f"B pays, naming A in {place} -> {reply}"
            for place, reply in zip(("the body", "query and header", "no place, with A's key"), replies, strict=True)
        ),
        *(f"B reads A's payment -> {reply}" for reply in peeks),
        f"A after: balance {after.balance:f}, {len(after.payments)} payments; B: balance {own.balance:f}",
    ]
    faults = [f"B reads A's payment: {reply}" for reply in peeks if not reply.refused]
    faults += ["B gets A's payment by A's idempotency key" for reply in replies if identity.encode() in reply.body]
    if after.balance != before.balance or len(after.payments) != len(before.payments):
        faults.append("A is debited by B's request")
    return judged(faults, "customer and owner follow from the token alone", lines)


async def pay_sec_10(world: World) -> Outcome:
    """A payment whose body also sets `id`, `status` and `balance`.

    Pass: it is refused, or the extra fields change nothing. Fail: the row or the money follows them.
    """
    customer = "c_sec10"
    chosen = "11111111-2222-4333-8444-555555555555"
    await world.account(customer)
    extra = {"id": chosen, "status": "failed", "balance": "9999.00", "provider_id": "tr_x", "customer_balance": "1"}
    reply = await world.pay(customer, "key-sec10", f"m_{customer}_a", extra=extra)
    state = await world.calm(customer)
    lines = [f"POST with id, status, balance in the body -> {reply}", str(state)]
    if reply.refused and state.balance == Decimal("100.00"):
        return outcome(Status.PASS, "unknown fields are refused", lines)
    faults = []
    if any(each.id == chosen for each in state.payments) or reply.field("id") == chosen:
        faults.append("the caller chooses the payment's id")
    if state.balance != Decimal("90.00") or [each.status for each in state.payments] != ["succeeded"]:
        faults.append("status or balance follow the request's extra fields")
    return judged(faults, "extra fields change nothing", lines)
