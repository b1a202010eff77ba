"""The first request with a prompt goes alone, so that the API's prompt cache holds it when the others follow.

Source: an entry of the prompt cache can be read only after the first reply began (platform documentation, "Prompt caching").
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

LIFETIME = 270.0
"""Seconds that a prompt counts as cached after its last reply; the API keeps it for 300."""


class Warming:
    """Which prompts are in the cache, and who fills it."""

    def __init__(self) -> None:
        self._warm: dict[Hashable, float] = {}
        self._alone: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def turn(self, prompt: Hashable) -> AsyncIterator[None]:
        """Wait while another request with the prompt fills the cache. A failure lets the next one try."""
        alone = self._alone[prompt]
        filling = False
        if not self._is_warm(prompt):
            await alone.acquire()
            filling = not self._is_warm(prompt)
            if not filling:
                alone.release()
        try:
            yield
            self._warm[prompt] = asyncio.get_running_loop().time()
        finally:
            if filling:
                alone.release()

    def _is_warm(self, prompt: Hashable) -> bool:
        warm = self._warm.get(prompt)
        return warm is not None and asyncio.get_running_loop().time() - warm < LIFETIME
