"""The processes that a box was told to start: each in a session of its own, with its output read and kept up to a cap."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # no stubs; `signal` takes too long to load
import _socket
import os
import resource

from graders.execution.inside import kernel
from graders.execution.inside.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PIECE = 65_536
MIB = 1024 * 1024
IGNORED = (2, 13, 25)
"""SIGINT, SIGPIPE, SIGXFSZ: what this Python ignores and a new program must not."""
CUT = b"\n[box] more output was thrown away\n"


class Output:
    """What a process and its children say. A copy goes to a file of the folder, where the code can change it."""

    def __init__(self, loop: Loop, folder: int, name: str, most: int) -> None:
        self.kept = bytearray()
        self._loop, self._most = loop, most
        self._source, self.target = os.pipe()
        os.set_blocking(self._source, False)
        try:
            self._copy = os.open(f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644, dir_fd=folder)  # fmt: skip
        except OSError:
            self._copy = -1  # the code put something in its place
        loop.listen(self._source, self._heard)

    def started(self) -> None:
        """The process holds the other end now."""
        os.close(self.target)

    def note(self, text: str) -> None:
        """Add a word of the box's own."""
        self._keep(f"\n[box] {text}\n".encode())

    def drain(self) -> None:
        """Take what is there already."""
        while self._source >= 0 and self._read():
            pass

    def _heard(self, _: int) -> None:
        self._read()

    def _read(self) -> bool:
        """Take a piece; whether there may be more."""
        try:
            piece = os.read(self._source, PIECE)
        except BlockingIOError:
            return False
        if not piece:
            self._loop.forget(self._source)
            os.close(self._source)
            self._source = -1
            return False
        room = self._most - len(self.kept)
        if room > 0:
            self._keep(piece if len(piece) <= room else piece[:room] + CUT)
        return True

    def _keep(self, piece: bytes) -> None:
        self.kept += piece
        if self._copy >= 0:
            try:
                os.write(self._copy, piece)
            except OSError:
                self._copy = -1


def spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    output: Output,
    limits: Mapping[str, int],
    rules: int,
    code: bytes,
    hear: Callable[[int], None],
) -> int:
    """Start a process; its id. Raises OSError when the program cannot be run.

    With a Landlock ruleset (`rules` ≥ 0) it is put behind that and the filter `code`, and `hear` is given the descriptor that asks
    about brokered calls.
    """
    ours, theirs = _socket.socketpair()
    try:
        pid = os.fork()
        if pid == 0:
            _child(argv, env, output, limits, rules, code, theirs)
    finally:
        theirs.close()
        output.started()
    try:
        _hear(ours, hear)
    finally:
        ours.close()
    return pid


def _child(
    argv: Sequence[str],
    env: Mapping[str, str],
    output: Output,
    limits: Mapping[str, int],
    rules: int,
    code: bytes,
    steward: _socket.socket,
) -> None:
    """Become the program; what goes wrong is told to the steward."""
    try:
        _become(output, limits)
        if rules >= 0:
            from graders.execution.inside import confine

            confine.enter(rules)
            asking = kernel.install(code, listener=True)
            steward.sendmsg([b"l"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, asking.to_bytes(4, "little"))])
        _execute(argv, env)
    except BaseException as error:  # noqa: BLE001 - see above
        steward.send(f"e{getattr(error, 'errno', 0) or 0} {getattr(error, 'strerror', 0) or error}".encode())
    finally:
        os._exit(127)


def _execute(argv: Sequence[str], env: Mapping[str, str]) -> None:
    """Raises OSError."""
    folders = [""] if "/" in argv[0] else [f"{folder}/" for folder in env.get("PATH", "/usr/bin:/bin").split(":")]
    for folder in folders:
        try:
            os.execve(folder + argv[0], list(argv), dict(env))  # noqa: S606 - it is the point
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            if folder == folders[-1]:
                raise


def _become(output: Output, limits: Mapping[str, int]) -> None:
    """What every started process is: alone in its session, capped, and with nothing open but its output."""
    os.setsid()
    for number in IGNORED:
        _signal.signal(number, _signal.SIG_DFL)
    nothing = os.open("/dev/null", os.O_RDWR)
    for number, source in enumerate((nothing, output.target, output.target)):
        os.dup2(source, number)
    for name, limit in limits.items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (most, most))


def _hear(ours: _socket.socket, hear: Callable[[int], None]) -> None:
    """Read what the child says before it becomes the program."""
    while True:
        said, ancillary, _, _ = ours.recvmsg(4096, 64)
        for _, _, data in ancillary:
            hear(int.from_bytes(data[:4], "little"))
        if not said:
            return
        if said[:1] == b"e":
            number, _, text = said[1:].decode("utf-8", "replace").partition(" ")
            raise OSError(int(number), text)
