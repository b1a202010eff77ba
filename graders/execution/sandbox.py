"""Which kind of box this machine can offer, found out by trying it.

Here: the order of back ends, the trial, `open_box`. Not here: how any of them keeps code in.
"""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from graders.execution import runtimes
from graders.execution.box import Box, BoxError, Limits, Mount
from graders.execution.inside.syscalls import MACHINES
from graders.execution.scratch import scratch

CHOICE = "EVALS_SANDBOX"
"""Variable that names the one back end to use."""
TRIAL = """
import os, socket
server = socket.create_server(("127.0.0.1", 8080))
client = socket.create_connection(("127.0.0.1", 8080))
server.accept()[0].sendall(b"x")
assert client.recv(1) == b"x", "no loopback"
assert set(os.environ) <= {"OUTSIDE", "OPEN_PORT", "TMPDIR", "LD_LIBRARY_PATH", "LC_CTYPE"}, "the environment is seen"
for path in (os.environ["OUTSIDE"], "/etc/shadow", "/etc/gshadow"):
    try:
        open(path).close()
    except OSError:
        pass
    else:
        raise AssertionError(path + " can be read")
try:
    socket.create_connection(("127.0.0.1", int(os.environ["OPEN_PORT"])))
except OSError:
    pass
else:
    raise AssertionError("the host's loopback is reached")
open("done", "w").close()
"""
"""What has to work in a box, and what must not."""


def _bubblewrap(folder: Path, mounts: Sequence[Mount], limits: Limits) -> Box:
    from graders.execution.bubblewrap import BubblewrapBox

    return BubblewrapBox(folder, mounts, limits)


def _landlock(folder: Path, mounts: Sequence[Mount], limits: Limits) -> Box:
    from graders.execution.landlock import LandlockBox

    return LandlockBox(folder, mounts, limits)


BACK_ENDS: Mapping[str, Callable[[Path, Sequence[Mount], Limits], Box]] = {
    "bubblewrap": _bubblewrap,
    "landlock": _landlock,
}
"""From the strongest to the weakest."""


def open_box(folder: Path, mounts: Sequence[Mount] = (), limits: Limits | None = None) -> Box:
    """A box of the best back end there is. Raises BoxError, with the reason, when there is none."""
    return BACK_ENDS[level()](folder, mounts, limits or Limits())


def level() -> str:
    """The back end that `open_box` uses: the one that EVALS_SANDBOX names, else the first that works. Raises BoxError."""
    chosen = os.environ.get(CHOICE)
    if chosen and chosen not in BACK_ENDS:
        raise BoxError(f"{CHOICE}={chosen} names no back end; there are {', '.join(BACK_ENDS)}")
    reasons = []
    for name in (chosen,) if chosen else BACK_ENDS:
        reason = trouble(name)
        if not reason:
            return name
        reasons.append(f"{name}: {reason}")
    raise BoxError(f"no sandbox on this machine ({'; '.join(reasons)}); docs/execution.md says what each one needs")


@functools.cache
def trouble(name: str) -> str:
    """Why a back end does not work here; empty when it does. Tried once in each process."""
    if sys.platform != "linux":
        return f"needs Linux, this is {platform.system()}"
    if platform.machine() not in MACHINES:
        return f"knows {' and '.join(MACHINES)}, this is {platform.machine()}"
    try:
        _try(name)
    except BoxError as error:
        return str(error)
    return ""


def _try(name: str) -> None:
    """Raises BoxError."""
    import socket

    with scratch() as place, socket.create_server(("127.0.0.1", 0)) as server:
        folder, outside = place / "box", place / "outside"
        folder.mkdir()
        outside.write_text("secret", encoding="utf-8")
        (folder / "trial.py").write_text(TRIAL, encoding="utf-8")
        env = {"OUTSIDE": str(outside), "OPEN_PORT": str(server.getsockname()[1])}
        program, mounts, own = runtimes.bare_python()
        with BACK_ENDS[name](folder, mounts, Limits()) as box:
            box.start("trial", [program, "-I", "-S", "trial.py"], {**own, **env})
            if box.wait("trial", 20) != 0:
                raise BoxError(f"a trial failed: {box.output('trial').strip()[-300:]}")
