"""Files of the shared folder, reached so that no link leads out of it, whatever the code in the box does meanwhile."""

from __future__ import annotations

import _socket
import os
import stat


def open_within(folder: int, path: str) -> int:
    """An O_PATH descriptor of what lies below an open folder. Raises OSError: links and `..` are refused."""
    at = os.dup(folder)
    try:
        for part in path.split("/"):
            if part not in {"", "."}:
                below = _step(at, part)
                os.close(at)
                at = below
    except BaseException:
        os.close(at)
        raise
    return at


def _step(folder: int, name: str) -> int:
    """Into an entry of a folder. Raises OSError."""
    if name == "..":
        raise PermissionError(1, "a path that climbs")
    entry = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    if stat.S_ISLNK(os.fstat(entry).st_mode):
        os.close(entry)
        raise PermissionError(1, "a link")
    return entry


def connect(sock: _socket.socket, folder: int, path: str) -> int:
    """Connect to a unix socket below a folder; 0 or the number of an error. Raises OSError when it is not there."""
    place = open_within(folder, path)
    try:
        return sock.connect_ex(f"/proc/self/fd/{place}")
    finally:
        os.close(place)


def bind(sock: _socket.socket, folder: int, path: str) -> None:
    """Make a unix socket below a folder. Raises OSError."""
    above, _, name = path.rpartition("/")
    place = open_within(folder, above)
    try:
        sock.bind(f"/proc/self/fd/{place}/{name}")
    finally:
        os.close(place)


def chmod(folder: int, path: str, mode: int) -> None:
    """Raises OSError."""
    place = open_within(folder, path)
    try:
        os.chmod(f"/proc/self/fd/{place}", mode & 0o777)
    finally:
        os.close(place)
