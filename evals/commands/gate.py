"""`evals gate`: the comparison, and its verdict as an exit code."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace

from evals.baselines import faults_of, read_baselines
from evals.case import Suite
from evals.commands import providers, shared
from evals.commands.compare import compared, show, wants_texts
from evals.commands.sides import Found, find_side, gather
from evals.comparability import allowed_names
from evals.comparison import Verdict
from evals.errors import InputError, raise_all
from evals.load import load_suite
from evals.load_personas import find_persona
from evals.project import Project
from evals.report.safe import plain
from evals.report.tables import card_markdown
from evals.scorecard_file import card_folder, write_card
from evals.sequential import Outcome, SequentialGate, asking

EXIT = {
    Verdict.IMPROVED: 0,
    Verdict.NOT_WORSE: 0,
    Verdict.INCONCLUSIVE: 0,
    Verdict.REGRESSED: 1,
    Verdict.TOO_LITTLE_SCORED: 3,
    Verdict.NOT_COMPARABLE: 4,
}


def execute(args: argparse.Namespace) -> int:
    allowed_names(args.allow)
    home = shared.project()
    suite = load_suite(home, args.suite)
    base = find_side(home, suite, args.base or _blessed(home, suite), execute=not args.no_execute)
    if args.sequential:
        return exit_code(_sequential(args, home, suite, base), args.fail_on)
    candidate = find_side(home, suite, args.candidate, execute=not args.no_execute)
    return exit_code(compared(args, home, suite, base, candidate), args.fail_on)


def _blessed(home: Project, suite: Suite) -> str:
    """The path of the suite's baseline. Raises InputError when there is none, or it is not as it was blessed."""
    baseline = read_baselines(home).get(suite.id)
    if baseline is None:
        raise InputError(f"no scorecard of `{suite.id}` is blessed; name BASE, or run `evals bless CARD --reason …`")
    raise_all(faults_of(home, suite.id, baseline))
    shared.say(plain(f"base: {baseline.scorecard}, blessed by {baseline.by}: {baseline.reason}", 300))
    return str(home.root / baseline.scorecard)


def _sequential(args: argparse.Namespace, home: Project, suite: Suite, base: Found) -> Verdict:
    """Draw from the API look by look, keep the candidate's scorecard on this machine, and show the comparison."""
    persona = find_persona(home, suite.persona, args.candidate)
    judge_model = args.judge or suite.judge
    executor = shared.executor(home, suite, execute=not args.no_execute)
    graded = {case for case, _, _ in base.card.header.cases}
    purse = providers.spending(home, args, [args.model or suite.model, judge_model])

    async def draw() -> Outcome:
        async with providers.live_provider(home, purse, at=args.endpoint, jobs=args.jobs) as provider:
            ask = asking(
                suite,
                [case for case in suite.cases if case.id in graded],
                provider,
                model=args.model or suite.model,
                judge_model=judge_model,
                jobs=args.jobs,
                execute=executor.grades,
                progress=bar.show,
            )
            gate = SequentialGate(
                suite=suite,
                base=base.card,
                persona=persona,
                ask=ask,
                judge_model=judge_model,
                draw=args.draw,
                looks=args.looks,
                allow=allowed_names(args.allow),
            )
            return await gate.run()

    with shared.bar(spent=lambda: purse.so_far) as bar:
        outcome = asyncio.run(draw())
    folder = card_folder(home, suite.id, suite.persona, home.memory / "scorecards")
    path = write_card(folder, outcome.candidate, card_markdown(outcome.candidate))
    shared.say(f"{outcome.drawn} answers were asked for; wrote {home.shown(path)}")
    sides = replace(base, card=outcome.base), Found(card=outcome.candidate, path=path, persona=persona)
    show(args, home, outcome.comparison, gather(home, suite, *sides, texts=wants_texts(args)))
    return outcome.comparison.verdict


def exit_code(verdict: Verdict, fail_on: str | None) -> int:
    """The decision. An inconclusive gate passes with a warning unless it was told to fail."""
    if verdict is Verdict.INCONCLUSIVE:
        if fail_on == "inconclusive":
            return 1
        shared.say("warning: inconclusive is not the same as unchanged; `--fail-on inconclusive` makes it fail")
    return EXIT[verdict]
