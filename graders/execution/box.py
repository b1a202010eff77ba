"""A box: a closed place in which an answer's code runs, with its own loopback and one shared folder.

Here: what every back end offers, and its limits. Not here: how a back end keeps the code in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

WORK = "/box"
"""Where the shared folder lies inside."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Caps for everything in a box. What oversteps one of the whole box's is killed with everything in it; the box stays."""

    memory_mb: int = 1024
    """Data of one process, in MiB."""
    tree_mb: int = 2048
    """Memory of all processes together, in MiB."""
    processes: int = 128
    """Processes and threads at once."""
    descriptors: int = 4096
    """Open files and sockets of all processes together."""
    cpu_seconds: int = 120
    """CPU time of one process."""
    file_mb: int = 128
    """Largest file, in MiB."""
    folder_mb: int = 512
    """Everything in the shared folder together, in MiB."""
    files: int = 20_000
    """Files and folders in the shared folder."""
    output_mb: int = 4
    """What is kept of a process's output, in MiB, at most 4; the rest is thrown away."""
    wall_seconds: float = 120.0
    """After this the box is gone, whatever runs in it."""
    database: bool = False
    """Whether processes may have System V shared memory, which PostgreSQL needs. Not for an answer's code."""


@dataclass(frozen=True)
class Mount:
    """A host folder or file that is readable inside, never writable."""

    source: Path
    target: str


class Box(Protocol):
    """A running box. Leaving its `with` block ends every process in it.

    Open and use it in one thread (or in threads that outlive it): the kernel ends a box with the thread that opened it.
    A back end without a file tree of its own spells `WORK` and the mounts' targets as the host does. `start` does so in `argv` and
    `env`; what else needs such a path gets it from there, from the working folder, or from `inside`.
    """

    level: str
    """What keeps the code in, for the grade: `bubblewrap`, `landlock`."""
    folder: Path
    """The shared folder on the host; inside it is `WORK`. Unix sockets in it join the two sides.

    The code can put links and pipes into it: read its files by `read`.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start a process with that environment and no other; see `output` for what it says. Raises BoxError."""

    def poll(self, name: str) -> int | None:
        """The exit code of a process (negative: the signal), None while it runs. Raises BoxError."""

    def wait(self, name: str, seconds: float) -> int | None:
        """The exit code of a process once it ends, None when it still runs after that time. Raises BoxError."""

    def kill(self, name: str, signal: int = 9) -> None:
        """Send a signal to a process and everything in its group. Raises BoxError."""

    def output(self, name: str) -> str:
        """What a process and its children have said so far, both streams in one, out of the code's reach. Raises BoxError.

        `WORK/<name>.log` is a copy that the code can change.
        """

    def read(self, path: str, most: int = 2**20) -> bytes:
        """The first bytes of a file of the shared folder, never through a link. Raises BoxError when there is no such file."""

    def forward(self, port: int, socket: str) -> None:
        """Join 127.0.0.1:port inside with a unix socket of the shared folder (a path below it). Raises BoxError."""

    def inside(self, path: str) -> str:
        """A path of the box (`WORK/…`, a mount's target) as its processes have to spell it."""


class BoxError(Exception):
    """The box could not do what was asked; the grades that need it are unscored with this text."""
