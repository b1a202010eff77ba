"""`evals gate`: the comparison, and its verdict as an exit code."""

from __future__ import annotations

import argparse

from evals.commands import shared
from evals.commands.compare import compared
from evals.commands.sides import find_side
from evals.comparability import allowed_names
from evals.comparison import Verdict
from evals.load import load_suite

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
    base, candidate = (
        find_side(home, suite, name, execute=not args.no_execute) for name in (args.base, args.candidate)
    )
    return exit_code(compared(args, home, suite, base, candidate).verdict, args.fail_on)


def exit_code(verdict: Verdict, fail_on: str | None) -> int:
    """The decision. An inconclusive gate passes with a warning unless it was told to fail."""
    if verdict is Verdict.INCONCLUSIVE:
        if fail_on == "inconclusive":
            return 1
        shared.say("warning: inconclusive is not the same as unchanged; `--fail-on inconclusive` makes it fail")
    return EXIT[verdict]
