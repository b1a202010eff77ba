"""The clock by which an answer's process measures its waits, set from outside.

A time-out of 15 seconds need not be waited for: while the provider keeps silent, the process's own time (event loop,
sleeps, waits, socket time-outs) runs faster. The database's time is real. Not here: the side that follows it (`launcher`).
"""

from __future__ import annotations

import mmap
import time
from pathlib import Path

from graders.execution.payment.launcher import CLOCK


class Clock:
    """One clock file of the shared folder."""

    def __init__(self, path: Path) -> None:
        real = time.monotonic()
        path.write_bytes(b"\0" * 8 + CLOCK.pack(real, real, 1.0) * 2)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._last = (real, real, 1.0)

    @property
    def now(self) -> float:
        """The time that it shows, in seconds."""
        shown, since, rate = self._last
        return shown + (time.monotonic() - since) * rate

    def run(self, rate: float) -> None:
        """Let it run that many times as fast as real time. Readers never see half a reading: there are two, in turn."""
        self._last = (self.now, time.monotonic(), rate)
        other = 1 - self._map[0]
        CLOCK.pack_into(self._map, 8 + CLOCK.size * other, *self._last)
        self._map[0] = other
