"""The lines of a grades' file while they come in: sorted as the file is, and in memory only as far as they are few.

Lines of one criterion come in the order of the repeats, criteria of one answer after the other. So each criterion has a
run of lines of its own, and the runs, one behind the other, are the file. Here: those runs. Not here: the form of a line.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from evals.scorecard import GradeLine
from evals.scorecard_file import grade_text

ROOM = 1_000_000
"""Characters of lines that are held before they go to a file."""

Run = tuple[str, str]
"""Case and criterion."""


class GradeSpool:
    """Takes the lines of one scorecard. The file behind it has no name, so it goes with the process."""

    def __init__(self, folder: Path, room: int = ROOM) -> None:
        """`folder`: where the file is made once it is needed."""
        self._folder = folder
        self._room = room
        self._held: dict[Run, list[str]] = {}
        self._size = 0
        self._last: dict[Run, int] = {}
        self._parts: dict[Run, list[tuple[int, int]]] = {}
        self._file: IO[bytes] | None = None

    def add(self, lines: Iterable[GradeLine]) -> None:
        """Take the lines of one answer. Raises ValueError for an answer out of order."""
        for line in sorted(lines, key=lambda each: (each.grade.kind, each.grade.grader)):
            run = line.case, line.grade.criterion
            if line.repeat < self._last.get(run, 0):
                message = f"answer {line.repeat} to {line.case} comes after answer {self._last[run]}"
                raise ValueError(message)
            self._last[run] = line.repeat
            text = grade_text(line)
            self._held.setdefault(run, []).append(text)
            self._size += len(text)
        if self._size > self._room:
            self._spill()

    def _spill(self) -> None:
        """Append what is held to the file, run by run."""
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - open until `close`
        for run, texts in self._held.items():
            data = "".join(texts).encode("utf-8", "surrogatepass")
            self._parts.setdefault(run, []).append((self._file.tell(), len(data)))
            self._file.write(data)
        self._held.clear()
        self._size = 0

    def parts(self) -> Iterator[str]:
        """The text of the grades' file, in parts. Nothing may be added meanwhile."""
        for run in sorted({*self._parts, *self._held}):
            for start, length in self._parts.get(run, ()):
                assert self._file is not None
                self._file.seek(start)
                yield self._file.read(length).decode("utf-8", "surrogatepass")
            yield from self._held.get(run, ())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
