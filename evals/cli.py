"""The command line: options, dispatch, exit codes. Each verb lives in `evals.commands` and is imported when it is called.

Exit codes: 0 fine · 1 regression · 2 usage or invalid input · 3 incomplete · 4 not comparable · 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from evals.cli_asking import asking
from evals.cli_bisecting import add_bisecting
from evals.cli_data import DATASETS, TOOLS, add_exporting, add_importing
from evals.cli_deciding import add_deciding
from evals.cli_options import SUITE, Verbs, positive
from evals.cli_options import formats as _format
from evals.cli_options import github as _github
from evals.cli_options import no_execute as _no_execute
from evals.cli_options import suite as _suite
from evals.cli_options import verb as _verb
from evals.cli_planning import add_planning
from evals.errors import EvalsError, InputError
from evals.project import find_project


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    args = parser().parse_args(argv)
    try:
        if getattr(args, "suite", "") is None:
            args.suite = find_project(Path.cwd()).only_suite(SUITE)
        command: Callable[[argparse.Namespace], int] = import_module(args.module).execute
        return command(args)
    except EvalsError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; what was answered is kept, the same command goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        _complain(InputError(f"{error}; free space or mend the folder, then run the same command again"))
        return 2


def _complain(error: EvalsError) -> None:
    from evals.report.safe import plain

    lines = [str(fault) for fault in error.faults] if isinstance(error, InputError) else [str(error)]
    for line in lines[:200]:
        print(f"error: {plain(line, 600)}", file=sys.stderr)
    if len(lines) > 200:
        print(f"error: and {len(lines) - 200} more", file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="evals",
        description="Find out whether an edit of a persona prompt made its answers better or worse.",
        epilog="Exit codes: 0 fine, 1 regression, 2 usage or invalid input, 3 incomplete, 4 not comparable.",
    )
    top.add_argument("--version", action="store_true", help="print the version and stop")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", dest="verb")
    top.set_defaults(module="evals.commands.version")
    _run(verbs)
    _grading(verbs)
    _calibrate(verbs)
    add_deciding(verbs)
    add_bisecting(verbs)
    _showing(verbs)
    add_planning(verbs)
    _keeping(verbs)
    _starting(verbs)
    return top


def _run(verbs: Verbs) -> None:
    one = _verb(
        verbs,
        "run",
        "answer every case with every revision, grade the answers, write scorecards",
        "evals run --case 'jwt-*' --persona 0001 --persona 0002",
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
        choices=["replay", "live", "batch", "scripted"],
        default="replay",
        help="replay the recordings, take the texts below scripted/ for answers to try a project out, ask the API, or ask it through Message Batches: half the price, within a day (default: %(default)s)",
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
    )
    one.add_argument("files", nargs="+", metavar="FILE", help=".md, .py, .js, .ts or .sql")
    one.add_argument("--rule", action="append", metavar="ID", help="only this rule; may be repeated")
    _format(one, "table", "json", "sarif")
    one = _verb(
        verbs,
        "selftest",
        "attack sound answers and answers with seeded defects, and see whether each comes out as it must",
        "evals selftest --attacks jwt",
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
        verbs, "show", "show scorecards side by side, one whole, or what decided a criterion", "evals show --items"
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
    one = _verb(verbs, "list", "list what there is", "evals list rules", module="listing")
    _suite(one)
    one.add_argument("what", choices=["cases", "personas", "rules", "scorecards", "recordings"])
    _format(one, "table", "json")
    one = _verb(verbs, "coverage", "which criteria exercise which instruction of the persona", "evals coverage")
    _suite(one)
    _format(one, "table", "json")


def _votes(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--votes",
        type=int,
        choices=range(1, 10),
        metavar="N",
        help="judge's votes on each question, 1 to 9 (default: the suite's)",
    )


def _keeping(verbs: Verbs) -> None:
    one = _verb(
        verbs,
        "validate",
        "check cases, personas, lock, recordings and scorecards; report every fault",
        "evals validate",
    )
    one.add_argument("suites", nargs="*", metavar="SUITE", help="default: all")
    _format(one, "table", "json")
    _verb(verbs, "lock", "bind cases, persona, graders, settings and recordings in evals.lock", "evals lock")
    one = _verb(
        verbs,
        "export",
        "write pending requests as JSON Lines, cases, answers or results as a dataset, or results to a tool",
        "evals export results --to datasets/results",
    )
    _suite(one)
    one.add_argument("what", choices=["requests", *DATASETS, *TOOLS])
    add_exporting(one)
    one.add_argument(
        "--to",
        metavar="PATH",
        help="requests: a file (default: standard output); datasets: a folder; wandb: its folder",
    )
    one.add_argument("--case", metavar="GLOB", help="only cases whose id matches")
    one.add_argument("--persona", action="append", metavar="PATH[@REF]", help="default: all revisions")
    one.add_argument("--repeats", type=positive, metavar="K", help="default: the suite's")
    _votes(one)
    one = _verb(
        verbs,
        "import",
        "keep responses to exported requests as recordings, two readers' labels as gold items, or a dataset as cases",
        "evals import responses results.jsonl --declare declared.json --set 2026-01",
        module="importing",
    )
    _suite(one)
    one.add_argument("what", choices=["responses", "labels", "cases"])
    add_importing(one)
    one.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="responses: JSON Lines as Message Batches returns them, `-` is standard input; labels: one file a reader; cases: a Parquet, JSON Lines or CSV file, a folder, or hf://ORG/NAME@COMMIT?split=…",
    )
    one.add_argument("--by", metavar="WHO", help="labels: `human`, or `model:FAMILY`")
    one.add_argument("--adjudicated", metavar="FILE", help="labels: what a third reader said where the two differ")
    one.add_argument(
        "--set",
        dest="recording_set",
        metavar="NAME",
        help="name of the recording set; needed for responses that carry no request id of the API",
    )
    one.add_argument("--declare", metavar="FILE", help="JSON object of topic: statement, how the responses were made")
    one.add_argument("--case", metavar="GLOB", help=argparse.SUPPRESS)
    one.add_argument("--persona", action="append", help=argparse.SUPPRESS)
    one.add_argument("--repeats", type=positive, metavar="K", help="default: the suite's")
    _votes(one)
    one = _verb(
        verbs, "cache", "look at, tidy or clear this machine's memory of responses and grades", "evals cache info"
    )
    one.add_argument("--suite", dest="of_suite", metavar="ID", help="why: the trial's suite (default: the only one)")
    one.add_argument(
        "what",
        choices=["info", "clear", "prune", "why"],
        help="info: how much there is; clear: forget it; prune: forget what can be of no use any more; why: what is known of KEY",
    )
    one.add_argument("key", nargs="?", metavar="KEY", help="why: a trial (CASE/REVISION/REPEAT) or a request's digest")
    one.add_argument("--only", choices=["responses", "grades"], help="clear or prune: leave the other memory alone")


def _starting(verbs: Verbs) -> None:
    one = _verb(
        verbs,
        "init",
        "make a working project around an agent file",
        "evals init demo --persona .claude/agents/reviewer.md",
        module="starting",
    )
    one.add_argument("folder", metavar="DIR", help="where to; made if need be, and no file in it is overwritten")
    one.add_argument(
        "--persona",
        metavar="FILE",
        help="the agent file (default: the only one in .claude/agents/, or a small sample where there is none)",
    )
