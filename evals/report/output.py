"""Standard output: the result, for as long as somebody reads it.

A reader that goes away (`evals list rules | head -1`) ends the writing, never the work: the exit code is a decision and
must not depend on who looks. Here: writing. Not here: what is written.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO


def write_result(text: str) -> None:
    """Print on standard output."""
    try:
        print(text)
    except BrokenPipeError:
        _leave()


def open_streams() -> None:
    """Where a stream was closed before the start, what is written there goes nowhere."""
    if sys.stdout is None:
        sys.stdout = _nowhere()
    if sys.stderr is None:
        sys.stderr = _nowhere()


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def flush_result() -> str:
    """Whatever is still held back goes out now, so that nothing complains later. Why the result is lost, if it is."""
    lost = ""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # nobody reads on, which is no loss
    except OSError as error:
        lost = str(error)
    _leave()
    return lost


def _leave() -> None:
    """Streams that take nothing any more lead nowhere from now on."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
