"""A system call of a process that the filter has stopped: what it asks, and its answer.

Source: seccomp_unotify(2). Not here: what is answered (`broker`).
"""

from __future__ import annotations

import _socket
import fcntl
import os

from graders.execution.inside import kernel

RECEIVE, SEND, STILL_VALID = 0xC0502100, 0xC0182101, 0x40082102
"""ioctl: SECCOMP_IOCTL_NOTIF_…"""
EPERM, EFAULT = 1, 14


class Call:
    """A stopped call of a process."""

    def __init__(self, asking: int, note: bytes) -> None:
        self._asking = asking
        self._id = note[:8]
        self.pid = int.from_bytes(note[8:12], "little")
        self.number = int.from_bytes(note[16:20], "little")
        self.arguments = [int.from_bytes(note[32 + 8 * place : 40 + 8 * place], "little") for place in range(6)]
        self._socket: _socket.socket | None = None

    def memory(self, address: int, length: int) -> bytes:
        """Bytes of the caller, as far as they can be read. Raises OSError."""
        memory = os.open(f"/proc/{self.pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            length = min(length & 0xFFFFFFFF, 4096)
            to_page = 4096 - address % 4096
            found = os.pread(memory, min(length, to_page), address)
            if len(found) < length and len(found) == to_page and b"\0" not in found[2:]:
                found += os.pread(memory, length - to_page, address + to_page)
        except (OverflowError, ValueError):
            raise OSError(EFAULT, "no such address") from None
        finally:
            os.close(memory)
        self._still()
        return found

    def socket(self) -> _socket.socket:
        """A copy of the socket that the first argument names; closed with this object. Raises OSError."""
        sock = self._socket = _socket.socket(fileno=self.fetch(self.arguments[0]))
        return sock

    def fetch(self, descriptor: int) -> int:
        """A copy of a descriptor of the caller. Raises OSError."""
        copy = kernel.fetch(_process_of(self.pid), descriptor & 0xFFFFFFFF)
        self._still()
        return copy

    def valid(self) -> bool:
        """Whether the caller still waits; its id could name another process by now."""
        try:
            fcntl.ioctl(self._asking, STILL_VALID, bytearray(self._id))
        except OSError:
            return False
        return True

    def answer(self, error: int) -> None:
        """End the call: 0, or the number of an error."""
        if self._socket is not None:
            self._socket.close()
        try:
            fcntl.ioctl(
                self._asking,
                SEND,
                bytearray(self._id + bytes(8) + (-error).to_bytes(4, "little", signed=True) + bytes(4)),
            )
        except OSError:
            return  # the caller has ended

    def _still(self) -> None:
        if not self.valid():
            raise OSError(EPERM, "the caller has ended")


def _process_of(thread: int) -> int:
    with open(f"/proc/{thread}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("Tgid:"):
                return int(line[5:])
    return thread
