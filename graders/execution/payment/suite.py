"""The payment suite: one answer set up, attacked in order, and taken down.

Here: the order of things, and what becomes of the other attacks when the answer does not start, or our side fails.
Not here: the attacks.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path

from graders.criterion import Status
from graders.execution.attack import Attack, Mutant, Outcome, Suite
from graders.execution.box import Limits
from graders.execution.payment import access, inputs, once, secrets, storage, trouble
from graders.execution.payment.database import Database, TableError
from graders.execution.payment.provider import Provider
from graders.execution.payment.recovery import Recovery, recover
from graders.execution.payment.stage import PORT, AnswerError, Stage, mounts
from graders.execution.payment.starts import pay_starts
from graders.execution.payment.verdicts import judged, outcome, unscored
from graders.execution.payment.world import World
from graders.execution.postgres import open_postgres
from graders.execution.sandbox import open_box
from graders.execution.scratch import scratch

LIMITS = Limits(memory_mb=1024, processes=256, cpu_seconds=90, file_mb=128, wall_seconds=150.0)
FILES = ("app.py", "schema.sql", "jobs.py")
"""`jobs.py` may be absent."""
FIXTURES = Path(__file__).parents[1] / "fixtures/payment"
STARTS = "PAY-STARTS"

Found = dict[str, Outcome]

DURING: dict[str, Callable[[World], Awaitable[Outcome]]] = {
    "PAY-SEC-1": inputs.pay_sec_1,
    "PAY-SEC-3": access.pay_sec_3,
    "PAY-SEC-4": access.pay_sec_4,
    "PAY-SEC-5": inputs.pay_sec_5,
    "PAY-SEC-6": inputs.pay_sec_6,
    "PAY-SEC-10": access.pay_sec_10,
    "PAY-SEC-11": access.pay_sec_11,
    "PAY-SEC-13": inputs.pay_sec_13,
    "PAY-SEC-14": inputs.pay_sec_14,
    "PAY-TX-1": once.pay_tx_1,
    "PAY-TX-2": once.pay_tx_2,
    "PAY-TX-3": once.pay_tx_3,
    "PAY-TX-4": once.pay_tx_4,
    "PAY-TX-5": once.pay_tx_5,
    "PAY-TX-8": once.pay_tx_8,
    "PAY-ERR-1": inputs.pay_err_1,
    "PAY-ERR-5": storage.pay_err_5,
    "PAY-ERR-8": storage.pay_err_8,
}
"""While provider and database are well, at two processes that share them; each attack has customers of its own."""

NOTED: dict[str, Callable[[Recovery], Outcome]] = {
    "PAY-TX-6": trouble.pay_tx_6,
    "PAY-TX-7": trouble.pay_tx_7,
    "PAY-TX-11": trouble.pay_tx_11,
    "PAY-TX-12": trouble.pay_tx_12,
    "PAY-TX-13": trouble.pay_tx_13,
    "PAY-TX-14": trouble.pay_tx_14,
    "PAY-ERR-2": trouble.pay_err_2,
    "PAY-ERR-3": trouble.pay_err_3,
}
"""What one recovery tells."""

LATER: dict[str, Callable[[World], Awaitable[Outcome]]] = {
    "PAY-SEC-2": secrets.pay_sec_2,
    "PAY-SEC-12": secrets.pay_sec_12,
    "PAY-ERR-4": storage.pay_err_4,
    "PAY-ERR-10": storage.pay_err_10,
}
"""What would disturb the others."""

TITLES = {
    STARTS: "a valid payment goes through",
    "PAY-SEC-1": "SQL in every value",
    "PAY-SEC-2": "started without its secrets",
    "PAY-SEC-3": "no token, or one that is none",
    "PAY-SEC-4": "somebody else's money and payments",
    "PAY-SEC-5": "amounts and currencies that are none",
    "PAY-SEC-6": "amounts that must stay exact",
    "PAY-SEC-7": "secrets in logs, rows and replies",
    "PAY-SEC-10": "fields that the caller may not set",
    "PAY-SEC-11": "a token without an expiry",
    "PAY-SEC-12": "started with a weak secret",
    "PAY-SEC-13": "decimals of a currency without any",
    "PAY-SEC-14": "an amount beyond all business",
    "PAY-TX-1": "one key, one request after the other",
    "PAY-TX-2": "one key, eight requests at once",
    "PAY-TX-3": "one key, another amount",
    "PAY-TX-4": "a write that fails half way",
    "PAY-TX-5": "six payments at once from a balance for two",
    "PAY-TX-6": "killed between transfer and commit",
    "PAY-TX-7": "payments left pending",
    "PAY-TX-8": "a transaction open while the provider is called",
    "PAY-TX-11": "a refund on a guess",
    "PAY-TX-12": "a result that cannot be stored",
    "PAY-TX-13": "a provider that is out of order for a day",
    "PAY-TX-14": "a payment that the provider refuses to take",
    "PAY-ERR-1": "broken requests",
    "PAY-ERR-2": "a provider that declines or fails",
    "PAY-ERR-3": "a provider that never answers",
    "PAY-ERR-4": "database sessions that end",
    "PAY-ERR-5": "errors that are swallowed",
    "PAY-ERR-6": "internals in error replies",
    "PAY-ERR-7": "the process survives it all",
    "PAY-ERR-8": "connections that are not given back",
    "PAY-ERR-9": "pool exhausted, database stopped",
    "PAY-ERR-10": "a lock that is not released",
}
VERSIONS = {"PAY-ERR-2": 2}
"""Of attacks that judge otherwise than they once did."""
ATTACKS = tuple(Attack(id=name, title=title, version=VERSIONS.get(name, 1)) for name, title in TITLES.items())


def run(files: Mapping[str, str], wanted: Collection[str]) -> dict[str, Outcome]:
    """Attack an answer. All attacks run, whatever is wanted: they share one run of the answer, and look at it together.

    Args:
        files: `app.py`, `schema.sql` and, where the answer has it, `jobs.py`.
        wanted: Ids of the attacks whose outcomes are asked for.

    Returns:
        An outcome for each of them.

    Raises:
        BoxError: No box can be had, or what is needed in it does not come up.
    """
    found = asyncio.run(_run(files))
    return {each: found[each] for each in TITLES if each in wanted}


async def _run(files: Mapping[str, str]) -> Found:
    with scratch() as place:
        for name in ("server", "box"):
            (place / name).mkdir()
        with open_postgres(place / "server") as server, open_box(place / "box", mounts(), LIMITS) as box:
            server.join(box)
            world = World(Stage(box, files), Provider(), Database(server))
            try:
                return await _attack(world)
            finally:
                await world.database.close()
                await world.provider.close()


async def _attack(world: World) -> Found:
    """First whether it starts; then everything else, which needs that."""
    began = time.monotonic()
    try:
        await _prepare(world)
        found = {STARTS: await pay_starts(world)}
    except AnswerError as error:
        return _not_started(world, error)
    except TableError as error:
        return _not_started(world, AnswerError(f"accounts or payments are not as the contract has them: {error}"))
    found |= await _tried(world, DURING)
    try:
        await secrets.leave_cards(world)
        found |= await _recovered(world, found)
    except TableError as error:
        found |= dict.fromkeys(NOTED, _gap(error))
    found |= await _tried(world, LATER) | await _last(world)
    if time.monotonic() - began > LIMITS.wall_seconds:
        late = unscored(f"the attacks did not end within {LIMITS.wall_seconds:g} seconds")
        return {name: found[name] if name == STARTS else late for name in found}
    return found


async def _tried(world: World, attacks: Mapping[str, Callable[[World], Awaitable[Outcome]]]) -> Found:
    """One attack after the other; one that the answer's tables do not allow is unscored."""
    found: Found = {}
    for name, attack in attacks.items():
        try:
            found[name] = await attack(world)
        except TableError as error:
            found[name] = _gap(error)
    return found


