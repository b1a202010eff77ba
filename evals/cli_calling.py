"""One call of the command, from its words to its exit code, whatever happens on the way.

Here: how loud it is, which terminal it speaks to, errors, interruption, a reader that went away. Not here: the verbs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from evals.cli_parser import Parser
from evals.errors import EvalsError, InputError
from evals.report.output import flush_result, open_streams
from evals.report.spelling import spell

INTERRUPTED = 130
RESUMABLE = ("run", "gate", "bisect")
"""Verbs that keep each reply as it comes."""
SUITELESS = ("personas", "promptfoo", "plugin-eval")
"""What is listed or imported where there need not be a suite yet."""
MOST = 200
"""Faults that are listed."""


def call(parser: Parser, argv: Sequence[str] | None, usual_suite: str) -> int:
    """Read the words, do it, and return the exit code. Raises SystemExit for --help and for words that it cannot read."""
    open_streams()
    spell(sys.stdout, sys.stderr)
    try:
        code = _called(parser.read(argv), usual_suite)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = INTERRUPTED
    finally:
        lost = flush_result()
    if lost:
        sys.stderr.write(f"error: the result cannot be written: {lost}\n")
        return EvalsError.exit_code
    return code


def _called(args: argparse.Namespace, usual_suite: str) -> int:
    from evals.cli_voice import heard
    from evals.messages import detail, insist
    from evals.report.safe import plain
    from evals.report.width import terminal_room

    with heard(args.verbosity), terminal_room():
        try:
            code = _execute(args, usual_suite)
        except EvalsError as error:
            for line in _complaints(error):
                insist(line)
            code = error.exit_code
        except OSError as error:
            insist(f"error: {plain(str(error), 600)}; free space or mend the folder, then run the same command again")
            code = EvalsError.exit_code
        except KeyboardInterrupt:
            kept = "; what was answered is kept, the same command goes on from there"
            insist(f"interrupted{kept if args.verb in RESUMABLE else ''}")
            code = INTERRUPTED
        detail(f"exit code {code}")
        return code


def _execute(args: argparse.Namespace, usual_suite: str) -> int:
    if getattr(args, "suite", "") is None and getattr(args, "what", None) not in SUITELESS:
        from evals.project import find_project

        args.suite = find_project(Path.cwd()).only_suite(usual_suite)
    command: Callable[[argparse.Namespace], int] = import_module(args.module).execute
    return command(args)


def _complaints(error: EvalsError) -> list[str]:
    from evals.report.safe import plain

    lines = [str(fault) for fault in error.faults] if isinstance(error, InputError) else [str(error)]
    shown = [f"error: {plain(line, 600)}" for line in lines[:MOST]]
    return shown + ([f"error: and {len(lines) - MOST} more"] if len(lines) > MOST else [])
