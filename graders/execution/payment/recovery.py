"""What happens to payments when the provider or the process fails, and what the scheduled job makes of them later.

Here: bringing payments into every kind of trouble once, letting time pass, and noting the money at each step. The attacks
(`trouble`) read these notes; several of them look at the same payment. Not here: what is right or wrong about it.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from graders.execution.payment.money import State
from graders.execution.payment.once import watched
from graders.execution.payment.provider import Mode
from graders.execution.payment.wire import Reply
from graders.execution.payment.world import HASTE, MINUTE, World

PATIENCE = 60.0
"""Seconds, by the answer's own time, in which it has to give up on a silent provider."""
WAITS = (10 * MINUTE, 3 * 60 * MINUTE, 26 * 60 * MINUTE)
"""After the first run of the job: how much later it runs again, as long as something is pending."""
BEFORE_HASTE = 5.0

AT_ONCE = {
    "decline": Mode.DECLINE,
    "error": Mode.ERROR,
    "error_after": Mode.ERROR_AFTER,
    "broken": Mode.BROKEN,
    "drop": Mode.DROP,
    "drop_after": Mode.DROP_AFTER,
    "late": Mode.LATE,
    "unstored": Mode.OK,
    "reject": Mode.REJECT,
    "outage": Mode.OUTAGE,
}
"""Kinds of trouble that need no waiting. `unstored`: the provider agrees, but the database cannot store that.

`reject` lasts for ever, `outage` for more than a day.
"""


@dataclass(kw_only=True)
class Trial:
    """One payment in trouble."""

    name: str
    reply: Reply
    states: list[State] = field(default_factory=list)
    """After the request; after the first run of the job, two minutes later; at the end."""
    marks: list[str] = field(default_factory=list)
    """At the same moments: what the database says of it besides numbers and moments."""
    retry: Reply | None = None
    called_by_job: bool = False
    """The provider was first called by the job, not while the request was served."""

    @property
    def customer(self) -> str:
        return f"c_{self.name}"

    @property
    def merchant(self) -> str:
        return f"m_{self.customer}_a"

    def __str__(self) -> str:
        return f"{self.name}: POST -> {self.reply}"


@dataclass(kw_only=True)
class Recovery:
    """All of them."""

    trials: dict[str, Trial] = field(default_factory=dict)
    waited: float = 0.0
    """Seconds of the answer's time until it gave up on the silent provider."""
    held: list[str] = field(default_factory=list)
    """Where the provider was called inside a transaction while the job ran."""
    stuck: bool = False
    """A run of the job did not end."""


async def recover(world: World) -> Recovery:
    """Bring it all about; the second process ends in it. Raises TableError."""
    notes = Recovery()
    await world.account("c_calm", "1000.00")
    for name, mode in AT_ONCE.items():
        await _attempt(world, notes, name, mode)
    await _hang(world, notes)
    await _crash(world, notes)
    await _note(world, notes)
    await _pass_time(world, notes)
    return notes


async def _attempt(world: World, notes: Recovery, name: str, mode: Mode) -> Trial:
    trial = Trial(name=name, reply=Reply(status=0))
    notes.trials[name] = trial
    await world.account(trial.customer)
    world.provider.modes[trial.merchant] = mode
    async with AsyncExitStack() as stack:
        if name == "unstored":
            await stack.enter_async_context(
                world.database.trigger("payments", "UPDATE", trial.customer, when="NEW.status::text <> 'pending'")
            )
        trial.reply = await world.pay(trial.customer, f"key-{name}", trial.merchant, process=world.second)
    # a payment that goes well in between keeps a circuit breaker closed
    await world.pay("c_calm", f"key-calm-{name}", "m_c_calm_a", "1.00", process=world.second)
    return trial


