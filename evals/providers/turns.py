"""Who may ask for a request: one at a time, in this process and in every other one that shares the memory.

So that two runs, or parallel test processes, pay for a request once. Not here: the memory itself (`evals.providers.cached`).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakValueDictionary

PAUSE = 0.1
"""Seconds between two looks at whether the other process is done."""


class Turns:
    """Locks of single bytes of one file, a byte for each request. They end with the process, and no child inherits them."""

    def __init__(self, file: Path) -> None:
        """`file` is made when it is first needed; it stays empty and is never removed."""
        self._file = file
        self._handle: int | None = None
        self._here: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, digest: str) -> AsyncIterator[None]:
        """Wait until nobody else asks for the request with this digest (hexadecimal). Raises OSError where the file cannot be."""
        here = self._here.setdefault(digest, asyncio.Lock())
        async with here:
            place = int(digest[:15], 16)
            while not self._taken(place):  # noqa: ASYNC110 - another process cannot set an event of this one
                await asyncio.sleep(PAUSE)
            try:
                yield
            finally:
                self._lock(fcntl.LOCK_UN, place)

    def _taken(self, place: int) -> bool:
        try:
            self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB, place)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _lock(self, how: int, place: int) -> None:
        if self._handle is None:
            self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(self._handle, how, 1, place)
        except (BlockingIOError, PermissionError):
            raise
        except OSError:  # a file system without locks: a request may be paid twice, none is lost
            return

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
