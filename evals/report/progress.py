"""Progress of long work: how far, how fast, what it has cost, and how long it may take.

On a terminal one line that is rewritten; in CI or a pipe a plain line every half minute, so that short work says nothing.
Here: the line. Not here: the work, or where spending is counted.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, TextIO

WIDTH = 24
EVERY = 30.0
"""Seconds between two plain lines."""
REDRAW = 0.1
"""Seconds between two drawings of the line."""
RECENT = 60.0
"""Seconds that the rate is taken over: what memory answered at once says little of what is still to be asked."""

Spend = Callable[[], "float | None"]
"""US dollars spent so far by this command; None where nothing is known or nothing is paid."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one kind of work is."""

    what: str
    done: int
    total: int
    rate: float | None = None
    """Pieces a second of late; None while too little is known."""
    spent: float | None = None
    """US dollars; None where nothing is paid or the price is not known."""

    @property
    def seconds_left(self) -> float | None:
        return (self.total - self.done) / self.rate if self.rate else None

    @property
    def facts(self) -> str:
        """
        >>> Progress(what="answers", done=30, total=120, rate=0.5, spent=1.5).facts
        '30/120 answers, 0.5/s, 1.50 USD, 3:00 left'
        """
        parts = [f"{self.done}/{self.total} {self.what}"]
        if self.rate is not None:
            parts.append(f"{self.rate:.1f}/s" if self.rate >= 0.1 else f"{60 * self.rate:.1f}/min")
        if self.spent is not None:
            parts.append(f"{self.spent:,.2f} USD")
        if self.seconds_left is not None and self.done < self.total:
            parts.append(f"{clock(self.seconds_left)} left")
        return ", ".join(parts)

    def line(self, columns: int) -> str:
        """One line that is no wider than the terminal; the bar is left out where there is no room for it.

        >>> Progress(what="answers", done=1, total=2).line(80)
        '[############............] 1/2 answers'
        >>> Progress(what="answers", done=1, total=2).line(12)
        '1/2 answers'
        """
        filled = WIDTH * self.done // self.total
        bar = f"[{'#' * filled}{'.' * (WIDTH - filled)}] "
        text = self.facts
        return (bar + text if len(bar) + len(text) < columns else text)[: columns - 1]


def clock(seconds: float) -> str:
    """
    >>> clock(75), clock(3700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Bar:
    """Shows how far each kind of work is, on a stream. `spent` is asked whenever a line is made."""

    def __init__(
        self,
        stream: TextIO,
        *,
        on: bool = True,
        spent: Spend = lambda: None,
        now: Callable[[], float] = time.monotonic,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._stream, self._on, self._spent, self._now = stream, on, spent, now
        self._drawn = stream.isatty() and "CI" not in environment and environment.get("TERM") != "dumb"
        self._last = ""
        self._told = now()
        self._what = ""
        self._marks: deque[tuple[float, int]] = deque()

    def show(self, what: str, done: int, total: int) -> None:
        """So much of so much is done. Cheap: called for each piece, it draws only now and then."""
        if not self._on or not total:
            return
        rate = self._rate(what, done)
        ended = done >= total
        if self._now() - self._told < (REDRAW if self._drawn else EVERY) and not (ended and self._drawn):
            return
        self._told = self._now()
        progress = Progress(what=what, done=done, total=total, rate=rate, spent=self._spent())
        if self._drawn:
            self._draw(progress.line(shutil.get_terminal_size().columns))
        else:
            print(progress.facts, file=self._stream, flush=True)

    def clear(self) -> None:
        """Take the line away, so that something else can be said in its place."""
        if self._last:
            self._stream.write("\r" + " " * len(self._last) + "\r")
            self._stream.flush()
            self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def _draw(self, line: str) -> None:
        global _shown  # one terminal has one line of progress, and messages must clear it
        if line != self._last:
            self._stream.write(f"\r{line.ljust(len(self._last))}")
            self._stream.flush()
            self._last, _shown = line, self

    def _rate(self, what: str, done: int) -> float | None:
        """Pieces a second over the last minute of this kind of work."""
        now = self._now()
        if what != self._what:
            self._what = what
            self._marks.clear()
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[0][0] > RECENT:
            self._marks.popleft()
        began, before = self._marks[0]
        return (done - before) / (now - began) if now - began >= 1 and done > before else None


_shown: Bar | None = None


def clear() -> None:
    """Take away the line of progress that is shown at the moment, if there is one."""
    if _shown:
        _shown.clear()
