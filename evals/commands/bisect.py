"""`evals bisect`: which hunks of an edit carry a regression, with what it will take said before anything is asked."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from evals import plan
from evals.asking import Progress
from evals.bisect import Bisection, Decide, Ending, Found, expected_rounds
from evals.canonical import Json, digest
from evals.case import Suite
from evals.commands import providers, shared
from evals.compare import compare
from evals.comparison import Comparison
from evals.errors import InputError, MissingRecording
from evals.exchange import UNSTATED
from evals.gate import LOOKS
from evals.judge_record import judge_context, judge_name
from evals.licence import licensed
from evals.load import load_suite, select_cases
from evals.load_personas import find_persona
from evals.persona import Persona
from evals.prices import PriceTable, project_prices
from evals.project import Project
from evals.report.safe import line, plain
from evals.scorecard import Scorecard
from evals.sequential import Ask, SequentialGate, asking
from evals.spending import Spending
from evals.tally import tally
from evals.whole_file import write_whole

BASE_REPEATS = 10
"""Answers a case that the base is asked for; every round is held against them."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One call of the verb."""

    args: argparse.Namespace
    home: Project
    suite: Suite
    """With the chosen cases only."""
    base: Persona
    candidate: Persona


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    whole = load_suite(home, args.suite)
    suite = replace(whole, cases=select_cases(whole, args.case))
    base, candidate = (find_persona(home, suite.persona, name) for name in (args.base, args.candidate))
    job = _Job(args=args, home=home, suite=suite, base=base, candidate=candidate)
    if args.provider == "replay" and (args.model or args.judge):
        message = "--model and --judge go with --provider live; recordings do not state theirs"
        raise InputError(message)
    live = args.provider == "live"
    planned = _announce(job, live=live)
    if args.dry_run:
        if args.format == "json":
            shared.put_json(planned)
        return 0
    if live:
        _consent(args)
    purse = providers.spending(job.home, args, _models(job)) if live else None
    with shared.bar(spent=lambda: purse.so_far if purse else None) as bar:
        found = asyncio.run(_live(job, purse, bar.show) if purse else _replay(job, bar.show))
    _show(args, found)
    return 0 if found.ending in (Ending.FOUND, Ending.NOTHING) else 3


def _announce(job: _Job, *, live: bool) -> dict[str, Json]:
    """Say how many hunks there are, and what a search for one culprit takes; the same as data."""

    async def never(_: Persona) -> Comparison:
        raise AssertionError

    count = len(Bisection(job.base, job.candidate, never).hunks)
    rounds = expected_rounds(count)
    said = f"{job.base.revision} → {job.candidate.revision}: {count} hunks, at most {rounds} rounds for one culprit"
    shared.say(plain(f"{said}; several, or some that act together, take more (at most {job.args.max_rounds})"))
    if live:
        prices = project_prices(job.home.prices)
        least, most = (_work(job, prices, BASE_REPEATS + looks * (rounds + 1)) for looks in (LOOKS[0], LOOKS[-1]))
        shared.say(f"between {least} and {most}; what is remembered is not asked again (prices of {prices.as_of})")
    return {"base": job.base.revision, "candidate": job.candidate.revision, "hunks": count, "rounds": rounds}


def _work(job: _Job, prices: PriceTable, repeats: int) -> str:
    """Calls and cost of so many answers to every case, of all revisions together."""
    answers = shared.recorded_answers(job.home, job.suite, job.base.revision)
    work = plan.load(job.suite, job.candidate, answers)
    day = datetime.now(tz=UTC).date().isoformat()
    model, judge = _models(job)
    row = plan.row(
        repeats,
        (),
        BASE_REPEATS,
        work,
        power=0.8,
        alpha=0.05,
        price=prices.price(model, day),
        judge_price=prices.price(judge, day),
    )
    money = "at an unknown cost" if row.cost_usd is None else f"for about {row.cost_usd:,.2f} USD"
    return f"{row.calls:,} calls {money}"


def _models(job: _Job) -> tuple[str, str]:
    return job.args.model or job.suite.model, job.args.judge or job.suite.judge


def _consent(args: argparse.Namespace) -> None:
    """Go on only if somebody says so. Raises InputError where nobody does."""
    if args.yes:
        return
    if not sys.stdin.isatty():
        message = "this asks the API, and there is nobody to agree; see --dry-run, then say --yes"
        raise InputError(message)
    shared.insist("go on? [y/N]")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        message = "nothing was asked"
        raise InputError(message)


async def _live(job: _Job, purse: Spending, progress: Progress) -> Found:
    """The gate draws as many answers as it takes; the base is asked once."""
    model, judge = _models(job)
    executor = shared.executor(job.home, job.suite, execute=not job.args.no_execute)
    async with providers.live_provider(job.home, purse, at=job.args.endpoint, jobs=job.args.jobs) as provider:
        ask = asking(
            job.suite,
            job.suite.cases,
            provider,
            model=model,
            judge_model=judge,
            jobs=job.args.jobs,
            execute=executor.grades,
            progress=progress,
        )
        return await drawn(job.suite, job.base, job.candidate, ask, judge, job.args.draw, job.args.max_rounds)


