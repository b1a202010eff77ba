"""Boxes by Landlock, a filter of system calls and a steward that adopts orphans: for machines without user namespaces.

Here: the steward's start on the host, and how paths are spelled there. Not here: the confinement (`inside.confine`,
`inside.seccomp`, `inside.broker`), whether it works on this machine (`sandbox`).
"""

from __future__ import annotations

import itertools
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from graders.execution.box import WORK, BoxError, Limits, Mount
from graders.execution.control import STEWARD, ControlledBox, give, settings
from graders.execution.inside import kernel

PROJECT = Path(__file__).parents[2]
NOBODY = "nobody"
"""As whom the code runs when the harness runs as root."""


class LandlockBox(ControlledBox):
    """See `Box`. All processes see the host's file tree, and of it may touch the shared folder, the mounts, and the system's programs."""

    level = "landlock"

    def __init__(self, folder: Path, mounts: Sequence[Mount], limits: Limits) -> None:
        super().__init__(folder, limits)
        self._places = {WORK: str(folder.resolve()), **{mount.target: str(mount.source.resolve()) for mount in mounts}}
        self._user = pwd.getpwnam(NOBODY).pw_uid if os.geteuid() == 0 else None

    def launch(self, control: socket.socket) -> subprocess.Popen[bytes]:
        if (version := kernel.landlock_abi()) < kernel.LANDLOCK_ABI:
            raise BoxError(
                f"needs version {kernel.LANDLOCK_ABI} of Landlock (Linux 6.12), this kernel has {version or 'none'}"
            )
        if self._user is not None:
            give(self.folder, self._user)
            for place in self._places.values():
                _reachable(Path(place))
        own = getattr(sys, "_base_executable", sys.executable)
        return subprocess.Popen(
            [own, *STEWARD, str(PROJECT)], stdin=control.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", env={},
            start_new_session=True,
        )  # fmt: skip

    def settings(self) -> dict[str, str]:
        work, *readable = self._places.values()
        if self._limits.database:
            readable.append("/etc/passwd")  # PostgreSQL asks for the name of its user
        user = os.geteuid() if self._user is None else self._user
        return settings(
            self._limits, work=work, namespace=False, user="" if self._user is None else str(user), readable=readable, others=_tasks(user)
        )  # fmt: skip

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        super().start(name, argv, {"TMPDIR": WORK, **(env or {})})

    def inside(self, path: str) -> str:
        for target, place in self._places.items():
            path = _respelled(path, target, place)
        return path


def _respelled(text: str, target: str, place: str) -> str:
    """A text in which each path that is `target`, or lies below it, is spelled as the host does."""
    parts = text.split(target)
    spelled = parts[0]
    for before, after in itertools.pairwise(parts):
        begins = not before or not (before[-1].isalnum() or before[-1] in "._-/~")
        ends = not after or not (after[0].isalnum() or after[0] in "._-")
        spelled += (place if begins and ends else target) + after
    return spelled


def _tasks(user: int) -> int:
    """How many processes and threads a user has."""
    count = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == user:
                    count += len(os.listdir(entry / "task"))  # noqa: PTH208 - the names alone
            except OSError:
                continue
    return count


def _reachable(path: Path) -> None:
    """Raises BoxError when somebody who owns nothing cannot get there."""
    for folder in path.parents:
        if not folder.stat().st_mode & 0o001:
            raise BoxError(
                f"{folder} lets no other user through, which the landlock back end needs when it runs as root"
            )
