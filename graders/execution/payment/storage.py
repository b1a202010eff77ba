"""Attacks by a database that is cut off, locked, exhausted or gone, and on what is left behind after failures."""

from __future__ import annotations

import asyncio

from graders.execution.attack import Outcome
from graders.execution.payment.money import faults as money_faults
from graders.execution.payment.recovery import PATIENCE
from graders.execution.payment.stage import Process
from graders.execution.payment.verdicts import judged
from graders.execution.payment.wire import Reply
from graders.execution.payment.world import World

MANY = 25
"""More failures than a pool usually has connections."""
RUSH = 40.0
"""How much faster the answer's own time runs where it can do nothing but wait."""
CROWD = 40
"""More requests at once than a pool usually has connections."""


async def pay_err_4(world: World) -> Outcome:
    """A session ends in the middle of a payment, then all of them while nothing happens.

    Pass: money is not touched by half, and requests are served again once the dead connections of a pool are used up.
    Fail: half a payment, or requests keep failing.
    """
    customer = "c_err4"
    await world.account(customer)
    async with world.database.trigger("payments", "INSERT", customer, "drop"):
        broken = await world.pay(customer, "key-err4-0", f"m_{customer}_a")
        state = await world.state(customer)
    faults = [f"a session ends in the middle of a payment: {fault}" for fault in money_faults(state)]
    if broken.ok or state.charges:
        faults.append(f"a session ends before the payment is stored: answered {broken}")
    lines = [f"session ends while the payment is stored: POST -> {'refused' if not broken.ok else broken}", str(state)]
    await world.database.cut()
    last = await world.hasten(world.first, _again(world, customer))
    state = await world.calm(customer)
    lines += [f"all sessions ended: {'served again' if last.ok else f'still {last}'}", *money_faults(state)]
    if not last.ok:
        faults.append(f"after the sessions ended, every request is answered {last}")
    return judged([*faults, *money_faults(state)], "recovers by itself", lines)


async def _again(world: World, customer: str) -> Reply:
    for number in range(1, MANY):
        reply = await world.pay(customer, f"key-err4-{number}", f"m_{customer}_a", "1.00")
        if reply.ok:
            break
    return reply


async def pay_err_5(world: World) -> Outcome:
    """The payment, or the debit, cannot be stored (a trigger raises).

    Pass: the caller is not told that it went well. Fail: a 2xx with `succeeded` or `pending` for what is not stored.
    """
    faults: list[str] = []
    lines: list[str] = []
    for number, (table, event) in enumerate((("payments", "INSERT"), ("accounts", "UPDATE"))):
        customer = f"c_err5{number}"
        await world.account(customer)
        async with world.database.trigger(table, event, customer):
            reply = await world.pay(customer, f"key-err5-{number}", f"m_{customer}_a")
            state = await world.state(customer)
        lines += [f"{event} on {table} fails: POST -> {reply}", str(state)]
        stored = any(each.status != "failed" for each in state.payments)
        if reply.state in ("succeeded", "pending") and not stored:
            faults.append(f"{event} on {table} fails, and the caller is told {reply.state}")
        if reply.state == "succeeded" and stored and state.balance == state.start:
            faults.append(f"{event} on {table} fails, and the payment succeeds without a debit")
    return judged(faults, "what cannot be stored is not reported as done", lines)


async def pay_err_8(world: World) -> Outcome:
    """25 payments that the balance does not allow, and 25 whose debit fails (fewer once the answers change); then a valid one.

    Pass: no session is left inside a transaction, and the valid payment is served. Fail: connections are not given back.
    """
    customer, broken = "c_err8", "c_err8b"
    await world.account(customer, "10.00")
    await world.account(broken, "1000.00")
    faults: list[str] = []
    poor = await _each(world, customer, "11.00")
    async with world.database.trigger("accounts", "UPDATE", broken):
        failing = await _each(world, broken, "1.00")
    before = await world.database.in_transaction()
    await asyncio.sleep(0.03)
    left = before & await world.database.in_transaction()
    reply = await world.pay(customer, "key-err8-ok", f"m_{customer}_ok")
    if any(not each.status for each in (*poor, *failing)):
        faults.append("after some failures a request is no longer answered")
    if left:
        faults.append("a session is left inside a transaction")
    if not reply.ok:
        faults.append(f"after 50 failing payments a valid one is answered {reply}")
    lines = [
        f"25 payments above the balance -> {_kinds(poor)}",
        f"25 payments whose debit fails -> {_kinds(failing)}",
        f"sessions left inside a transaction: {'yes' if left else 'no'}",
        f"a valid payment -> {reply}",
    ]
    return judged(faults, "connections are given back", lines)