async def drawn(
    suite: Suite, base: Persona, candidate: Persona, ask: Ask, judge: str, draw: str, most_rounds: int
) -> Found:
    """A bisection whose rounds are sequential gates on answers that `ask` draws."""
    card = tally(suite, base, await ask(base, range(1, BASE_REPEATS + 1), draw), judge_model=judge)

    async def decide(persona: Persona) -> Comparison:
        gate = SequentialGate(suite=suite, base=card, persona=persona, ask=ask, judge_model=judge, draw=draw)
        return (await gate.run()).comparison

    return await Bisection(base, candidate, _told(decide), most_rounds=most_rounds).run()


async def _replay(job: _Job, progress: Progress) -> Found:
    """Each mixed revision from its recorded answers; one that has none is written down to be recorded."""
    from evals.providers.recorded import RecordedProvider

    recorded = shared.recordings(job.home, job.suite.id)
    provider = RecordedProvider(recorded)
    executor = shared.executor(job.home, job.suite, execute=not job.args.no_execute)
    ask = asking(
        job.suite,
        job.suite.cases,
        provider,
        model=UNSTATED,
        judge_model=UNSTATED,
        jobs=job.args.jobs,
        execute=executor.grades,
        progress=progress,
    )
    context = judge_context(recorded)
    licence = licensed(job.home, job.suite.id, judge=judge_name(recorded), context=context)

    async def card(persona: Persona) -> Scorecard:
        graded = await ask(persona, range(1, job.suite.repeats + 1), "0")
        return tally(job.suite, persona, graded, judge_model=UNSTATED, judge_context=context, licensed=licence)

    base = await card(job.base)

    async def decide(persona: Persona) -> Comparison:
        try:
            return compare(base, await card(persona), job.suite)
        except MissingRecording as error:
            raise MissingRecording(_to_record(job, persona), *error.faults[:1]) from None

    return await Bisection(job.base, job.candidate, _told(decide), most_rounds=job.args.max_rounds).run()


def _to_record(job: _Job, persona: Persona) -> str:
    """Write a mixed revision as an agent file, and say how its answers come to be recorded."""
    path = job.home.memory / "bisect" / f"{digest(persona.body)[:12]}.md"
    write_whole(path, f"---\nname: {persona.name}\n---\n\n{persona.body}\n")
    shown = job.home.shown(path)
    return (
        f"{persona.revision} has no recorded answers; it is in {shown}: `evals export requests --persona {shown}`, "
        "record them, and run this again, or let the API answer with `--provider live`"
    )


def _told(decide: Decide) -> Decide:
    """Say how each decision ended, as it goes."""

    async def told(persona: Persona) -> Comparison:
        comparison = await decide(persona)
        shared.say(plain(f"{persona.revision}: {comparison.sentence}", 400))
        return comparison

    return told


def _show(args: argparse.Namespace, found: Found) -> None:
    if args.format == "json":
        shared.put_json(_json(found))
        return
    from evals.report.tables import table

    shared.put(found.sentence)
    for culprit in found.culprits:
        shared.put(f"\n{plain(culprit.comparison.sentence)}")
        for number in sorted(culprit.hunks):
            shared.put(
                "\n".join([f"\nhunk {number}", *(f"  {line(row, 200)}" for row in found.hunks[number - 1].lines)])
            )
    rows = [
        [str(number), " ".join(map(str, each.hunks)), each.comparison.verdict.value]
        for number, each in enumerate(found.rounds, 1)
    ]
    if rows:
        shared.put("\n" + table(rows, ["round", "hunks applied", "verdict"]))
    shared.put("\nEach round may err as a gate may: one in twenty calls a harmless mixture regressed.")


def _json(found: Found) -> dict[str, Json]:
    def numbers(of: Sequence[int]) -> Json:
        return list(of)

    return {
        "ending": found.ending.value,
        "sentence": found.sentence,
        "hunks": [
            {"hunk": hunk.number, "line": hunk.start + 1, "before": "".join(hunk.before), "after": "".join(hunk.after)}
            for hunk in found.hunks
        ],
        "candidate": {"verdict": found.whole.verdict.value, "sentence": found.whole.sentence},
        "culprits": [
            {"hunks": numbers(culprit.hunks), "sentence": culprit.comparison.sentence} for culprit in found.culprits
        ],
        "suspects": numbers(found.suspects),
        "rounds": [
            {
                "hunks": numbers(each.hunks),
                "verdict": each.comparison.verdict.value,
                "sentence": each.comparison.sentence,
            }
            for each in found.rounds
        ],
    }
