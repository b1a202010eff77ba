"""A terminal for tests: a command's own pseudo-terminal, of any size."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

REPOSITORY = Path(__file__).parent.parent
SECONDS = 60.0


class Terminal:
    """A command on a terminal of its own. Leaving the block ends it."""

    def __init__(self, argv: Sequence[str], folder: Path, *, columns: int = 80, env: Mapping[str, str] | None = None):
        usual = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "CI", "NO_COLOR")}
        everything = {**usual, "TERM": "xterm", "PYTHONPATH": str(REPOSITORY), **(env or {})}
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(argv[0], list(argv), everything)  # noqa: S606 - the command under test, without a shell
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._raw = b""

    @property
    def shown(self) -> str:
        """Everything that was written so far."""
        return self._raw.decode("utf-8", "replace").replace("\r\n", "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
        if self._code is None:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)

    _code: int | None = None

    def type(self, text: str) -> None:
        os.write(self._file, text.encode())

    def wait_for(self, words: str) -> None:
        """Read until the words are shown. Raises AssertionError when they never are."""
        until = time.monotonic() + SECONDS
        while words not in self.shown:
            assert self._read(until), f"never shown: {words!r}; shown: {self.shown[-2000:]!r}"

    def end(self) -> int:
        """Read to the end; the exit code."""
        until = time.monotonic() + SECONDS
        while self._read(until):
            pass
        _, status = os.waitpid(self.pid, 0)
        self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def _read(self, until: float) -> bool:
        """Whether more came, before the time is up or the command ends."""
        if not select.select([self._file], [], [], max(0.0, until - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._file, 65536)
        except OSError:
            return False
        self._raw += data
        return bool(data)
