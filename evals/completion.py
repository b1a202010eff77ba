"""Completion in a shell: the names there are for the word that is being typed.

The shell calls the command itself at each Tab (argcomplete does the shells), so that suites, cases and revisions are those of
the project one stands in. Rules and attacks are the built-in ones: no code of a project runs because of a Tab. Here: which names fit which option. Not here: what they mean.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from evals.cli_options import SUITE
from evals.cli_parser import Parser
from evals.errors import EvalsError
from evals.project import Project, find_project

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""Names that are offered: a file may be called anything, and the shell would have to be told."""

Names = Callable[[Project, argparse.Namespace], Iterable[str]]


def script(shell: str) -> str:
    """What a shell has to read so that it completes `evals`."""
    from argcomplete.shell_integration import shellcode

    return shellcode(["evals"], shell=shell)


def complete(parser: Parser) -> None:
    """Answer the shell that asks (by its environment variables), and end the process."""
    import argcomplete

    for verb in parser.verbs.values():
        for action in verb.arguments():
            names = NAMES.get(action.dest)
            if names and action.metavar not in ("FILE", "DIR"):
                action.completer = _completer(names)  # type: ignore[attr-defined]  # where argcomplete looks for it
    argcomplete.autocomplete(parser)


def _completer(names: Names) -> Callable[..., list[str]]:
    def offered(parsed_args: argparse.Namespace, **_: object) -> list[str]:
        try:
            found = names(find_project(Path.cwd()), parsed_args)
            return sorted({name for name in found if PLAIN.fullmatch(name)})
        except (EvalsError, OSError):
            return []  # there is nobody to tell: the word is only being typed

    return offered


def _suites(home: Project, _: argparse.Namespace) -> Iterator[str]:
    return (path.parent.name for path in home.cases.glob("*/suite.yaml"))


def _suite(home: Project, args: argparse.Namespace) -> str:
    return getattr(args, "suite", None) or home.only_suite(SUITE)


def _cases(home: Project, args: argparse.Namespace) -> Iterator[str]:
    paths = home.cases.joinpath(_suite(home, args)).glob("*.yaml")
    return (path.stem for path in paths if path.name != "suite.yaml")


def _revisions(home: Project, _: argparse.Namespace) -> Iterator[str]:
    return (path.name[:4] for path in home.prompts.glob("*/[0-9][0-9][0-9][0-9]-*.md"))


def _scorecards(home: Project, args: argparse.Namespace) -> Iterator[str]:
    paths = home.scorecards.joinpath(_suite(home, args)).glob("*/*.jsonl")
    return (path.stem for path in paths if not path.name.endswith(".grades.jsonl"))


def _criteria(home: Project, args: argparse.Namespace) -> Iterator[str]:
    from evals.load import read_case

    case, _ = read_case(home, home.cases / _suite(home, args) / f"{args.case}.yaml")
    return (criterion.id for criterion in case.criteria) if case else iter(())


def _rules(_: Project, __: argparse.Namespace) -> Iterable[str]:
    from graders.registry import RULES_BY_ID

    return RULES_BY_ID


def _attacks(_: Project, __: argparse.Namespace) -> Iterable[str]:
    from graders.registry import SUITE_NAMES

    return SUITE_NAMES


def _differences(_: Project, __: argparse.Namespace) -> Iterable[str]:
    from evals.comparability import KNOWN

    return [name.replace(" ", "-") for name in KNOWN]


NAMES: dict[str, Names] = {
    "suite": _suites,
    "suites": _suites,
    "of_suite": _suites,
    "case": _cases,
    "criterion": _criteria,
    "persona": _revisions,
    "base": _revisions,
    "candidate": _revisions,
    "sides": _revisions,
    "scorecard": _scorecards,
    "scorecards": _scorecards,
    "baseline": _scorecards,
    "rule": _rules,
    "attacks": _attacks,
    "allow": _differences,
}
"""Names to offer, by what an option or argument is kept under."""
