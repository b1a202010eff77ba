"""A box: a closed place in which an answer's code runs, with its own loopback and one shared folder.

Here: what every back end offers, and its limits. Not here: how a back end keeps the code in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

WORK = "/work"
"""Where the shared folder lies inside."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Caps for everything in a box."""

    memory_mb: int = 1024
    """Data of one process, in MiB."""
    processes: int = 128
    """Processes and threads at once."""
    cpu_seconds: int = 120
    """CPU time of one process."""
    file_mb: int = 128
    """Largest file, in MiB."""
    wall_seconds: float = 120.0
    """After this the box is gone, whatever runs in it."""


@dataclass(frozen=True)
class Mount:
    """A host folder or file that is readable inside, never writable."""

    source: Path
    target: str


class Box(Protocol):
    """A running box. Leaving its `with` block ends every process in it."""

    level: str
    """What keeps the code in, for the grade: `bubblewrap`, `landlock`."""
    folder: Path
    """The shared folder on the host; inside it is `WORK`. Unix sockets in it join the two sides."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start a process with that environment and no other; its output goes to `WORK/<name>.log`. Raises BoxError."""

    def poll(self, name: str) -> int | None:
        """The exit code of a process (negative: the signal), None while it runs. Raises BoxError."""

    def kill(self, name: str, signal: int = 9) -> None:
        """Send a signal to a process and everything in its group. Raises BoxError."""

    def forward(self, port: int, socket: str) -> None:
        """Join 127.0.0.1:port inside with a unix socket of the shared folder (a path below it). Raises BoxError."""


class BoxError(Exception):
    """The box could not do what was asked; the grades that need it are unscored with this text."""
