"""Options of `evals bisect`."""

from __future__ import annotations

from evals.cli_asking import asking
from evals.cli_options import Verbs, formats, no_execute, positive, suite, verb


def add_bisecting(verbs: Verbs) -> None:
    one = verb(
        verbs,
        "bisect",
        "find the hunks of an edit that carry a regression",
        "evals bisect 0001 0002 --provider live --dry-run",
    )
    suite(one)
    sides = "a revision (0001), an agent file, or PATH@GITREF"
    one.add_argument("base", metavar="BASE", help=sides)
    one.add_argument("candidate", metavar="CANDIDATE", help="the same")
    one.add_argument("--case", metavar="GLOB", help="only cases whose id matches")
    one.add_argument(
        "--provider",
        choices=["replay", "live"],
        default="replay",
        help="recorded answers of the mixed revisions, or the API (default: %(default)s)",
    )
    one.add_argument("--model", metavar="ID", help="live model (default: the suite's)")
    one.add_argument("--judge", metavar="ID", help="live judge model (default: the suite's)")
    one.add_argument("--draw", default="0", metavar="S", help="another draw asks again for what is already remembered")
    one.add_argument("--max-rounds", type=positive, default=40, metavar="N", help="stop then (default: %(default)s)")
    one.add_argument(
        "-j", dest="jobs", type=positive, default=8, metavar="N", help="requests under way at once (default: 8)"
    )
    asking(one)
    one.add_argument("--dry-run", action="store_true", help="show the hunks, calls and cost, and ask nothing")
    one.add_argument("-y", "--yes", action="store_true", help="ask the API without asking you first")
    no_execute(one)
    formats(one, "table", "json")
