"""Does for processes without namespaces what they must not do alone: connect, bind, listen, change modes.

The filter stops those calls and asks here. The address is read once, from the caller's memory, and acted upon by this process with a copy of
the caller's socket, so that nothing can be exchanged in between; the call itself is never let through. Every box so has a loopback of
its own: a port inside is some free port of 127.0.0.1 outside, ports that nobody in the box opened are closed, and so is the rest of the network.
"""

from __future__ import annotations

import _socket
import fcntl
import os

from graders.execution.inside import within
from graders.execution.inside.call import EPERM, RECEIVE, Call
from graders.execution.inside.loop import READ, WRITE, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

EAGAIN, EINVAL, EADDRNOTAVAIL, ENETUNREACH, ECONNREFUSED, EINPROGRESS = 11, 22, 99, 101, 111, 115
HERE = -100
"""AT_FDCWD."""
LOOPBACK6 = (b"\0" * 15 + b"\1", b"\0" * 16)


class Broker:
    """The box's own loopback, and its right to sockets in its folder."""

    def __init__(self, loop: Loop, folder: int, work: str, calls: dict[int, str]) -> None:
        """`calls`: number of a system call → its name."""
        self._loop, self._folder, self._work, self._calls = loop, folder, work, calls
        self.ports: dict[int, int] = {}
        """Port inside → port outside."""
        self._owned: dict[int, set[int]] = {}
        """Port outside → the sockets that the box's processes bound to it, by their inodes."""

    def lead(self, port: int, outside: int) -> None:
        """Let a port inside be one outside that this process listens on."""
        self.ports[port] = outside
        self._owned.pop(outside, None)

    def hear(self, asking: int) -> None:
        """Answer what comes through a descriptor of the filter."""
        self._loop.listen(asking, lambda events: self._asked(asking, events))

    def _asked(self, asking: int, events: int) -> None:
        if not events & READ:
            self._loop.forget(asking)
            os.close(asking)
            return
        note = bytearray(80)
        try:
            fcntl.ioctl(asking, RECEIVE, note)
        except OSError:
            return  # the caller has ended
        call = Call(asking, bytes(note))
        try:
            error = getattr(self, f"_{self._calls[call.number]}")(call)
        except OSError as failure:
            error = failure.errno or EPERM
        except Exception:  # noqa: BLE001 - whatever a caller thought out, the box goes on
            error = EPERM
        if error is not None:
            call.answer(error)

    def _connect(self, call: Call) -> int | None:
        address = call.memory(call.arguments[1], call.arguments[2])
        sock = call.socket()
        if sock.family == _socket.AF_UNIX:
            path = self._below(call, _path(address))
            return self._patiently(call, sock, lambda: within.connect(sock, self._folder, path))
        host, port = _inet(address)
        if host is None:
            return ENETUNREACH
        if port not in self.ports:
            return ECONNREFUSED
        outside = self.ports[port]
        return self._patiently(call, sock, lambda: self._reach(sock, outside))

    def _reach(self, sock: _socket.socket, outside: int) -> int:
        """Connect, unless the box has closed that port and something else of the machine has it by now."""
        error = sock.connect_ex((_mapped(sock), outside))
        if error in {0, EINPROGRESS} and not self._holds(outside):
            sock.shutdown(_socket.SHUT_RDWR)
            return ECONNREFUSED
        return error

    def _holds(self, outside: int) -> bool:
        """Whether a port of the machine is listened on by the box (also for it, by a `Forward`)."""
        return outside not in self._owned or bool(self._owned[outside] & _listeners(outside))

    def _patiently(self, call: Call, sock: _socket.socket, step: Callable[[], int]) -> int | None:
        """Connect without ever waiting here; None: answered later."""
        waits = os.get_blocking(sock.fileno())
        os.set_blocking(sock.fileno(), False)
        error = step()
        if not waits or error not in {EAGAIN, EINPROGRESS}:
            os.set_blocking(sock.fileno(), waits)
            return error
        if error == EINPROGRESS:
            self._loop.listen(sock.fileno(), lambda _: self._connected(call, sock), WRITE)
        else:
            self._loop.retry(lambda: self._tried(call, sock, step))
        return None

    def _connected(self, call: Call, sock: _socket.socket) -> None:
        self._loop.forget(sock.fileno())
        os.set_blocking(sock.fileno(), True)
        call.answer(sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR))

    def _tried(self, call: Call, sock: _socket.socket, step: Callable[[], int]) -> bool:
        error = step() if call.valid() else EPERM
        if error == EAGAIN:
            return False
        os.set_blocking(sock.fileno(), True)
        call.answer(error)
        return True

    def _bind(self, call: Call) -> int:
        address = call.memory(call.arguments[1], call.arguments[2])
        sock = call.socket()
        if sock.family == _socket.AF_UNIX:
            within.bind(sock, self._folder, self._below(call, _path(address)))
            return 0
        host, port = _inet(address)
        if host is None:
            return EADDRNOTAVAIL
        self._bind_port(sock, port)
        return 0

    def _bind_port(self, sock: _socket.socket, port: int) -> None:
        if sock.family == _socket.AF_INET6:
            sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 0)
        before = self.ports.get(port, 0)
        # the same port outside while the box listens there, so that one in use is found in use
        sock.bind((_mapped(sock), before if self._holds(before) else 0))
        outside = sock.getsockname()[1]
        self.ports[port or outside] = outside
        self._owned.setdefault(outside, set()).add(os.fstat(sock.fileno()).st_ino)

    def _listen(self, call: Call) -> int:
        sock = call.socket()
        if sock.family in {_socket.AF_INET, _socket.AF_INET6} and sock.getsockname()[1] == 0:
            self._bind_port(sock, 0)
        sock.listen(min(call.arguments[1] & 0xFFFFFFFF, 4096))
        return 0

    def _chmod(self, call: Call) -> int:
        return self._change(call, HERE, call.arguments[0], call.arguments[1])

    def _fchmodat(self, call: Call) -> int:
        at = int.from_bytes((call.arguments[0] & 0xFFFFFFFF).to_bytes(4, "little"), "little", signed=True)
        return self._change(call, at, call.arguments[1], call.arguments[2])

    _fchmodat2 = _fchmodat

    def _change(self, call: Call, at: int, pointer: int, mode: int) -> int:
        path = os.fsdecode(call.memory(pointer, 4096).split(b"\0")[0])
        within.chmod(self._folder, self._below(call, path, at), mode)
        return 0

    def _fchmod(self, call: Call) -> int:
        file = call.fetch(call.arguments[0])
        try:
            if not os.readlink(f"/proc/self/fd/{file}").startswith(f"{self._work}/"):
                return EPERM
            os.fchmod(file, call.arguments[1] & 0o777)
        finally:
            os.close(file)
        return 0

    def _below(self, call: Call, path: str, at: int = HERE) -> str:
        """A caller's path, as one below the folder. Raises OSError when it is not."""
        if not path.startswith("/"):
            base = os.readlink(f"/proc/{call.pid}/cwd" if at == HERE else f"/proc/{call.pid}/fd/{at}")
            path = f"{base}/{path}"
        if not path.startswith(f"{self._work}/"):
            raise PermissionError(EPERM, "outside of the folder")
        return path[len(self._work) + 1 :]


