"""`evals export requests`: the requests that have no recording yet, as Message Batches JSON Lines.

Datasets and other people's tools have modules of their own.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from evals.cli_data import DATASETS, TOOLS
from evals.commands import shared
from evals.errors import InputError
from evals.exchange import UNSTATED, request_params
from evals.load import load_suite, select_cases
from evals.pending import Wanted, wanted_requests
from evals.project import Project
from evals.trial import plan_trials
from evals.whole_file import write_whole


def execute(args: argparse.Namespace) -> int:
    if args.what in DATASETS:
        from evals.commands import exporting

        return exporting.execute(args)
    if args.what in TOOLS:
        from evals.commands import export_tools

        return export_tools.execute(args)
    return _requests(args)


def _requests(args: argparse.Namespace) -> int:
    if args.scorecards or args.push:
        raise InputError("requests take neither scorecards nor --push; see --case and --persona")
    pending = [wanted for wanted in wanted(args, shared.project()) if wanted.recording is None]
    lines = "".join(
        json.dumps({"custom_id": w.request.digest, "params": request_params(w.request)}, ensure_ascii=False) + "\n"
        for w in pending
    )
    if args.to:
        try:
            write_whole(Path(args.to), lines)
        except OSError as error:
            raise InputError(f"{args.to} cannot be written: {error}") from None
    elif lines:
        shared.put(lines.rstrip("\n"))
    answers = sum("/judge/" not in w.place for w in pending)
    shared.say(
        f"{len(pending)} requests without a recording: {answers} answers, {len(pending) - answers} judge replies"
    )
    if answers:
        shared.say("importing the answers opens the judge's requests; export again after that")
    return 0


def wanted(args: argparse.Namespace, home: Project) -> list[Wanted]:
    """Every request of the chosen cases, revisions and repeats, with its recording where there is one."""
    suite = load_suite(home, args.suite)
    people = shared.personas(home, suite, args.persona)
    trials = list(
        plan_trials(
            suite, select_cases(suite, args.case), people, model=UNSTATED, repeats=args.repeats or suite.repeats
        )
    )
    recordings = {recording.digest: recording for recording in shared.recordings(home, suite.id)}
    return list(wanted_requests(trials, recordings, judge_model=UNSTATED, votes=args.votes or suite.votes))
