"""Progress on a terminal: one line that is rewritten. Silent everywhere else."""

from __future__ import annotations

import os
from typing import TextIO

WIDTH = 24


class Bar:
    """Shows how far each kind of work is. Writes nothing unless the stream is a terminal outside CI."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._on = stream.isatty() and "CI" not in os.environ
        self._last = ""

    def show(self, what: str, done: int, total: int) -> None:
        if not self._on or not total:
            return
        filled = WIDTH * done // total
        line = f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total} {what}"
        if line != self._last:
            self._stream.write(f"\r{line.ljust(len(self._last))}")
            self._stream.flush()
            self._last = line

    def close(self) -> None:
        if self._last:
            self._stream.write("\r" + " " * len(self._last) + "\r")
            self._stream.flush()
