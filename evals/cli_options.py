"""Options that several verbs share. Light: whatever `--help` needs, and nothing else."""

from __future__ import annotations

import argparse
from typing import TypeAlias

SUITE = "backend-engineer"
"""The suite that is meant where there are several and none is named."""

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def verb(
    verbs: Verbs,
    name: str,
    help_text: str,
    example: str,
    module: str | None = None,
) -> argparse.ArgumentParser:
    one = verbs.add_parser(
        name, help=help_text, description=help_text[0].upper() + help_text[1:] + ".", epilog=f"example: {example}"
    )
    one.set_defaults(module=f"evals.commands.{module or name}")
    return one


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
