"""`evals run`: answer, grade, tally, write, show."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, aclosing, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evals.card_stream import CardStream
from evals.case import Case, Suite
from evals.commands import providers, shared
from evals.commands.graders import grader
from evals.errors import InputError
from evals.execution import Attacked, Executor
from evals.judge_record import judge_context, judge_name
from evals.licence import licensed
from evals.load import load_suite, select_cases
from evals.project import Project
from evals.recording import Recording
from evals.report.progress import Bar
from evals.report.safe import plain
from evals.run import stream
from evals.run_log import RunLog, new_log, unfinished
from evals.scorecard import Scorecard
from evals.scorecard_file import card_folder, criterion_json, dimension_json, header_json, write_card
from evals.spending import Spending
from evals.trial import Plan

if TYPE_CHECKING:
    from evals.providers.named import NamedProvider

FAILURES_SHOWN = 20
SHORT = 16
"""Characters of a request's digest in the run log: enough to find its row by."""
LIVE = (
    "These scores are of the texts below scripted/ and say nothing of the persona. To ask a model, set ANTHROPIC_API_KEY, look at\n"
    "  evals run --suite {suite} --provider live --dry-run\nand leave --dry-run out."
)

OPTIONS = (
    "suite",
    "case",
    "persona",
    "provider",
    "model",
    "judge",
    "repeats",
    "jobs",
    "limit",
    "draw",
    "max_cost",
    "endpoint",
    "no_execute",
    "executor",
    "no_grade_cache",
    "out",
    "format",
)


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    log_path = None
    if args.resume:
        log_path, options = unfinished(home.memory / "runs")
        limit = args.max_cost  # a limit that is given now holds now
        vars(args).update({name: options[name] for name in OPTIONS if name in options})
        args.max_cost = limit or args.max_cost
        shared.say(plain(f"going on with the run of {log_path.stem}, provider {args.provider}"))
    suite = load_suite(home, args.suite)
    own = providers.own_provider(args, home)
    cases = select_cases(suite, args.case)[: args.limit]
    people = tuple({each.revision: each for each in shared.personas(home, suite, args.persona)}.values())
    plan = Plan(
        suite=suite,
        cases=cases,
        personas=people,
        model=providers.model_of_run(args, suite, own),
        repeats=args.repeats or suite.repeats,
        draw=args.draw,
    )
    if args.dry_run:
        from evals.commands.dry_run import dry_run

        return dry_run(args, home, suite, plan.model, plan)
    purse = None
    if args.provider in providers.API:
        purse = providers.spending(home, args, [plan.model, args.judge or suite.judge])
    judge = providers.OFFLINE.get(args.provider) or providers.model_name(own, args.judge or suite.judge)
    log = (
        RunLog(log_path) if log_path else new_log(home.memory / "runs", {name: getattr(args, name) for name in OPTIONS})
    )
    with ExitStack() as stack:
        stack.callback(log.close)
        stack.callback(_log_spent, log, purse)
        sheets = [
            stack.enter_context(
                closing(CardStream(suite, p, providers.meter(home, args.endpoint, plan.model), home.memory))
            )
            for p in people
        ]
        with _refusals(args, log, purse):
            cards = _graded(args, home, suite, plan, own, judge, sheets, log, purse)
        if own:
            cards = [replace(card, header=replace(card.header, provider=own.identity)) for card in cards]
        _write(args, home, suite, cases, cards, sheets)
        log.write("ended", unscored=[round(card.unscored_share, 4) for card in cards])
    _show(args, suite, cards)
    incomplete = [card for card in cards if card.unscored_share > suite.unscored_limit]
    if args.github:
        _tell_github(cards, incomplete)
    return 3 if incomplete else 0


def _tell_github(cards: Sequence[Scorecard], incomplete: Sequence[Scorecard]) -> None:
    from evals.report.github import annotation, summarise_run

    summarise_run(cards, os.environ)
    for card in incomplete:
        message = (
            f"{100 * card.unscored_share:.0f} % of the criteria of {card.header.revision} were decided by no grader"
        )
        shared.insist(annotation("error", message, title="evals: incomplete"))


@contextmanager
def _refusals(args: argparse.Namespace, log: RunLog, purse: Spending | None) -> Iterator[None]:
    """A run that was refused before anything was asked is at its end: `--resume` is for those that kept something."""
    try:
        yield
    except InputError:
        asked = args.resume or args.provider == "batch" or (purse and (purse.replies or purse.lost))
        if not asked:
            log.write("ended", refused=True)
        raise


