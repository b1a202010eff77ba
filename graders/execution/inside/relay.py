"""Joins ports inside a box with unix sockets of the shared folder."""

from __future__ import annotations

import _socket
import time

from graders.execution.inside import within
from graders.execution.inside.loop import GONE, READ, WRITE, Loop

PIECE = 65_536
AT_ONCE = 256
"""Connections of one port."""
PATIENCE = 5.0
"""Seconds in which a server with a full queue may take a connection."""
NOT_NOW = (11, 115)
"""EAGAIN, EINPROGRESS."""


class Forward:
    """One port of 127.0.0.1 and the socket that it leads to. `port` 0: whichever is free."""

    def __init__(self, loop: Loop, folder: int, port: int, path: str) -> None:
        self._loop, self._folder, self._path = loop, folder, path
        self._pairs: set[Pair] = set()
        self._listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        self._listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(128)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._loop.listen(self._listener.fileno(), self._accept)

    def _accept(self, _: int) -> None:
        try:
            near = _socket.socket(fileno=self._listener._accept()[0])  # type: ignore[attr-defined]  # what `socket` builds upon
        except OSError:
            return
        if len(self._pairs) >= AT_ONCE:
            _abort(near)
            return
        end = time.monotonic() + PATIENCE
        if not self._connect(near, end):
            self._loop.retry(lambda: self._connect(near, end))

    def _connect(self, near: _socket.socket, end: float) -> bool:
        """Try to reach the server; whether that is decided."""
        far = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        far.setblocking(False)
        try:
            error = within.connect(far, self._folder, self._path)
        except OSError as failure:
            error = failure.errno or -1
        if error == 0:
            self._pairs.add(Pair(self._loop, near, far, self._pairs))
            return True
        far.close()
        if error in NOT_NOW and time.monotonic() < end:
            return False
        _abort(near)
        return True


class Pair:
    """Two joined connections; each end's silence is passed on, and a broken end breaks the other."""

    def __init__(self, loop: Loop, near: _socket.socket, far: _socket.socket, pairs: set[Pair]) -> None:
        self._loop, self._pairs = loop, pairs
        self._ends = (near, far)
        self._waiting = [b"", b""]
        self._said_all = [False, False]
        for end in self._ends:
            end.setblocking(False)
        self._attend()

    def _attend(self) -> None:
        """Ask for what can be done now: read an end while the other has taken everything, write where something waits."""
        for place, end in enumerate(self._ends):
            wanted = 0 if self._said_all[place] or self._waiting[1 - place] else READ
            wanted |= WRITE if self._waiting[place] else 0
            self._loop.listen(end.fileno(), lambda events, place=place: self._ready(place, events), wanted)  # type: ignore[misc]  # mypy does not see the default

    def _ready(self, place: int, events: int) -> None:
        try:
            if events & (READ | GONE) and not self._said_all[place] and not self._waiting[1 - place]:
                self._read(place)
            if events & WRITE:
                self._write(place)
        except BlockingIOError:
            pass
        except OSError:
            self._close(broken=True)
            return
        if all(self._said_all) and not any(self._waiting):
            self._close(broken=False)
            return
        self._attend()

    def _read(self, place: int) -> None:
        piece = self._ends[place].recv(PIECE)
        if piece:
            self._waiting[1 - place] = piece
            self._write(1 - place)
        else:
            self._said_all[place] = True
            self._ends[1 - place].shutdown(_socket.SHUT_WR)

    def _write(self, place: int) -> None:
        try:
            sent = self._ends[place].send(self._waiting[place])
        except BlockingIOError:
            sent = 0
        self._waiting[place] = self._waiting[place][sent:]

    def _close(self, *, broken: bool) -> None:
        self._pairs.discard(self)
        for end in self._ends:
            self._loop.forget(end.fileno())
            if broken:
                _abort(end)
            else:
                end.close()


def _abort(sock: _socket.socket) -> None:
    """Close so that the other side sees a reset."""
    sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()
