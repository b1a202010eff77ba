"""Options of the verbs that decide. Not here: what they do (`evals.commands`)."""

from __future__ import annotations

import argparse

from evals.cli_asking import asking
from evals.cli_options import Verbs, formats, github, looks, no_execute, positive, suite, verb


def add_deciding(verbs: Verbs) -> None:
    """`compare`, `gate`, `bless` and `view`."""
    sides = "a scorecard's path, a revision (0001), or PATH[@REF] of an agent file, whose recorded answers are replayed"
    one = verb(
        verbs,
        "compare",
        "what moved between two revisions, and whether that is more than noise",
        "evals compare 0000 0001 --html report.html",
    )
    one.add_argument("base", metavar="BASE", help=sides)
    one.add_argument("candidate", metavar="CANDIDATE", help="the same")
    _comparing(one)
    one = verb(
        verbs,
        "gate",
        "compare, and let the exit code be the decision",
        "evals gate 0000 0001 --fail-on inconclusive",
    )
    one.add_argument("base", nargs="?", metavar="BASE", help=f"{sides} (default: the blessed baseline)")
    one.add_argument("candidate", metavar="CANDIDATE", help="the same")
    _comparing(one)
    one.add_argument(
        "--fail-on", choices=["inconclusive"], help="exit 1 as well when a loss beyond the margins cannot be ruled out"
    )
    live = one.add_argument_group("asking the API for the candidate's answers")
    live.add_argument(
        "--sequential", action="store_true", help="draw 2, 3, 5, 8 answers a case and stop as soon as enough is known"
    )
    live.add_argument(
        "--looks",
        type=looks,
        default=(2, 3, 5, 8),
        metavar="N,N",
        help="answers a case at each look, rising (default: 2,3,5,8; a night takes 3,8)",
    )
    live.add_argument("--model", metavar="ID", help="live model (default: the suite's)")
    live.add_argument("--judge", metavar="ID", help="live judge model (default: the suite's)")
    live.add_argument("--draw", default="0", metavar="S", help="name of the draw; an unchanged persona needs a new one")
    live.add_argument(
        "-j", dest="jobs", type=positive, default=8, metavar="N", help="requests under way at once (default: 8)"
    )
    asking(live)
    one = verb(
        verbs,
        "bless",
        "make a scorecard the baseline that `evals gate` measures against",
        'evals bless 0001 --reason "reviewed by two of us"',
    )
    suite(one)
    one.add_argument("scorecard", metavar="CARD", help="a revision (0001) or a scorecard's path")
    one.add_argument(
        "--reason", required=True, metavar="WHY", help="why; kept in results/baselines.json with your name"
    )
    _viewing(verbs)


def _comparing(one: argparse.ArgumentParser) -> None:
    suite(one)
    one.add_argument("--html", metavar="F", help="write the page to look at")
    one.add_argument("--markdown", metavar="F", help="write the text for a pull request")
    one.add_argument("--junit", metavar="F", help="write JUnit XML for CI")
    _allow(one)
    no_execute(one)
    github(one)
    formats(one, "table", "json")


def _allow(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="WHAT",
        help="compare although this differs besides the persona (model, judge, case-version, …); may be repeated",
    )


def _viewing(verbs: Verbs) -> None:
    one = verb(
        verbs,
        "view",
        "write the comparison of two revisions as a page to look at, and print its path",
        "evals view 0001 0002 --open",
    )
    suite(one)
    one.add_argument(
        "sides",
        nargs="*",
        metavar="BASE CANDIDATE",
        help="as for `compare` (default: the newest two revisions that have scorecards)",
    )
    one.add_argument("--to", metavar="FILE", help="default: .evals/view.html")
    one.add_argument("--open", action="store_true", help="open it in the browser")
    _allow(one)
    no_execute(one)