def _log_spent(log: RunLog, purse: Spending | None) -> None:
    if purse and (purse.replies or purse.lost):
        log.write("spent", usd=round(purse.paid, 6), lost_usd=round(purse.lost, 6), replies=purse.replies)


def _graded(
    args: argparse.Namespace,
    home: Project,
    suite: Suite,
    plan: Plan,
    own: NamedProvider | None,
    judge_model: str,
    sheets: Sequence[CardStream],
    log: RunLog,
    purse: Spending | None,
) -> list[Scorecard]:
    """Answer and grade everything; each answer is forgotten once it is on its sheet."""
    recorded = shared.recordings(home, suite.id) if args.provider == "replay" else []
    with shared.bar(spent=lambda: purse.so_far if purse else None) as bar:
        executor = shared.executor(home, suite, execute=not args.no_execute)
        log.write("execution", level=executor.level if isinstance(executor, Attacked) else None)
        failures = asyncio.run(_run(args, home, plan, own, recorded, judge_model, executor, bar, sheets, log, purse))
    _tell_failures(failures)
    context = judge_context(recorded)
    judge = judge_name(recorded) if recorded else judge_model
    licence = licensed(home, suite.id, judge=judge, context=context)
    return [sheet.card(judge_model=judge_model, judge_context=context, licensed=licence) for sheet in sheets]


def _tell_failures(failed: Sequence[str]) -> None:
    for said in failed[:FAILURES_SHOWN]:
        shared.insist(plain(said))
    if len(failed) > FAILURES_SHOWN:
        shared.insist(f"and {len(failed) - FAILURES_SHOWN} more without an answer; the run log names them all")


async def _run(
    args: argparse.Namespace,
    home: Project,
    plan: Plan,
    own: NamedProvider | None,
    recorded: Sequence[Recording],
    judge_model: str,
    executor: Executor,
    bar: Bar,
    sheets: Sequence[CardStream],
    log: RunLog,
    purse: Spending | None,
) -> list[str]:
    """Put every graded answer on the sheet of its revision; what is to be said of those that failed."""
    by_revision = {sheet.persona.revision: sheet for sheet in sheets}
    failed: list[str] = []

    async with AsyncExitStack() as stack:
        grading = grader(home, executor, where=args.executor, answers=len(plan), remember=not args.no_grade_cache)
        found = await stack.enter_async_context(grading)
        provider = await providers.run_provider(args, home, plan, own, recorded, purse, stack)
        graded = stream(
            plan,
            provider,
            provider,
            judge_model=judge_model,
            votes=plan.suite.votes,
            jobs=args.jobs,
            grader=found,
            progress=bar.show,
        )
        async for item in await stack.enter_async_context(aclosing(graded)):
            by_revision[item.trial.persona.revision].add(item)
            failure = {"failure": item.failure} if item.failure else {}
            log.write("graded", trial=item.trial.name, request=item.trial.request.digest[:SHORT], **failure)
            if item.failure:
                failed.append(f"{item.trial.name}: no answer: {item.failure}")
    return failed


def _write(
    args: argparse.Namespace,
    home: Project,
    suite: Suite,
    cases: Sequence[Case],
    cards: Sequence[Scorecard],
    sheets: Sequence[CardStream],
) -> None:
    """Committed results come of whole replayed runs only; everything else goes to the machine's own folder or where it is told."""
    from evals.report.tables import card_markdown

    whole = (
        args.provider == "replay"
        and len(cases) == len(suite.cases)
        and (args.repeats or suite.repeats) == suite.repeats
        and args.draw == "0"
    )
    for card, sheet in zip(cards, sheets, strict=True):
        official = whole and card.header.revision.isdigit()
        base = Path(args.out) if args.out else home.scorecards if official else home.memory / "scorecards"
        try:
            folder = card_folder(home, suite.id, suite.persona, base)
            path = write_card(folder, card, card_markdown(card), total=sheet.total, grades=sheet.grades())
        except OSError as error:
            raise InputError(
                f"the scorecard cannot be written to {base}: {error}; nothing stored before was touched"
            ) from None
        shared.say(f"wrote {home.shown(path)}")


def _show(args: argparse.Namespace, suite: Suite, cards: Sequence[Scorecard]) -> None:
    if args.format == "json":
        shared.put_json(
            [
                {
                    **header_json(card.header),
                    "dimensions": [dimension_json(line) for line in card.dimensions],
                    "criteria": [criterion_json(line) for line in card.criteria],
                }
                for card in cards
            ]
        )
        return
    from evals.report.terminal import run_summary

    shared.put(run_summary(suite, cards, provider=args.provider))
    if args.provider == "scripted":
        shared.say(LIVE.format(suite=suite.id))
