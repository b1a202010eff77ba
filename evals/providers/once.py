"""One process at a time asks for a request, so that parallel test processes that share a memory pay for it once.

Not here: the memory itself (`evals.providers.cached`), which the provider behind this one looks into first.
"""

from __future__ import annotations

import asyncio
import fcntl
from pathlib import Path

from evals.exchange import Provider, Request, Response

PAUSE = 0.1
"""Seconds between two looks at whether the other process is done."""


class OnceProvider:
    """Holds a request back while another process of this machine is asking the same. The lock ends with the process."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self._provider = provider
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def respond(self, request: Request) -> Response:
        # never removed: a removed file that somebody waits for would be a lock of its own
        with (self._folder / f"{request.digest}.lock").open("w", encoding="ascii") as file:
            while not _taken(file.fileno()):  # noqa: ASYNC110 - another process cannot set an event of this one
                await asyncio.sleep(PAUSE)
            return await self._provider.respond(request)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
