"""The command line: its verbs and their options. Each verb lives in `evals.commands` and is imported when it is called.

Here: what can be said. Not here: how words are read (`evals.cli_parser`), or what becomes of a call (`evals.cli_calling`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from evals.cli_asking import asking
from evals.cli_bisecting import add_bisecting
from evals.cli_calling import call
from evals.cli_deciding import add_deciding
from evals.cli_keeping import add_keeping
from evals.cli_options import SUITE, Verbs, positive, verbosity
from evals.cli_options import formats as _format
from evals.cli_options import github as _github
from evals.cli_options import no_execute as _no_execute
from evals.cli_options import suite as _suite
from evals.cli_options import verb as _verb
from evals.cli_parser import Parser
from evals.cli_planning import add_planning
from evals.cli_starting import add_starting

EXIT_CODES = {
    0: "fine",
    1: "a regression, or a self-test that failed",
    2: "usage or invalid input",
    3: "incomplete: too much is unscored, or the service failed",
    4: "not comparable",
    130: "interrupted",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    if "_ARGCOMPLETE" in os.environ:
        from evals.completion import complete

        complete(parser())
    return call(parser(), argv, SUITE)


def parser() -> Parser:
    """The whole command line."""
    top = Parser(
        prog="evals",
        description="Find out whether an edit of a persona prompt made its answers better or worse.",
        epilog="\n".join(["exit codes:", *(f"  {code:<3}  {meaning}" for code, meaning in EXIT_CODES.items())]),
    )
    top.add_argument("--version", action="store_true", help="print the version and stop")
    top.set_defaults(module="evals.commands.version", verbosity=0)
    verbosity(top)
    verbs = top.add_subparsers(title="verbs", metavar="VERB", dest="verb")
    _run(verbs)
    _grading(verbs)
    _calibrate(verbs)
    add_deciding(verbs)
    add_bisecting(verbs)
    _showing(verbs)
    add_planning(verbs)
    add_keeping(verbs)
    add_starting(verbs)
    top.verbs = verbs.choices
    return top


def _run(verbs: Verbs) -> None:
    one = _verb(
        verbs,
        "run",
        "answer every case with every revision, grade the answers, write scorecards",
        "evals run",
        "evals run --case 'jwt-*' --persona 0001 --persona 0002",
        "evals run --provider live --persona .claude/agents/reviewer.md --dry-run",
        "evals run --resume",
    )
    _suite(one)
    one.add_argument("--case", metavar="GLOB", help="only cases whose id matches")
    one.add_argument(
        "--persona",
        action="append",
        metavar="PATH[@REF]",
        help="a revision (0001), an agent file, or PATH@GITREF; may be repeated (default: all revisions)",
    )
    one.add_argument(
        "--provider",
        default="replay",
        metavar="NAME",
        help="replay: the recordings; scripted: the texts below scripted/, to try a project out; live: the API; batch: the API through Message Batches, half the price, within a day; or one that evals.toml names (default: %(default)s)",
    )
    one.add_argument("--model", metavar="ID", help="live model (default: the suite's)")
    one.add_argument("--judge", metavar="ID", help="live judge model (default: the suite's)")
    one.add_argument(
        "--repeats", type=positive, metavar="K", help="answers per case and revision (default: the suite's)"
    )
    one.add_argument(
        "-j",
        dest="jobs",
        type=positive,
        default=8,
        metavar="N",
        help="requests under way at once (default: %(default)s)",
    )
    one.add_argument("--limit", type=positive, metavar="N", help="at most N cases")
    one.add_argument(
        "--draw",
        default="0",
        metavar="S",
        help="another draw asks again for what is already remembered (default: %(default)s)",
    )
    asking(one)
    one.add_argument("--dry-run", action="store_true", help="say what would be asked and cost, ask nothing")
    _no_execute(one)
    one.add_argument(
        "--executor",
        default="local",
        metavar="WHERE",
        help="who grades: `local`, or a dask cluster as dask://HOST:PORT (default: %(default)s)",
    )
    one.add_argument("--no-grade-cache", action="store_true", help="grade every answer anew, remember no grade")
    one.add_argument("--resume", action="store_true", help="go on with the newest unfinished run, with its options")
    one.add_argument(
        "--out",
        metavar="DIR",
        help="write scorecards there (default: results/scorecards for a whole suite of numbered revisions replayed, else nowhere)",
    )
    _github(one)
    _format(one, "table", "json")


def _grading(verbs: Verbs) -> None:
    one = _verb(
        verbs,
        "grade",
        "grade any answer to a case by rules and by running its code, without a model call",
        "evals grade --case jwt-auth answer.md",
        "evals grade --case jwt-auth --no-execute --format json -",
    )
    _suite(one)
    one.add_argument("--case", required=True, metavar="ID", help="the case that the answer is to")
    one.add_argument("files", nargs="+", metavar="FILE", help="answers as Markdown; `-` is standard input")
    _no_execute(one)
    _format(one, "table", "json")
    one = _verb(
        verbs,
        "scan",
        "look for defects in Markdown answers or source files, by rules alone",
        "evals scan app.py migration.sql answer.md",
        "evals scan --rule py-sql-injection --format sarif app.py",
    )
    one.add_argument("files", nargs="+", metavar="FILE", help=".md, .py, .js, .ts or .sql")
    one.add_argument("--rule", action="append", metavar="ID", help="only this rule; may be repeated")
    _format(one, "table", "json", "sarif")
    one = _verb(
        verbs,
        "selftest",
        "attack sound answers and answers with seeded defects, and see whether each comes out as it must",
        "evals selftest --attacks jwt",
        "evals selftest --record",
    )
    _suite(one)
    one.add_argument("--attacks", metavar="NAME", help="only this suite of attacks (default: all that the cases name)")
    one.add_argument(
        "--record", action="store_true", help="keep the outcome in results/selftest, where `evals calibrate` reads it"
    )
    _format(one, "table", "json")


def _calibrate(verbs: Verbs) -> None:
    one = _verb(
        verbs,
        "calibrate",
        "how far the recorded judge agrees with the truth, and whether it may fail a build; no model call",
        "evals calibrate",
        "evals calibrate --worst",
    )
    _suite(one)
    one.add_argument("--worst", action="store_true", help="the items where judge and truth differ, quote beside quote")
    one.add_argument(
        "--renew", action="store_true", help="first take what the attacks decided anew into the gold set; labels stay"
    )
    _format(one, "table", "json")


def _showing(verbs: Verbs) -> None:
    one = _verb(
        verbs,
        "show",
        "show scorecards side by side, one whole, or what decided a criterion",
        "evals show",
        "evals show 0001 --items",
        "evals show --disagreements",
        "evals show --case jwt-auth --criterion secrets-kept",
    )
    _suite(one)
    one.add_argument(
        "scorecard",
        nargs="?",
        metavar="SCORECARD",
        help="a revision (0001) or a scorecard's path (default: all revisions side by side)",
    )
    one.add_argument(
        "--items",
        action="store_true",
        help="each criterion's pass rate per revision, and those at the ceiling or the floor",
    )
    one.add_argument(
        "--disagreements", action="store_true", help="answers on which graders differ, with the evidence of each"
    )
    one.add_argument("--case", metavar="C", help="with --criterion: every grade of it, with quotes")
    one.add_argument("--criterion", metavar="K", help="with --case")
    _format(one, "table", "json")
    one = _verb(
        verbs, "list", "list what there is", "evals list cases", "evals list rules --format json", module="listing"
    )
    _suite(one)
    one.add_argument("what", choices=["cases", "personas", "rules", "scorecards", "recordings"])
    _format(one, "table", "json")
    one = _verb(verbs, "coverage", "which criteria exercise which instruction of the persona", "evals coverage")
    _suite(one)
    _format(one, "table", "json")