async def _hang(world: World, notes: Recovery) -> None:
    """The provider keeps silent. The process's own time runs a little faster, and much faster once it waits."""
    trial = Trial(name="hang", reply=Reply(status=0))
    notes.trials["hang"] = trial
    await world.account(trial.customer)
    world.provider.modes[trial.merchant] = Mode.HANG
    clock = world.second.clock
    clock.run(BEFORE_HASTE)
    began = clock.now
    asked = asyncio.create_task(
        world.pay(trial.customer, "key-hang", trial.merchant, process=world.second, seconds=PATIENCE)
    )
    silent = asyncio.create_task(world.provider.silent.wait())
    await asyncio.wait({asked, silent}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
    silent.cancel()
    clock.run(HASTE)
    left = PATIENCE - (clock.now - began)
    await asyncio.wait({asked}, timeout=max(left, 0) / HASTE)
    notes.waited = clock.now - began
    clock.run(1.0)
    if not asked.done():
        asked.cancel()
        await asyncio.wait({asked})
        trial.reply = Reply(status=0, problem="no answer in time")
    else:
        trial.reply = asked.result()


async def _crash(world: World, notes: Recovery) -> None:
    """Two payments are before the provider, one transfer is made and one is not; then the process is killed."""
    trials = [Trial(name=name, reply=Reply(status=0)) for name in ("crash", "crash_after")]
    both = asyncio.Event()
    arrived: list[None] = []

    def on_kill() -> None:
        arrived.append(None)
        if len(arrived) == 2:
            both.set()

    world.provider.on_kill = on_kill
    asked: list[asyncio.Task[Reply]] = []
    for trial, mode in zip(trials, (Mode.KILL, Mode.KILL_AFTER), strict=True):
        notes.trials[trial.name] = trial
        await world.account(trial.customer)
        world.provider.modes[trial.merchant] = mode
        asked.append(
            asyncio.create_task(world.pay(trial.customer, f"key-{trial.name}", trial.merchant, process=world.second))
        )
    until: asyncio.Future[list[Reply]] = asyncio.gather(*asked)
    await _first(both, until)
    if not arrived and until.done():
        await _crash_the_job(world, both)
    world.stage.kill(world.second)
    for trial, reply in zip(trials, await until, strict=True):
        trial.reply = reply
    after = notes.trials["crash_after"]
    after.retry = await world.pay(after.customer, "key-crash_after", after.merchant, process=world.first)


async def _first(event: asyncio.Event, other: asyncio.Future[Any]) -> None:
    """Wait for one of two things, a second at most."""
    waiting: asyncio.Future[Any] = asyncio.ensure_future(event.wait())
    await asyncio.wait({waiting, other}, return_when=asyncio.FIRST_COMPLETED, timeout=1.0)
    waiting.cancel()


async def _crash_the_job(world: World, both: asyncio.Event) -> None:
    """Where the job calls the provider, the job is what is killed."""
    run = asyncio.ensure_future(world.run_jobs(2 * MINUTE))
    await _first(both, run)
    if world.job is not None:
        world.stage.kill(world.job)
    await run


async def _note(world: World, notes: Recovery) -> None:
    for trial in notes.trials.values():
        trial.states.append(await world.state(trial.customer))
        trial.marks.append(await world.database.marks(trial.customer))


async def _pass_time(world: World, notes: Recovery) -> None:
    """The job runs two minutes later, with one look-up failing and one transfer still under way; then on, for two days."""
    trials = notes.trials
    for trial in trials.values():
        trial.called_by_job = not world.provider.called(trial.merchant)
    world.provider.blind = {trials["drop_after"].merchant}
    async with watched(world, *(trial.merchant for trial in trials.values())) as notes.held:
        notes.stuck = not await world.run_jobs(2 * MINUTE)
        await _note(world, notes)
        world.provider.blind = set()
        world.provider.land(trials["late"].merchant)
        await _days(world, notes)
        world.provider.modes[trials["outage"].merchant] = Mode.OK
        await _days(world, notes)
    await _note(world, notes)


async def _days(world: World, notes: Recovery) -> None:
    """The job runs later and later, for a day, as long as something is pending."""
    for wait in WAITS:
        if not any([(await world.state(trial.customer)).pending for trial in notes.trials.values()]):
            break
        notes.stuck |= not await world.run_jobs(wait)
