"""Standard output: the result, for as long as somebody reads it.

A reader that goes away (`evals list rules | head -1`) ends the writing, never the work: the exit code is a decision and
must not depend on who looks. Here: writing. Not here: what is written.
"""

from __future__ import annotations

import os
import sys


def write_result(text: str) -> None:
    """Print on standard output."""
    try:
        print(text)
    except BrokenPipeError:
        _leave()


def flush_result() -> None:
    """Whatever is still held back goes out now, so that nothing complains later."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        _leave()


def _leave() -> None:
    """From now on both streams that may be closed lead nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
