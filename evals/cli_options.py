"""Options that several verbs share. Light: whatever `--help` needs, and nothing else."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from evals.cli_parser import Parser

SUITE = "backend-engineer"
"""The suite that is meant where there are several and none is named."""

Verbs: TypeAlias = "argparse._SubParsersAction[Parser]"


def verb(
    verbs: Verbs,
    name: str,
    help_text: str,
    *examples: str,
    module: str | None = None,
) -> Parser:
    """A verb with its help and examples, each a command that can be typed as it stands. `module` is where it lives, if not under its own name."""
    one = verbs.add_parser(
        name,
        help=help_text,
        description=help_text[0].upper() + help_text[1:] + ".",
        epilog="\n".join(["examples:", *(f"  {example}" for example in examples)]),
    )
    one.set_defaults(module=f"evals.commands.{module or name}")
    verbosity(one)
    return one


def verbosity(one: argparse.ArgumentParser) -> None:
    """`-q` and `-v`, before or after the verb. The usual is set once, by the whole command line."""
    either = one.add_mutually_exclusive_group()
    for flags, level, text in (
        (("-q", "--quiet"), -1, "results and errors only"),
        (("-v", "--verbose"), 1, "say what is read, why something is asked again, and when"),
    ):
        either.add_argument(
            *flags, dest="verbosity", action="store_const", const=level, default=argparse.SUPPRESS, help=text
        )


def formats(one: argparse.ArgumentParser, *choices: str) -> None:
    one.add_argument(
        "--format", choices=choices, default=choices[0], help="what to print on standard output (default: %(default)s)"
    )


def suite(one: argparse.ArgumentParser) -> None:
    one.add_argument("--suite", metavar="S", help=f"folder below cases/ (default: the only one, or {SUITE})")


def no_execute(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--no-execute",
        action="store_true",
        help="run no answer's code; grades by execution that are on record for the same answer still count",
    )


def github(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--github", action="store_true", help="in a step of GitHub Actions: append to its summary, and annotate"
    )


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = "must be 1 or more"
        raise argparse.ArgumentTypeError(message)
    return number


def looks(text: str) -> tuple[int, ...]:
    """Repeats at each look of a sequential gate: whole numbers, rising.

    >>> looks("3,8")
    (3, 8)
    """
    numbers = tuple(positive(part) for part in text.split(","))
    if list(numbers) != sorted(set(numbers)):
        message = "must rise, such as 3,8"
        raise argparse.ArgumentTypeError(message)
    return numbers
