"""The outer side of every box: starts the steward by a back end's command, and passes orders to it.

Here: the talk with the steward, its settings, the shared folder. Not here: any back end's command line.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from graders.execution.box import WORK, BoxError, Limits
from graders.execution.inside import seccomp, wire, within
from graders.execution.inside.syscalls import MACHINES, NUMBERS

PATIENCE = 20.0
"""Seconds in which a steward has to answer."""
STEWARD = ("-I", "-S", "-B", "-c", "import sys; sys.path[:0] = sys.argv[1:]; from graders.execution.inside.steward import main; main()")  # fmt: skip
"""What its Python is told; the folder that holds `graders` follows."""
INSIDE = Path(__file__).with_name("inside")
"""The steward's code."""
MIB = 1024 * 1024


class ControlledBox:
    """See `Box`. A back end is a subclass that says what is run."""

    level = ""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self._limits = limits
        self._lock = threading.Lock()
        self._steward: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._ended = ""

    def launch(self, control: socket.socket) -> subprocess.Popen[bytes]:
        """Start the steward with that socket as its standard input."""
        raise NotImplementedError

    def settings(self) -> dict[str, str]:
        """What the steward has to know, as `settings` makes it."""
        raise NotImplementedError

    def inside(self, path: str) -> str:
        return path

    def __enter__(self) -> Self:
        _compile()
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE)
        self._socket = ours
        with theirs:
            try:
                self._steward = self.launch(theirs)
            except (OSError, BoxError) as error:
                ours.close()
                raise BoxError(str(error)) from None
        try:
            self._talk(*(word for setting in self.settings().items() for word in setting))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._steward is not None
        assert self._socket is not None
        self._socket.close()
        try:
            self._steward.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._steward.kill()
            self._steward.wait()
        assert self._steward.stderr is not None
        self._steward.stderr.close()

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        if not name or "/" in name or name.startswith("."):
            raise BoxError(f"{name!r} cannot name a process")
        words = [*argv, *(f"{key}={value}" for key, value in (env or {}).items())]
        self._talk("start", name, str(len(argv)), *map(self.inside, words))

    def poll(self, name: str) -> int | None:
        code = self._talk("poll", name)
        return int(code) if code else None

    def wait(self, name: str, seconds: float) -> int | None:
        end, pause = time.monotonic() + seconds, 0.001
        while (code := self.poll(name)) is None and time.monotonic() < end:
            time.sleep(pause)
            pause = min(2 * pause, 0.02)
        return code

    def kill(self, name: str, signal: int = 9) -> None:
        self._talk("kill", name, str(int(signal)))

    def output(self, name: str) -> str:
        return self._talk("output", name)

    def forward(self, port: int, socket: str) -> None:
        self._talk("forward", str(port), socket)

    def read(self, path: str, most: int = 2**20) -> bytes:
        try:
            with contextlib.ExitStack() as opened:
                folder = os.open(self.folder, os.O_PATH | os.O_DIRECTORY)
                opened.callback(os.close, folder)
                place = within.open_within(folder, path)
                opened.callback(os.close, place)
                if not stat.S_ISREG(os.fstat(place).st_mode):
                    raise BoxError(f"{path} is no file")
                return _bytes(f"/proc/self/fd/{place}", most)
        except OSError as error:
            raise BoxError(f"{path} cannot be read: {error.strerror}") from None

    def _talk(self, *words: str) -> str:
        """Give an order; the result. Raises BoxError."""
        assert self._socket is not None
        with self._lock:
            if self._ended:
                raise BoxError(self._ended)
            try:
                with contextlib.suppress(BrokenPipeError):  # it may have left a last word
                    self._socket.sendall(wire.pack(*words))
                kind, value = wire.fields(self._exactly(wire.size(self._exactly(4))))
            except ValueError as error:
                raise BoxError(str(error)) from None
            except OSError as error:
                self._ended = self._last_words(error)
                raise BoxError(self._ended) from None
            if kind == "ended":
                self._ended = value
        if kind != "ok":
            raise BoxError(value)
        return value

    def _exactly(self, count: int) -> bytes:
        assert self._socket is not None
        parts = bytearray()
        while len(parts) < count:
            piece = self._socket.recv(count - len(parts))
            if not piece:
                raise ConnectionResetError
            parts += piece
        return bytes(parts)

    def _last_words(self, error: OSError) -> str:
        """Why a box does not answer."""
        if isinstance(error, TimeoutError):
            return f"the box did not answer in {PATIENCE:g} seconds"
        assert self._steward is not None
        assert self._steward.stderr is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._steward.wait(1)
        os.set_blocking(self._steward.stderr.fileno(), False)
        said = (self._steward.stderr.read() or b"").decode("utf-8", "replace").strip()
        return f"the box ended: {said[-400:]}" if said else "the box ended"


def settings(limits: Limits, *, work: str = WORK, namespace: bool, user: str = "", readable: Sequence[str] = (), others: int = 0) -> dict[str, str]:  # fmt: skip
    """What a steward has to know.

    `work`: the folder as it spells it; `namespace`: whether it is the first process of one; `user`: the id that it has to become, if any;
    `readable`: what else Landlock lets the code read; `others`: how many tasks its user has that are not the box's.
    """
    brokered = not namespace
    column, _ = MACHINES[os.uname().machine]
    caps = ("tree_mb", "processes", "descriptors", "file_mb", "folder_mb", "files", "output_mb")
    return {
        "work": work,
        "namespace": "1" if namespace else "",
        "user": user,
        "wall_seconds": f"{limits.wall_seconds:g}",
        "filter": seccomp.program(brokered=brokered, system_v=limits.database).hex(),
        "readable": "\n".join(readable),
        "brokered": " ".join(f"{NUMBERS[name][column]}={name}" for name in seccomp.BROKERED),
        # data, not address space: Node's WebAssembly reserves terabytes
        "RLIMIT_DATA": str(limits.memory_mb * MIB),
        "RLIMIT_NPROC": str(limits.processes + others),
        "RLIMIT_CPU": str(limits.cpu_seconds),
        "RLIMIT_FSIZE": str(limits.file_mb * MIB),
        "RLIMIT_NOFILE": "1024",
        "RLIMIT_CORE": "0",
        **{f"cap_{name}": str(getattr(limits, name)) for name in caps},
    }


@functools.cache
def _compile() -> None:
    """Let the steward's compiled form lie ready: without it a box takes half as long again to start."""
    import compileall

    compileall.compile_dir(INSIDE, maxlevels=0, quiet=2)


def give(folder: Path, user: int) -> None:
    """Make everything in a folder belong to the user as whom the box's processes run. For root only."""
    for root, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(Path(root, name), user, user, follow_symlinks=False)


def _bytes(path: str, most: int) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(file, "rb") as opened:
        return opened.read(most)
