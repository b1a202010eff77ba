"""Attacks on secrets: built-in ones, weak ones, and ones that come out in logs, rows and replies."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping

from graders.criterion import Status
from graders.execution.attack import Outcome
from graders.execution.payment.database import FAULT
from graders.execution.payment.provider import KEY, SECRET_WORD
from graders.execution.payment.stage import PASSWORD, Process
from graders.execution.payment.tokens import SECRET, claims, signed
from graders.execution.payment.verdicts import judged, outcome
from graders.execution.payment.wire import Reply
from graders.execution.payment.world import World

CARD = "4111111111111111"
"""The card number that every test system knows."""
WEAK = {"absent": None, "empty": "", "15 bytes long": "fifteen-bytes-x"}
LITERALS = 150
PATIENCE = 10.0
INTERNAL = re.compile(
    r"Traceback \(most recent|File \"[^\"]+\", line \d|\b(psycopg|asyncpg|sqlalchemy|httpx|httpcore|pydantic_core)\b"
    r"|\b(SELECT .{1,80} FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b|/box/|/usr/lib/|site-packages"
    r"|duplicate key value|violates \w+ constraint|relation \"|SQLSTATE|127\.0\.0\.1:\d+",
    re.IGNORECASE,
)
"""What only the inside of the service knows: stack traces, drivers, statements, paths, the database's messages."""


async def pay_sec_2(world: World) -> Outcome:
    """The service is started without `JWT_SECRET`, and without `PROVIDER_KEY`.

    Pass: it does not serve, or no text that stands in its code is taken as the secret, or sent as the key.
    Fail: a token signed with a text of the code is accepted, or a text of the code is sent to the provider as the key.
    """
    customer = "c_sec2"
    await world.account(customer)
    paid = await world.pay(customer, "key-sec2", f"m_{customer}_a")
    keyless = world.stage.launch("keyless", PROVIDER_KEY=None)
    secretless = world.stage.launch("secretless", JWT_SECRET=None)
    lines: list[str] = []
    faults: list[str] = []
    if await world.stage.serves(secretless, PATIENCE):
        known = await _accepted(world, secretless, customer, f"/payments/{paid.field('id')}")
        lines.append(f"without JWT_SECRET: serves; texts of the code that are taken as the secret: {len(known)}")
        faults += [f"a token signed with a text of the code ({ascii(text)[:24]}) is accepted" for text in known]
    else:
        lines.append("without JWT_SECRET: does not serve")
    if await world.stage.serves(keyless, PATIENCE):
        await world.pay(customer, "key-sec2-k", f"m_{customer}_k", process=keyless)
        sent = [call.authorization.removeprefix("Bearer").strip() for call in world.provider.called(f"m_{customer}_k")]
        built_in = [key for key in sent if key and key in texts_of(world.stage.files)]
        lines.append(f"without PROVIDER_KEY: serves; texts of the code sent as the key: {len(built_in)}")
        faults += [f"the provider's key stands in the code ({ascii(key)[:24]})" for key in built_in]
    else:
        lines.append("without PROVIDER_KEY: does not serve")
    for process in (keyless, secretless):
        world.stage.kill(process)
    return judged(faults, "no secret stands in the code", lines)


async def _accepted(world: World, process: Process, customer: str, path: str) -> list[str]:
    texts = sorted({"", "None", *texts_of(world.stage.files)})[:LITERALS]
    found = []
    for text in texts:
        headers = {"Authorization": f"Bearer {signed(claims(customer), text)}"}
        if (await world.ask("GET", path, headers=headers, process=process)).ok:
            found.append(text)
    return found


def texts_of(files: Mapping[str, str]) -> set[str]:
    """Every short text without blanks that stands in the Python code."""
    return {text for name, code in files.items() if name.endswith(".py") for text in _constants(code)}


def _constants(code: str) -> Iterator[str]:
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"\S{1,64}", node.value):
            yield node.value


