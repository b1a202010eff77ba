"""Running a command and measuring it: wall time, CPU, memory, and what others did on the machine meanwhile."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one finished process and all that it started and waited for took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system."""
    memory: float
    """Megabytes (10^6 bytes) at the peak, of the largest process."""
    others: float
    """Cores that everyone else kept busy meanwhile, the mock server included."""


class Failed(Exception):
    """A measured command did not end as it must; its message shows the end of what it printed."""


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, log: Path, codes: Sequence[int] = (0,)
) -> Cost:
    """Run to the end in a folder, with the output in `log`. Raises Failed for an exit code that is not among `codes`."""
    busy = _busy()
    with log.open("wb") as output:
        begun = time.monotonic()
        child = subprocess.Popen(
            list(command), cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in codes:
        tail = log.read_bytes()[-2000:].decode(errors="replace")
        raise Failed(f"{' '.join(command)} ended with {child.returncode}:\n{tail}")
    cpu = used.ru_utime + used.ru_stime
    memory = used.ru_maxrss * 1024 / 1e6
    return Cost(wall=wall, cpu=cpu, memory=memory, others=max(0.0, (_busy() - busy - cpu) / wall))


def _busy() -> float:
    """Seconds of CPU that the whole machine has used so far; 0 where the kernel does not say."""
    try:
        with Path("/proc/stat").open(encoding="ascii") as file:
            ticks = [int(field) for field in file.readline().split()[1:9]]
    except OSError:
        return 0.0
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def bytes_below(*folders: Path) -> int:
    """Sizes of all files below the folders, in bytes."""
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
