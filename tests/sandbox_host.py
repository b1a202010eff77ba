"""Something outside of a box to get at, and the box's code that tries: shared by the tests of the sandbox."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from graders.execution import runtimes
from graders.execution.box import Box, BoxError, Limits
from graders.execution.sandbox import BACK_ENDS, level, trouble

PROBES = Path(__file__).with_name("data") / "probes.py"
REQUIRED = "EVALS_REQUIRE_SANDBOX"
"""Variable that turns a skip into a failure: `1`, or the names of the back ends that have to be there."""
SECONDS = 30.0


@dataclass(kw_only=True)
class Host:
    """What a probe is told of, and what the harness sees afterwards."""

    outside: Path
    env: Mapping[str, str]
    victim: subprocess.Popen[bytes]
    datagrams: Sequence[socket.socket]
    sockets: Sequence[socket.socket] = field(default=())

    def untouched(self) -> bool:
        """Whether everything outside is as it was."""
        arrived = [received for sock in self.datagrams if (received := _received(sock))]
        names = sorted(path.name for path in self.outside.iterdir())
        secret = self.outside / "secret"
        return (
            not arrived
            and names == ["datagram.sock", "secret", "stream.sock"]
            and (secret.read_bytes(), secret.stat().st_mode & 0o777) == (b"secret", 0o644)
            and self.victim.poll() is None
            and os.getpriority(os.PRIO_PROCESS, self.victim.pid) == os.getpriority(os.PRIO_PROCESS, 0)
        )


def user() -> int | None:
    """As whom other processes of the code's user run when the tests run as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


@contextmanager
def host(place: Path) -> Iterator[Host]:
    outside = place / "outside"
    outside.mkdir()
    outside.chmod(0o777)
    (outside / "secret").write_bytes(b"secret")
    (outside / "secret").chmod(0o644)
    abstract = f"evals-{os.getpid()}-{place.name}"
    with ExitStack() as stack:

        def listening(family: int, kind: int, address: object) -> socket.socket:
            sock = stack.enter_context(socket.socket(family, kind))
            sock.bind(address)  # type: ignore[arg-type]  # as the family has it
            if kind == socket.SOCK_STREAM:
                sock.listen(64)
            sock.setblocking(False)
            return sock

        stream = listening(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
        port = stream.getsockname()[1]
        udp = listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", port))
        unix = listening(socket.AF_UNIX, socket.SOCK_STREAM, str(outside / "stream.sock"))
        datagram = listening(socket.AF_UNIX, socket.SOCK_DGRAM, str(outside / "datagram.sock"))
        hidden = listening(socket.AF_UNIX, socket.SOCK_STREAM, f"\0{abstract}")
        for name in ("stream.sock", "datagram.sock"):
            (outside / name).chmod(0o777)
        victim = subprocess.Popen(["/bin/sleep", "600"], user=user(), env={"TOKEN": "secret"}, start_new_session=True)
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        if (owner := user()) is not None:
            os.chown(outside / "secret", owner, owner)
        env = {"OUTSIDE": outside, "ABSTRACT": abstract, "PORT": port, "VICTIM": victim.pid, "HARNESS": os.getpid()}
        yield Host(
            outside=outside, env={name: str(value) for name, value in env.items()}, victim=victim, datagrams=(udp, datagram),
            sockets=(stream, unix, hidden),
        )  # fmt: skip


def needs(back_end: str) -> None:
    """Skip, or fail where sandboxes are required, when this machine cannot offer a back end."""
    if reason := trouble(back_end):
        if {"1", back_end} & set(os.environ.get(REQUIRED, "").split(",")):
            pytest.fail(f"{back_end}: {reason}")
        pytest.skip(f"{back_end}: {reason}")


def needs_runtimes(*names: str) -> None:
    """Skip, or fail where sandboxes are required, when there is no box or a runtime has not been made."""
    try:
        level()
        for name in names:
            getattr(runtimes, name)()
    except BoxError as error:
        if os.environ.get(REQUIRED):
            pytest.fail(str(error))
        pytest.skip(str(error))


def box_of(back_end: str, folder: Path, limits: Limits | None = None) -> Box:
    """A box with a bare Python in it, and the probes in its folder."""
    folder.mkdir()
    shutil.copy(PROBES, folder / "probes.py")
    return BACK_ENDS[back_end](folder, runtimes.bare_python()[1], limits or Limits())


def run(box: Box, name: str, code: str, env: Mapping[str, str] | None = None) -> None:
    """Start some Python in a box."""
    program, _, own = runtimes.bare_python()
    box.start(name, [program, "-I", "-S", "-c", code], {**own, **(env or {})})


def probe(box: Box, name: str, env: Mapping[str, str]) -> str:
    """What a probe says at its end."""
    program, _, own = runtimes.bare_python()
    box.start(name, [program, "-I", "-S", "probes.py", name], {**own, **env})
    assert box.wait(name, SECONDS) is not None, f"{name} did not end: {box.output(name)}"
    return box.output(name).strip()


def alive(mark: str) -> list[int]:
    """Processes of this machine that carry a word in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def gone(mark: str, seconds: float = 10.0) -> bool:
    """Whether all processes with that word end within a time; they are killed if not."""
    end = time.monotonic() + seconds
    while left := alive(mark):
        if time.monotonic() > end:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return False
        time.sleep(0.01)
    return True


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(16)
    except BlockingIOError:
        return b""
