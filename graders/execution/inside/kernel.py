"""Calls of the kernel that Python has no name for.

Sources: prctl(2), seccomp(2), seccomp_unotify(2), landlock(7), pidfd_getfd(2), and the kernel's uapi headers.
"""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SUBREAPER, NO_NEW_PRIVILEGES, DUMPABLE = 36, 38, 4
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT, PIDFD_GETFD = 444, 445, 446, 438
SECCOMP = {"x86_64": 317, "aarch64": 277}
LANDLOCK_ABI = 6
"""The first one that keeps signals and abstract sockets in (Linux 6.12)."""

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def prctl(option: int, value: int) -> None:
    """Raises OSError."""
    _checked(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")


def drop_capabilities() -> None:
    """Also those that a program would inherit. Raises OSError."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # the third version; this process
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def syscall(number: int, *arguments: Any) -> int:
    """The result. Raises OSError."""
    return _checked(_libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)), f"call {number}")  # fmt: skip


def install(code: bytes, *, listener: bool) -> int:
    """Put this process and its children behind a filter; with `listener` the descriptor that asks about brokered calls."""
    prctl(NO_NEW_PRIVILEGES, 1)
    program = _Program(len(code) // 8, code)
    flags = 8 | 32 if listener else 0  # NEW_LISTENER, WAIT_KILLABLE_RECV
    return syscall(SECCOMP[os.uname().machine], 1, flags, ctypes.byref(program))


def landlock_abi() -> int:
    """Which Landlock the kernel has; 0: none."""
    try:
        return syscall(LANDLOCK_CREATE, 0, 0, 1)
    except OSError:
        return 0


def fetch(pid: int, descriptor: int) -> int:
    """A descriptor of another process, as one of our own. Raises OSError."""
    handle = os.pidfd_open(pid)
    try:
        return syscall(PIDFD_GETFD, handle, descriptor, 0)
    finally:
        os.close(handle)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} ({what})")
    return int(result)