async def pay_sec_12(world: World) -> Outcome:
    """The service is started with `JWT_SECRET` absent, empty, and 15 bytes long.

    Pass: it does not serve with any of them. Fail: it does.
    """
    started = {
        name: world.stage.launch(f"weak{number}", JWT_SECRET=value) for number, (name, value) in enumerate(WEAK.items())
    }
    served = await asyncio.gather(*(world.stage.serves(process, PATIENCE) for process in started.values()))
    for process in started.values():
        world.stage.kill(process)
    lines = [
        f"JWT_SECRET {name}: {'serves' if up else 'does not serve'}" for name, up in zip(started, served, strict=True)
    ]
    faults = [f"it serves with JWT_SECRET {name}" for name, up in zip(started, served, strict=True) if up]
    return judged(faults, "a weak secret stops the service", lines)


async def leave_cards(world: World) -> None:
    """Requests with a card number that nobody asked for; it must leave no trace."""
    customer = "c_sec7"
    await world.account(customer)
    card = {"card_number": CARD, "cvv": "737"}
    await world.pay(customer, "key-sec7-1", f"m_{customer}_a", extra=card)
    await world.pay(customer, "key-sec7-2", f"m_{customer}_a", "no amount", extra=card)
    await world.ask(
        "POST", "/payments", customer, headers={"Idempotency-Key": "key-sec7-3"}, body=f'{{"card": "{CARD}", '.encode()
    )


async def stored(world: World) -> list[str]:
    """Which secrets stand in rows; asked before the database is stopped."""
    tables = await world.database.rows(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'harness')"
    )
    found = []
    for (table,) in tables:
        for name, texts in _secrets(world).items():
            sought = " OR ".join(["strpos(t::text, %s) > 0"] * len(texts))
            if texts and await world.database.rows(f"SELECT 1 FROM {table} t WHERE {sought} LIMIT 1", *texts):  # noqa: S608 - the table's name is quoted by the server
                found.append(name)
    return found


def pay_sec_7(world: World, in_rows: Iterable[str]) -> Outcome:
    """Tokens, keys, passwords and a card number that was sent along are looked for wherever they should not be.

    Pass: none stands in a log or a row, and none but the card's (that the caller sent) in a reply. Fail: one does.
    """
    logs = "".join(world.stage.logs())
    replies = "".join(reply.head + reply.body.decode("latin-1") for _, reply in world.seen)
    faults = [f"{name} stands in a row of the database" for name in in_rows]
    for name, texts in _secrets(world).items():
        if any(text in logs for text in texts):
            faults.append(f"{name} stands in a log")
        if name != "a card number" and any(text in replies for text in texts):
            faults.append(f"{name} stands in a reply")
    lines = [f"looked for: {', '.join(_secrets(world))}", "in: logs of all processes, rows of all tables, all replies"]
    return judged(sorted(set(faults)), "no secret is left anywhere", lines)


def _secrets(world: World) -> dict[str, tuple[str, ...]]:
    return {
        "JWT_SECRET": (SECRET,),
        "PROVIDER_KEY": (KEY,),
        "the database's password": (PASSWORD,),
        "a caller's token": tuple(sorted(text.rpartition(".")[2] for text in world.tokens)),
        "a card number": (CARD,),
    }


def pay_err_6(exchanges: Iterable[tuple[str, Reply]]) -> Outcome:
    """The bodies of all replies with an error, from every other attack.

    Pass: none holds a stack trace, a statement, a path, a driver's name, or what database or provider said.
    Fail: one does. What the caller sent itself may come back.
    """
    faults: list[str] = []
    seen = 0
    for sent, reply in exchanges:
        if reply.status < 400:
            continue
        seen += 1
        text = reply.body.decode("utf-8", "replace")
        shown = [found[0] for found in INTERNAL.finditer(text) if found[0] not in sent]
        shown += [word for word in (FAULT, SECRET_WORD) if word in text]
        faults += [f"a reply {reply.status} shows {each}" for each in shown]
    if not seen:
        return outcome(Status.UNSCORED, "no reply with an error was seen", ())
    return judged(sorted(set(faults)), "no internals in error replies", sorted(set(faults)))


def pay_err_7(world: World) -> Outcome:
    """After every other attack but the last: does the process that was attacked still run?

    Pass: the very same process. Fail: it ended on the way.
    """
    ended = world.stage.ended(world.first)
    return judged([] if ended is None else ["the process ended during the attacks"], "the process is still there", [])
