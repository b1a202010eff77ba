"""`evals completion`: what a shell has to read so that Tab completes verbs, options and the project's own names."""

from __future__ import annotations

import argparse

from evals.completion import script
from evals.report.output import write_result


def execute(args: argparse.Namespace) -> int:
    write_result(script(args.shell).strip("\n"))
    return 0
