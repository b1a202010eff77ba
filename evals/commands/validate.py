"""`evals validate`: every fault of every file, exit code 2 when there is one."""

from __future__ import annotations

import argparse

from evals.commands import shared
from evals.errors import Fault, raise_all
from evals.load import suite_ids
from evals.nearest import unknown
from evals.report.safe import plain
from evals.validate import validate


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    there = suite_ids(home)
    raise_all([Fault(message=unknown("suite", name, there)) for name in args.suites if name not in there])
    checked = validate(home, args.suites)
    if args.format == "json":
        shared.put_json(
            {
                "faults": [vars(fault) for fault in checked.faults],
                "warnings": [vars(fault) for fault in checked.warnings],
                "counts": dict(checked.counts),
            }
        )
        return 2 if checked.faults else 0
    for warning in checked.warnings:
        shared.say(plain(f"warning: {warning}", 600))
    raise_all(checked.faults)
    shared.put("sound: " + ", ".join(f"{count} {name}" for name, count in checked.counts))
    return 0
