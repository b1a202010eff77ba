"""Options of `evals plan`."""

from __future__ import annotations

import argparse

from evals.cli_options import Verbs, formats, positive, suite, verb


def share(text: str) -> float:
    """A number between 0 and 1, both excluded."""
    number = float(text)
    if not 0 < number < 1:
        message = "must lie between 0 and 1"
        raise argparse.ArgumentTypeError(message)
    return number


def add_planning(verbs: Verbs) -> None:
    one = verb(
        verbs,
        "plan",
        "say what so many answers could show and would cost, before anything is spent",
        "evals plan",
        "evals plan 0001 --effect 0.05 --rpm 50",
        "evals plan --basis all --batch --format json",
    )
    suite(one)
    one.add_argument(
        "baseline", nargs="?", metavar="SCORECARD", help="whose scatter is known (default: the last revision's)"
    )
    one.add_argument("--effect", type=share, default=0.05, metavar="D", help="drop to be found (default: %(default)s)")
    one.add_argument("--power", type=share, default=0.8, metavar="P", help="how surely (default: %(default)s)")
    one.add_argument("--alpha", type=share, default=0.05, metavar="A", help="false alarms (default: %(default)s)")
    one.add_argument(
        "--basis",
        choices=["gate", "all"],
        default="gate",
        help="grades that may fail a build, or all (default: %(default)s)",
    )
    one.add_argument("--model", metavar="ID", help="live model (default: the suite's)")
    one.add_argument("--judge", metavar="ID", help="live judge model (default: the suite's)")
    one.add_argument("--prices", metavar="FILE", help="a table of prices of your own (docs/running-live.md)")
    one.add_argument("--batch", action="store_true", help="at the price of Message Batches")
    for name, what in (("rpm", "requests"), ("itpm", "input tokens"), ("otpm", "output tokens")):
        one.add_argument(f"--{name}", type=positive, metavar="N", help=f"{what} a minute that your account allows")
    formats(one, "table", "json")
