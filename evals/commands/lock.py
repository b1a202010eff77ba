"""`evals lock`: bind everything that scores depend on."""

from __future__ import annotations

import argparse

from evals.calibrate import calibration_json
from evals.canonical import Json
from evals.commands import shared
from evals.errors import Fault, raise_all
from evals.extensions import read_extensions
from evals.load import load_suite, suite_ids
from evals.load_personas import revisions
from evals.lock import make_lock, read_lock, unlocked_changes, write_lock
from evals.schema import schema_text
from evals.whole_file import write_whole


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    before = read_lock(home.lock)
    named = read_extensions(home)
    suites: dict[str, Json] = {}
    faults: list[Fault] = []
    for suite_id in suite_ids(home):
        suite = load_suite(home, suite_id)
        recorded = shared.recordings(home, suite_id)
        now = make_lock(suite, revisions(home, suite.persona), recorded, calibration_json(home, suite, recorded), named)
        faults += unlocked_changes(suite_id, before.get(suite_id), now)
        suites[suite_id] = now
    raise_all(faults)
    write_lock(home.lock, suites)
    write_whole(home.cases / "case.schema.json", schema_text("case.schema.json"))
    names: list[Json] = list(suites)
    said = f"locked {len(suites)} suite{'s' if len(suites) != 1 else ''} in {home.shown(home.lock)}"
    shared.put_result(args, {"lock": home.shown(home.lock), "suites": names}, said)
    return 0
