"""How messages are heard: on standard error, as loud as asked, and never in the middle of the line of progress."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from evals.messages import LOG
from evals.report import progress
from evals.report.safe import plain

LEVELS = {-1: logging.ERROR, 0: logging.INFO, 1: logging.DEBUG}
"""What is heard, by how loud the user asked: `-q`, neither, `-v`."""


class _Voice(logging.Handler):
    """Writes to whatever standard error is at that moment, after clearing the line of progress."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        progress.clear()
        text = record.getMessage()
        if record.levelno <= logging.DEBUG:
            text = f"{time.monotonic() - self._began:7.2f} s  {plain(text, 600)}"
        with suppress(BrokenPipeError):  # nobody listens; the result and the exit code still count
            sys.stderr.write(f"{text}\n")  # in one piece: whatever comes in between begins a line of its own
            sys.stderr.flush()


@contextmanager
def heard(verbosity: int) -> Iterator[None]:
    """Let messages be heard, as loud as asked (-1, 0 or 1), until the end of the block."""
    before = LOG.handlers, LOG.level, LOG.propagate
    LOG.handlers, LOG.propagate = [_Voice()], False
    LOG.setLevel(LEVELS[verbosity])
    try:
        yield
    finally:
        LOG.handlers, LOG.propagate = before[0], before[2]
        LOG.setLevel(before[1])
