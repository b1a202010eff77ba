"""Boxes by bubblewrap: namespaces for files, network, processes and users.

Here: the command line and the pipe to the steward. Not here: whether it works on this machine (`sandbox`).
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from graders.execution.box import WORK, BoxError, Limits, Mount

STEWARD = Path(__file__).with_name("steward.py")
SYSTEM = ("bin", "lib", "lib64", "sbin")
"""Links into /usr on a merged system."""


class BubblewrapBox:
    """See `Box`."""

    level = "bubblewrap"

    def __init__(self, folder: Path, mounts: Sequence[Mount], limits: Limits, python: str = "/usr/bin/python3") -> None:
        self.folder = folder
        self._command = [*_command(folder, mounts), "--", python, "/steward.py", json.dumps(_caps(limits))]
        self._limits = limits
        self._process: subprocess.Popen[str] | None = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
        )
        self._timer = threading.Timer(self._limits.wall_seconds, self._process.kill)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None and self._timer is not None  # noqa: PT018 - set together
        self._timer.cancel()
        self._process.kill()
        self._process.communicate()

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self._order(do="start", name=name, argv=list(argv), env=dict(env or {}))

    def poll(self, name: str) -> int | None:
        result: int | None = self._order(do="poll", name=name)
        return result

    def kill(self, name: str, signal: int = 9) -> None:
        self._order(do="kill", name=name, number=signal)

    def forward(self, port: int, socket: str) -> None:
        self._order(do="forward", port=port, socket=f"{WORK}/{socket}")

    def _order(self, **order: Any) -> Any:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise BoxError("the box ended")
        reply = json.loads(line)
        if "error" in reply:
            raise BoxError(str(reply["error"]))
        return reply["result"]


def _caps(limits: Limits) -> dict[str, int]:
    """Limits by their names in the `resource` module. Data, not address space: Node's WASM reserves terabytes."""
    mib = 1024 * 1024
    return {
        "RLIMIT_DATA": limits.memory_mb * mib,
        "RLIMIT_NPROC": limits.processes,
        "RLIMIT_CPU": limits.cpu_seconds,
        "RLIMIT_FSIZE": limits.file_mb * mib,
        "RLIMIT_CORE": 0,
    }


def _command(folder: Path, mounts: Sequence[Mount]) -> list[str]:
    command = [
        "bwrap", "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--disable-userns", "--die-with-parent",
        "--new-session", "--clearenv", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr",
    ]  # fmt: skip
    for name in SYSTEM:
        if Path("/", name).is_symlink():
            command += ["--symlink", f"usr/{name}", f"/{name}"]
        elif Path("/", name).is_dir():
            command += ["--ro-bind", f"/{name}", f"/{name}"]
    command += ["--proc", "/proc", "--dev", "/dev", "--size", str(16 * 1024 * 1024), "--tmpfs", "/dev/shm"]  # noqa: S108 - inside
    command += ["--size", str(64 * 1024 * 1024), "--tmpfs", "/tmp", "--ro-bind", str(STEWARD), "/steward.py"]  # noqa: S108
    command += ["--ro-bind", str(Path(__file__).with_name("passwd")), "/etc/passwd"]
    for mount in mounts:
        command += ["--ro-bind", str(mount.source), mount.target]
    return [*command, "--bind", str(folder), WORK, "--chdir", WORK, "--remount-ro", "/"]
