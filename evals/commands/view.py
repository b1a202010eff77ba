"""`evals view`: the comparison of two revisions as a page to look at, in a file of its own."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from evals.case import Suite
from evals.commands import shared
from evals.commands.sides import find_side, gather
from evals.comparability import allowed_names
from evals.compare import compare
from evals.errors import InputError
from evals.load import load_suite
from evals.project import Project
from evals.whole_file import write_whole


def execute(args: argparse.Namespace) -> int:
    """Looking is no decision: 0 whatever the verdict."""
    from evals.report.page import comparison_page

    home = shared.project()
    suite = load_suite(home, args.suite)
    allow = allowed_names(args.allow)
    names = _names(home, suite, args.sides)
    base, candidate = (find_side(home, suite, name, execute=not args.no_execute) for name in names)
    comparison = compare(base.card, candidate.card, suite, allow=allow)
    page = comparison_page(comparison, gather(home, suite, base, candidate, texts=True))
    path = Path(args.to) if args.to else home.memory / "view.html"
    try:
        write_whole(path, page)
    except OSError as error:
        raise InputError(f"the page cannot be written to {path}: {error}") from None
    shared.put_result(args, {"page": home.shown(path)}, home.shown(path))
    if args.open:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())
    return 0


def _names(home: Project, suite: Suite, given: list[str]) -> list[str]:
    """What to compare: the two that were named, else the newest two revisions that have scorecards."""
    if len(given) == 2:
        return given
    if given:
        raise InputError("name both BASE and CANDIDATE, or neither for the newest two")
    known = [path.stem for path in shared.card_paths(home, suite) if re.fullmatch(r"\d{4}", path.stem)]
    if len(known) < 2:
        there = ", ".join(known) or "none"
        raise InputError(f"two scorecards of `{suite.id}` are needed (there: {there}); run `evals run`")
    return known[-2:]
