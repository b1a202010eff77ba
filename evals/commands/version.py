"""`evals --version`, and `evals` alone."""

from __future__ import annotations

import argparse


def execute(args: argparse.Namespace) -> int:
    from importlib.metadata import version

    if args.version:
        print(f"evals {version('persona-evals')}")
        return 0
    from evals.cli import parser

    parser().print_help()
    return 2