def _gap(error: TableError) -> Outcome:
    return unscored(f"the answer's tables do not allow the attack: {error}")


async def _recovered(world: World, found: Found) -> Found:
    """The attacks that read the notes of one recovery, and what it adds to two others."""
    notes = await recover(world)
    held = [f"the provider is called while a transaction is open ({where})" for where in notes.held]
    return {
        **{name: read(notes) for name, read in NOTED.items()},
        "PAY-TX-8": _and(found["PAY-TX-8"], held),
        "PAY-TX-4": _and(found["PAY-TX-4"], await once.later(world)),
    }


async def _prepare(world: World) -> None:
    missing = [name for name in FILES[:2] if name not in world.stage.files]
    if missing:
        raise AnswerError(f"the answer has no whole {' and no whole '.join(missing)}")
    await world.provider.listen(world.stage.box.folder / "provider.sock")
    world.stage.box.forward(PORT, "provider.sock")
    world.stage.raise_up()
    await world.database.open()
    await world.stage.load_schema()
    await world.database.equip()
    await world.stage.ready()
    world.first, world.second = world.stage.launch("first"), world.stage.launch("second")
    for process in (world.first, world.second):
        if not await world.stage.serves(process):
            raise AnswerError("the service does not serve")


async def _last(world: World) -> Found:
    """What looks back on all that happened, and the attack after which there is no database."""
    try:
        in_rows = await secrets.stored(world)
    except TableError:
        in_rows = []
    alive = secrets.pay_err_7(world)
    return {
        **await _tried(world, {"PAY-ERR-9": storage.pay_err_9}),
        "PAY-ERR-7": alive,
        "PAY-ERR-6": secrets.pay_err_6(world.seen),
        "PAY-SEC-7": secrets.pay_sec_7(world, in_rows),
    }


def _and(found: Outcome, faults: list[str]) -> Outcome:
    """An outcome to which the scheduled job adds something."""
    return (
        judged(faults, found.reason, [*found.transcript, *faults]) if faults and found.status is Status.PASS else found
    )


def _not_started(world: World, error: AnswerError) -> Found:
    logs = [line for name in ("schema", "first", "second") for line in _tail(world.stage.log(name))]
    failed = outcome(Status.FAIL, str(error), list(dict.fromkeys(logs)))
    rest = unscored(f"the answer does not start: {error}")
    return {name: failed if name == STARTS else rest for name in TITLES}


def _tail(log: str) -> list[str]:
    """The last lines of a log, without what differs from run to run."""
    return [re.sub(r"0x[0-9a-f]+|\d{2,}|[0-9a-f-]{32,36}", "#", line) for line in log.splitlines()[-3:] if line.strip()]


FUNCTIONS: dict[str, Callable[..., object]] = {
    STARTS: pay_starts, **DURING, **NOTED, **LATER,
    "PAY-SEC-7": secrets.pay_sec_7, "PAY-ERR-6": secrets.pay_err_6, "PAY-ERR-7": secrets.pay_err_7, "PAY-ERR-9": storage.pay_err_9,
}  # fmt: skip
"""Each attack's function; its docstring says what is done, and what passes and fails."""


def _good_answers() -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(FIXTURES.glob("good-*.md"))}


def _mutants() -> tuple[Mutant, ...]:
    from graders.execution.fixtures.payment.mutants import MUTANTS

    return MUTANTS


SUITE = Suite(name="payment", attacks=ATTACKS, files=FILES, run=run, good_answers=_good_answers, mutants=_mutants)
