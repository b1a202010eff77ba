"""Runs in the box: keeps the contract's packages loaded, and forks a process for each start of the answer.

Standard library only. A start then takes the time of the answer's own code, not that of importing its framework.
Orders come as JSON lines over a unix socket of the shared folder, one reply for each. Not here: what is started when.
"""

from __future__ import annotations

import contextlib
import gc
import json
import mmap
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from typing import Any

CLOCK = struct.Struct("@ddd")
"""Time shown, real time at which that was, and how fast it runs."""
SLICE = 0.02
"""Longest sleep under a set clock, in seconds: after that its speed is read again."""

_monotonic = time.monotonic
_clock: mmap.mmap | None = None


def now() -> float:
    """`time.monotonic` by the clock that the driver sets; by the real one when there is none."""
    real = _monotonic()
    if _clock is None:
        return real
    shown, since, _ = reading(_clock)
    return shown + (real - since) * speed()


def reading(clock: mmap.mmap) -> tuple[float, float, float]:
    """The valid one of the clock's two readings; its first byte says which."""
    shown, since, rate = CLOCK.unpack_from(clock, 8 + CLOCK.size * clock[0])
    return shown, since, rate


def speed() -> float:
    return 1.0 if _clock is None else reading(_clock)[2]


def follow(path: str) -> None:
    """From now on, let time run as the clock in that file says: event loops, sleeps, waits and socket time-outs."""
    global _clock  # noqa: PLW0603 - a process has one clock
    descriptor = os.open(path, os.O_RDONLY)
    _clock = mmap.mmap(descriptor, 8 + 2 * CLOCK.size, prot=mmap.PROT_READ)
    os.close(descriptor)
    time.sleep = sleep
    selectors.EpollSelector.select = select  # type: ignore[method-assign]
    threading.Condition.wait = wait  # type: ignore[method-assign]
    socket.socket.settimeout = settimeout  # type: ignore[method-assign]


_sleep = time.sleep
_select = selectors.EpollSelector.select
_wait = threading.Condition.wait
_settimeout = socket.socket.settimeout


def sleep(seconds: Any) -> None:
    """`time.sleep`, in slices."""
    until = now() + float(seconds)
    while (left := until - now()) > 0:
        _sleep(min(left / speed(), SLICE))


def select(self: Any, timeout: float | None = None) -> Any:
    """`EpollSelector.select`; an event loop that is woken too early waits again."""
    if timeout is not None and timeout > 0:
        timeout = min(timeout / speed(), SLICE)
    return _select(self, timeout)


def wait(self: Any, timeout: float | None = None) -> bool:
    """`threading.Condition.wait`, in slices."""
    if timeout is None:
        return _wait(self)
    until = now() + timeout
    while (left := until - now()) > 0:
        if _wait(self, min(left / speed(), SLICE)):
            return True
    return _wait(self, 0)


def settimeout(self: Any, seconds: float | None) -> None:
    """`socket.settimeout`, by the speed at which time runs just then."""
    _settimeout(self, seconds / speed() if seconds else seconds)


class Launcher:
    """What was started, by name."""

    def __init__(self) -> None:
        self.pids: dict[str, int] = {}
        self.ended: dict[int, int] = {}

    def obey(self, order: dict[str, Any], *inherited: socket.socket) -> Any:
        """Carry out one order; its result."""
        if order["do"] == "start":
            return self.start(order, inherited)
        pid = self.pids[order["name"]]
        if order["do"] == "kill" and self.poll(pid) is None:
            for end in (os.killpg, os.kill):  # one so young that it has no group yet has no children either
                with contextlib.suppress(ProcessLookupError):
                    end(pid, signal.SIGKILL)
        return self.poll(pid)

    def poll(self, pid: int) -> int | None:
        with contextlib.suppress(ChildProcessError):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self.ended[pid] = os.waitstatus_to_exitcode(status)
        return self.ended.get(pid)

    def start(self, order: dict[str, Any], inherited: Iterable[socket.socket]) -> None:
        pid = os.fork()
        if pid:
            self.pids[order["name"]] = pid
            return
        code = 1
        try:
            os.setsid()
            for each in inherited:
                each.close()
            code = run(order)
        except BaseException:  # noqa: BLE001 - told by the log, as a crash at start is
            traceback.print_exc()
        finally:
            os._exit(code)


def run(order: dict[str, Any]) -> int:
    """In the child: become the answer's process; its exit code."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["folder"])
    sys.path.insert(0, order["folder"])
    sys.argv = order["argv"]
    follow(order["clock"])
    try:
        serve(order["socket"]) if order["socket"] else runpy.run_path("jobs.py", run_name="__main__")
        code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else int(leave.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does for a main program
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    sys.stdout.flush()
    return code


def serve(path: str) -> None:
    """`uvicorn app:app`, on a unix socket."""
    import uvicorn

    uvicorn.run("app:app", uds=path)


def main() -> None:
    """Load packages, then obey until the box ends."""
    time.monotonic = now
    for name in sys.argv[2:]:
        with contextlib.suppress(ImportError):
            __import__(name)
    gc.freeze()
    server = socket.socket(socket.AF_UNIX)
    server.bind(sys.argv[1])
    server.listen()
    launcher = Launcher()
    while True:
        connection, _ = server.accept()
        with connection, connection.makefile("rw") as lines:
            for line in lines:
                lines.write(json.dumps(launcher.obey(json.loads(line), server, connection)) + "\n")
                lines.flush()


if __name__ == "__main__":
    main()