def _listeners(port: int) -> set[int]:
    """The sockets of this machine that listen on a port, by their inodes."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="utf-8") as file:  # no other codec can be loaded any more
                file.readline()
                for line in file:  # those that listen come first
                    _, local, _, state, *rest = line.split()
                    if state != "0A":
                        break
                    if int(local.rpartition(":")[2], 16) == port:
                        found.add(int(rest[5]))
        except OSError:
            continue
    return found


def _path(address: bytes) -> str:
    """The path in an address of a unix socket. Raises OSError for the abstract ones, which are the whole machine's."""
    path = address[2:].split(b"\0")[0]
    if not path:
        raise PermissionError(EPERM, "abstract")
    return os.fsdecode(path)


def _inet(address: bytes) -> tuple[bytes | None, int]:
    """Host (None: not the loopback) and port of an internet address. Raises OSError."""
    family, port = int.from_bytes(address[:2], "little"), int.from_bytes(address[2:4], "big")
    if family == _socket.AF_INET and len(address) >= 8:
        host = address[4:8]
        return (host if host[0] == 127 or host == bytes(4) else None), port
    if family == _socket.AF_INET6 and len(address) >= 24:
        host = address[8:24]
        inside = host in LOOPBACK6 or host[:13] == bytes(10) + b"\xff\xff\x7f"
        return (host if inside else None), port
    raise OSError(EINVAL, "an address of another kind")


def _mapped(sock: _socket.socket) -> str:
    return "::ffff:127.0.0.1" if sock.family == _socket.AF_INET6 else "127.0.0.1"