async def _each(world: World, customer: str, amount: str) -> list[Reply]:
    replies: list[Reply] = []
    for number in range(MANY):
        replies.append(
            await world.pay(customer, f"key-{customer}-{amount}-{number}", f"m_{customer}_a", amount, seconds=3.0)
        )
        if str(replies[-1]) != str(replies[0]):
            break
    return replies


def _kinds(replies: list[Reply]) -> str:
    return ", ".join(sorted({str(reply) for reply in replies}))


async def pay_err_10(world: World) -> Outcome:
    """The row of the customer's account is locked by another session, and stays so.

    Pass: the session that debits has a `statement_timeout`, `lock_timeout` or the like (read from inside a trigger), or
    the request ends within 60 seconds of the service's own time. Fail: neither.
    """
    customer = "c_err10"
    await world.account(customer)
    async with world.database.trigger("accounts", "UPDATE", customer, "note"):
        await world.pay(customer, "key-err10-0", f"m_{customer}_a")
        await world.calm(customer)
    found = await world.database.rows(
        "SELECT DISTINCT name FROM harness.limits WHERE customer = %s ORDER BY 1", customer
    )
    if found:
        return judged(
            [], "the debit's session has a limit", [f"set in the debit's session: {', '.join(row[0] for row in found)}"]
        )
    async with world.database.held("SELECT 1 FROM accounts WHERE customer_id::text = %s FOR UPDATE", customer):
        reply = await _within(world, world.first, customer)
    faults = [] if reply.status else ["a request that waits for a locked row does not end within 60 seconds"]
    lines = ["no limit is set in the debit's session", f"row locked: POST -> {reply if not reply.status else 'ends'}"]
    return judged(faults, "the wait for a lock has a limit", lines)


async def _within(world: World, process: Process, customer: str) -> Reply:
    request = world.pay(customer, "key-err10-1", f"m_{customer}_a", process=process, seconds=PATIENCE / RUSH)
    return await world.hasten(process, request, RUSH)


async def pay_err_9(world: World) -> Outcome:
    """First every connection of the pool waits for a lock while 40 requests come in; then the database is stopped.

    Pass: what is answered is a 503 with a general body, for POST and GET. Fail: another status, or no answer at all.
    """
    customer = "c_err9"
    await world.account(customer, "1000.00")
    paid = await world.pay(customer, "key-err9", f"m_{customer}_a")
    path = f"/payments/{paid.field('id') or 'none'}"
    crowd = await _crowd(world, customer, path)
    world.database.stop()
    post = await world.hasten(world.first, world.pay(customer, "key-err9-x", f"m_{customer}_a", seconds=12.0))
    read = await world.hasten(world.first, world.ask("GET", path, customer, seconds=12.0))
    lines = [
        f"pool exhausted: {', '.join(sorted({str(each) for each in crowd})) or 'no request is answered'}",
        f"database stopped: POST -> {post}, GET -> {read}",
    ]
    faults = [f"the database is stopped: answered {reply}" for reply in (post, read) if reply.status != 503]
    faults += [f"the pool is exhausted: answered {reply}" for reply in crowd if reply.status != 503]
    if not crowd:
        faults.append("the pool is exhausted: no request is answered")
    return judged(faults, "trouble with the database is a 503", lines)


async def _crowd(world: World, customer: str, path: str) -> list[Reply]:
    """Replies to requests that found no free connection, or whose wait for the lock had a limit."""
    tasks: list[asyncio.Task[Reply]] = []
    async with world.database.held("LOCK TABLE accounts, payments IN ACCESS EXCLUSIVE MODE"):
        for number in range(CROWD):
            request = (
                world.ask("GET", path, customer)
                if number % 2
                else world.pay(customer, f"key-err9-{number}", f"m_{customer}_c", "1.00")
            )
            tasks.append(asyncio.create_task(request))
        await world.hasten(world.first, _some(tasks, await _limit(world)), RUSH)
        answered = [task.result() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return [reply for reply in answered if reply.status]


async def _limit(world: World) -> float:
    """Seconds after which the database itself ends a wait; 0 when it does not, or not soon."""
    found = await world.database.rows(
        "SELECT min(value::int) / 1000.0 FROM harness.limits WHERE name IN ('lock_timeout', 'statement_timeout')"
    )
    limit = float(found[0][0] or 0)
    return limit if limit <= PATIENCE / 2 else 0.0


async def _some(tasks: list[asyncio.Task[Reply]], limit: float) -> None:
    """Wait for a first reply, at most 60 seconds by the answer's time and that of the database, then a little longer."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=max(PATIENCE / RUSH, limit + 1.0))
    await asyncio.wait(tasks, timeout=0.1)
