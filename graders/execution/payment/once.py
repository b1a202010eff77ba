"""Attacks on doing things once and together: one key, many requests; one balance, many payments; half a transaction.

Races are made, not hoped for: a lock held from outside lets every request read, and none write, until all stand before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable
from decimal import Decimal

from graders.execution.attack import Outcome
from graders.execution.payment.money import State
from graders.execution.payment.money import faults as money_faults
from graders.execution.payment.provider import Call, Mode
from graders.execution.payment.verdicts import judged
from graders.execution.payment.wire import Reply
from graders.execution.payment.world import World

LOOK = 0.5
"""Seconds for which a transaction has to be open while the provider has a request, to count; others end sooner."""


async def pay_tx_1(world: World) -> Outcome:
    """The same request three times, one after the other, the last one at another process.

    Pass: one debit, one transfer, and the same id in every 2xx reply. Fail: more than one, or another id.
    """
    customer = "c_tx1"
    await world.account(customer)
    replies = [
        await world.pay(customer, "key-tx1", f"m_{customer}_a", process=process)
        for process in (world.first, world.first, world.second)
    ]
    state = await world.calm(customer)
    lines = [f"three times the same request -> {', '.join(map(str, replies))}", str(state)]
    faults = _one_payment(state)
    if len({reply.field("id") for reply in replies if reply.ok}) > 1:
        faults.append("the repeated request is answered with another id")
    if not replies[0].ok:
        faults.append(f"the first request is answered {replies[0]}")
    return judged(faults, "one debit, one transfer", lines)


async def pay_tx_2(world: World) -> Outcome:
    """The same request eight times at once, at two processes, with a slow provider. All read before any can write.

    Pass: one debit, one transfer. Fail: more, or money that is gone without a payment.
    """
    customer = "c_tx2"
    merchant = f"m_{customer}_a"
    await world.account(customer)
    world.provider.modes[merchant] = Mode.SLOW
    await _race(
        world,
        False,
        [
            world.pay(customer, "key-tx2", merchant, process=(world.first, world.second)[number % 2])
            for number in range(8)
        ],
    )
    state = await world.calm(customer)
    return judged(_one_payment(state), "one debit, one transfer", ["eight times the same request at once", str(state)])


async def pay_tx_3(world: World) -> Outcome:
    """An idempotency key used again with another amount.

    Pass: refused, or answered with the first payment; no second debit or transfer. Fail: a second one, or a changed first.
    """
    customer = "c_tx3"
    await world.account(customer)
    first = await world.pay(customer, "key-tx3", f"m_{customer}_a")
    await world.calm(customer)
    again = await world.pay(customer, "key-tx3", f"m_{customer}_a", "20.00")
    state = await world.calm(customer)
    lines = [f"10.00 -> {first}; same key with 20.00 -> {again}", str(state)]
    return judged(_one_payment(state), "no second payment under one key", lines)


async def pay_tx_4(world: World) -> Outcome:
    """A write that fails: when the payment is stored, when the balance is taken, and when it is given back.

    Pass: what belongs together is undone together, nothing is sent for a payment that is not stored, and that is still so
    after the scheduled job has run. Fail: money gone without a payment, a payment without its money, or a transfer for neither.
    """
    faults: list[str] = []
    lines: list[str] = []
    for number, (table, event) in enumerate((("payments", "INSERT"), ("accounts", "UPDATE"))):
        customer = f"c_tx4{number}"
        await world.account(customer)
        async with world.database.trigger(table, event, customer):
            reply = await world.pay(customer, f"key-tx4-{number}", f"m_{customer}_a")
            state = await world.state(customer)
        lines += [f"{event} on {table} fails: POST -> {reply}", str(state)]
        faults += [f"{event} on {table} fails: {fault}" for fault in money_faults(state)]
        faults += [f"{event} on {table} fails: a transfer is sent" for _ in state.charges[:1]]
    customer = "c_tx42"
    world.provider.modes[f"m_{customer}_a"] = Mode.DECLINE
    await world.account(customer)
    async with world.database.trigger("accounts", "UPDATE", customer, when="NEW.balance > OLD.balance"):
        reply = await world.pay(customer, "key-tx4-2", f"m_{customer}_a")
        state = await world.state(customer)
    lines += [f"declined, and giving back fails: POST -> {reply}", str(state)]
    faults += [f"declined, and giving back fails: {fault}" for fault in money_faults(state)]
    return judged(faults, "what belongs together is undone together", lines)


async def later(world: World) -> list[str]:
    """What has become of those payments, and of ones above the balance, after the scheduled job has run."""
    names = {"c_tx40": "a write that failed", "c_tx41": "a write that failed", "c_tx42": "giving back that failed"}
    names["c_err8"] = "payments above the balance"
    return [
        f"{name}, and later the job runs: {fault}"
        for customer, name in names.items()
        for fault in money_faults(await world.state(customer))
    ]


async def pay_tx_5(world: World) -> Outcome:
    """Six payments of 10.00 at once from a balance of 25.00, at two processes. All read before any can write.

    Pass: at most two go through, the balance adds up and is not negative. Fail: overdrawn, or money made or lost.
    """
    customer = "c_tx5"
    await world.account(customer, "25.00")
    await _race(
        world,
        True,
        [
            world.pay(customer, f"key-tx5-{number}", f"m_{customer}_{number}", process=(world.first, world.second)[number % 2])
            for number in range(6)
        ],
    )  # fmt: skip
    state = await world.calm(customer)
    made = len(state.charges)
    faults = money_faults(state)
    if made > 2:
        faults.insert(0, f"{made} payments of 10.00 were made from a balance of 25.00")
    lines = ["six payments of 10.00 at once", f"start balance 25.00; overdrawn: {'yes' if state.balance < 0 else 'no'}"]
    if faults:
        lines.append(str(state))
    return judged(faults, "no overdraft, no lost update", lines)


async def pay_tx_8(world: World) -> Outcome:
    """While the provider has a request before it, the database is asked who has a transaction open. Also for `jobs.py`.

    Pass: nobody has one that stays open. Fail: a transaction is open before, and still open after, a wait.
    """
    customer = "c_tx8"
    merchant = f"m_{customer}_a"
    await world.account(customer)
    async with watched(world, merchant) as held:
        reply = await world.pay(customer, "key-tx8", merchant)
        state = await world.calm(customer)
    lines = [f"POST -> {reply}", *held, str(state)]
    faults = [f"the provider is called while a transaction is open ({where})" for where in held]
    if not world.provider.called(merchant):
        faults.append("the provider was not called at all")
    return judged(faults, "no transaction is open while the provider is called", lines)


@contextlib.asynccontextmanager
async def watched(world: World, *merchants: str) -> AsyncIterator[list[str]]:
    """While inside, calls for those merchants are checked for open transactions; the list says what was found."""
    held: list[str] = []

    async def look(call: Call) -> None:
        if call.merchant not in merchants or held:
            return
        open_all_along = await world.database.in_transaction()
        ends = time.monotonic() + LOOK
        while open_all_along and time.monotonic() < ends:
            await asyncio.sleep(0.02)
            open_all_along &= await world.database.in_transaction()
        if open_all_along:
            held.append("in jobs.py" if world.job is not None else "in the request")

    world.provider.on_call = look
    try:
        yield held
    finally:
        world.provider.on_call = None


async def _race(world: World, accounts: bool, requests: list[Awaitable[Reply]]) -> None:
    """Send requests at once; each may read what it likes, and writes only when all have come as far as they can."""
    done = 0

    async def one(request: Awaitable[Reply]) -> None:
        nonlocal done
        await request
        done += 1

    def progress() -> int:
        return done + len(world.provider.calls)

    async with world.database.barrier(accounts, progress, len(requests)):
        tasks = [asyncio.create_task(one(request)) for request in requests]
    await asyncio.gather(*tasks)


def _one_payment(state: State) -> list[str]:
    faults = money_faults(state)
    if len(state.charges) != 1:
        faults.insert(0, f"{len(state.charges)} transfers were made")
    if state.balance != state.start - Decimal("10.00"):
        faults.append(f"the balance is {state.balance:f} after one payment of 10.00 from {state.start:f}")
    return faults
