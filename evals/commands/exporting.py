"""`evals export results|answers|cases`: datasets in a folder, and published only when asked twice."""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

from evals.case import Suite
from evals.commands import shared
from evals.data.columns import ANSWERS, CASES, KINDS, Table
from evals.data.dataset_card import UNKNOWN, card, mark
from evals.data.folder import replace_folder
from evals.data.parquet import README, file_name, write_tables
from evals.data.rows import Row, answer_row, case_row, result_tables
from evals.errors import InputError
from evals.exchange import UNSTATED
from evals.load import load_suite, select_cases
from evals.project import Project
from evals.recording import recorded_repeat
from evals.report.safe import plain
from evals.trial import plan_trials

Tables = list[tuple[Table, list[Row]]]
REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def execute(args: argparse.Namespace) -> int:
    _check(args)
    home = shared.project()
    suite = load_suite(home, args.suite)
    tables = _tables(args, home, suite)
    rows = len(tables[0][1])
    if not rows:
        raise InputError(f"there are no {args.what} to export; nothing was written")
    readme = card(args.what, suite.id, tables, args.license or UNKNOWN)
    if args.to:
        write(Path(args.to), args.what, tables, readme)
        shared.put(plain(f"wrote {rows} rows of {args.what} to {args.to}"))
    if args.push:
        _push(args, tables, readme)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Everything that can be wrong before any work is done."""
    if not args.to and not args.push:
        raise InputError("say where to: --to DIR")
    if args.license and not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,39}", args.license):
        raise InputError("--license takes an identifier as the Hub spells it: mit, cc-by-4.0, apache-2.0, …")
    if args.what == "results" and (args.case or args.persona):
        raise InputError("results are whole scorecards; name revisions or paths instead of --case and --persona")
    if args.scorecards and args.what != "results":
        raise InputError(f"scorecards go with `export results`; for {args.what} use --case and --persona")
    if not args.push:
        return
    if not REPOSITORY.fullmatch(args.push):
        raise InputError("--push takes ORG/NAME")
    if not args.yes:
        raise InputError(
            f"this would publish {args.what} to {args.push} on the Hugging Face Hub; add --yes if that is meant"
        )
    from evals.data.hub import token

    token()


def write(folder: Path, kind: str, tables: Tables, readme: str) -> None:
    """The dataset as a folder, whole or not at all."""
    names = {README, *(file_name(table) for table in KINDS[kind])}
    replace_folder(folder, names, mark(kind), lambda stage: write_tables(stage, tables, readme))


def _push(args: argparse.Namespace, tables: Tables, readme: str) -> None:
    from evals.data.hub import push

    with tempfile.TemporaryDirectory() as place:
        write_tables(Path(place), tables, readme)
        address = push(Path(place), args.push, f"evals export {args.what}")
    shared.put(plain(f"published {args.what} at {address}; a new dataset is private until you open it on the Hub"))


def _tables(args: argparse.Namespace, home: Project, suite: Suite) -> Tables:
    if args.what == "results":
        cards = (
            [shared.find_card(home, suite, name) for name in args.scorecards]
            if args.scorecards
            else shared.cards(home, suite)
        )
        return result_tables(cards)
    if args.what == "cases":
        return [(CASES, [case_row(suite.id, case) for case in select_cases(suite, args.case)])]
    return [(ANSWERS, _answers(args, home, suite))]


def _answers(args: argparse.Namespace, home: Project, suite: Suite) -> list[Row]:
    """Recorded answers to the cases as they are now; those of retired case versions are not among them."""
    recordings = {recording.digest: recording for recording in shared.recordings(home, suite.id)}
    repeats = args.repeats or max([suite.repeats, *map(recorded_repeat, recordings.values())])
    people = shared.personas(home, suite, args.persona)
    trials = plan_trials(suite, select_cases(suite, args.case), people, model=UNSTATED, repeats=repeats)
    return [
        answer_row(suite.id, trial, recordings[trial.request.digest])
        for trial in trials
        if trial.request.digest in recordings
    ]
