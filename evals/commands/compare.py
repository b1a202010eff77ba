"""`evals compare`: two revisions side by side, what moved, and what may be concluded. Its reports serve `gate` too."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from evals.case import Suite
from evals.commands import shared
from evals.commands.sides import Found, find_side, gather
from evals.comparability import allowed_names
from evals.compare import compare
from evals.comparison import Comparison, Verdict
from evals.context import Context
from evals.errors import InputError
from evals.load import load_suite
from evals.project import Project

REPORTS = {
    "html": ("evals.report.page", "comparison_page"),
    "markdown": ("evals.report.markdown", "comparison_markdown"),
    "junit": ("evals.report.junit", "comparison_junit"),
}
"""Option, and the function that draws the report."""


def execute(args: argparse.Namespace) -> int:
    """Looking is no decision: 0 whatever the verdict, 4 where there is nothing to look at side by side."""
    allowed_names(args.allow)
    home = shared.project()
    suite = load_suite(home, args.suite)
    base, candidate = (
        find_side(home, suite, name, execute=not args.no_execute) for name in (args.base, args.candidate)
    )
    return 4 if compared(args, home, suite, base, candidate) is Verdict.NOT_COMPARABLE else 0


def compared(args: argparse.Namespace, home: Project, suite: Suite, base: Found, candidate: Found) -> Verdict:
    """Compare two sides and show it; the verdict."""
    comparison = compare(base.card, candidate.card, suite, allow=allowed_names(args.allow))
    show(args, home, comparison, gather(home, suite, base, candidate, texts=wants_texts(args)))
    return comparison.verdict


def wants_texts(args: argparse.Namespace) -> bool:
    """Whether a report was asked for that shows answers."""
    return any(getattr(args, name) for name in REPORTS)


def show(args: argparse.Namespace, home: Project, comparison: Comparison, context: Context) -> None:
    """Write the reports that were asked for, and print."""
    for name in REPORTS:
        if file := getattr(args, name):
            _write(home, name, Path(file), comparison, context)
    if args.github:
        _tell_github(comparison, context)
    if args.format == "json":
        from evals.report.comparison_json import comparison_json

        shared.put_json(comparison_json(comparison))
    else:
        from evals.report.colour import wanted
        from evals.report.comparison_text import comparison_text

        shared.put(comparison_text(comparison, context, colour=wanted(sys.stdout)))


def _tell_github(comparison: Comparison, context: Context) -> None:
    from evals.report.github import annotate, summarise

    summarise(comparison, context, os.environ)
    for line in annotate(comparison, context):
        shared.insist(line)


def _write(home: Project, name: str, path: Path, comparison: Comparison, context: Context) -> None:
    from evals.whole_file import write_whole

    module, function = REPORTS[name]
    draw: Callable[[Comparison, Context], str] = getattr(import_module(module), function)
    try:
        write_whole(path, draw(comparison, context))
    except OSError as error:
        raise InputError(f"the report cannot be written to {path}: {error}") from None
    shared.say(f"wrote {home.shown(path)}")
