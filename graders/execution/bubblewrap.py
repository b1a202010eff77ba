"""Boxes by bubblewrap: namespaces for files, network, processes and users.

Here: the command line. Not here: whether it works on this machine (`sandbox`), the talk with the box (`control`).
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from graders.execution import runtimes
from graders.execution.box import WORK, BoxError, Limits, Mount
from graders.execution.control import INSIDE, STEWARD, ControlledBox, give, settings

SYSTEM = ("bin", "lib", "lib32", "lib64", "sbin")
"""Links into /usr on a merged system."""
CODE = "/steward"
"""Where the steward's code lies inside."""
MIB = 1024 * 1024
USERS = range(60706, 61184)
"""User ids that no system gives to anybody (systemd's table of them calls them unused)."""
USUAL_USER = 1000
_turns = itertools.count(os.getpid())


class BubblewrapBox(ControlledBox):
    """See `Box`.

    For an ordinary user the box is in a user namespace. Root needs none, and must not: the kernel counts no processes of root. The
    box then starts as root with two capabilities left, and its first act is to become a user that owns nothing else.
    """

    level = "bubblewrap"

    def __init__(self, folder: Path, mounts: Sequence[Mount], limits: Limits) -> None:
        super().__init__(folder, limits)
        self._mounts = tuple(mounts)
        self._user = USERS[next(_turns) % len(USERS)] if os.geteuid() == 0 else USUAL_USER

    def launch(self, control: socket.socket) -> subprocess.Popen[bytes]:
        program = shutil.which("bwrap")
        if program is None:
            raise BoxError("bubblewrap is not installed")
        if os.geteuid() == 0:
            give(self.folder, self._user)
        users, passwords = os.pipe()
        try:
            os.write(passwords, f"answer:x:{self._user}:{self._user}:answer:{WORK}:/bin/false\n".encode())
            os.close(passwords)
            return subprocess.Popen(
                [program, *self._arguments(users)], stdin=control.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                env={"PATH": "/usr/bin:/bin"}, pass_fds=(users,),
            )  # fmt: skip
        finally:
            os.close(users)

    def settings(self) -> dict[str, str]:
        return settings(self._limits, namespace=True, user=str(self._user) if os.geteuid() == 0 else "")

    def _arguments(self, users: int) -> list[str]:
        if os.geteuid() == 0:
            kinds = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
                     "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]  # fmt: skip
        else:
            user = str(self._user)
            kinds = ["--unshare-all", "--unshare-user", "--uid", user, "--gid", user, "--disable-userns", "--cap-drop", "ALL"]  # fmt: skip
        python, mounts, env = _own(self._mounts)
        return [
            *kinds, "--as-pid-1", "--die-with-parent", "--new-session", "--clearenv", *env, "--hostname", "box", *_system(),
            *_folders("/etc/passwd"), "--perms", "0644", "--ro-bind-data", str(users), "/etc/passwd",
            *_bound(Path(__file__).with_name("hosts"), "/etc/hosts"), *_bound(INSIDE, f"{CODE}/graders/execution/inside"), *mounts,
            "--bind", str(self.folder), WORK, "--remount-ro", "/dev", "--remount-ro", "/", "--", python, *STEWARD, CODE,
        ]  # fmt: skip


def _system() -> list[str]:
    """Programs and libraries of the host, devices, and folders in memory with a size each."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in SYSTEM:
        if Path("/", name).is_symlink():
            arguments += ["--symlink", f"usr/{name}", f"/{name}"]
        elif Path("/", name).is_dir():
            arguments += ["--ro-bind", f"/{name}", f"/{name}"]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for size, place in ((16, "/dev/shm"), (64, "/tmp")):  # noqa: S108 - inside
        arguments += ["--perms", "1777", "--size", str(size * MIB), "--tmpfs", place]
    return arguments


def _own(mounts: Sequence[Mount]) -> tuple[str, list[str], list[str]]:
    """The steward's Python, what has to be mounted, its environment."""
    program, needed, env = runtimes.bare_python()
    wanted = [*mounts, *(mount for mount in needed if mount not in mounts)]
    bound = [word for mount in wanted for word in _bound(mount.source, mount.target)]
    return program, bound, [word for pair in env.items() for word in ("--setenv", *pair)]


def _bound(source: Path, target: str) -> list[str]:
    return [*_folders(target), "--ro-bind", str(source), target]


def _folders(target: str) -> list[str]:
    """The folders above a path, open to all: those that bubblewrap makes by itself are not."""
    above = reversed(PurePosixPath(target).parents[:-1])
    return [word for folder in above for word in ("--perms", "0755", "--dir", str(folder))]
