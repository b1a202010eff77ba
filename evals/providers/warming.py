"""The first request with a prompt goes alone, so that the API's prompt cache holds it when the others follow.

Source: an entry of the prompt cache can be read only after the first reply began (platform documentation, "Prompt caching").
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

LIFETIME = 270.0
"""Seconds that a prompt counts as cached after its last reply; the API keeps it for 300."""


class Warming:
    """Which prompts are in the cache, and who fills it."""

    def __init__(self) -> None:
        self._warm: dict[int, float] = {}
        """When each prompt was last used, the longest ago first. Only hashes: the texts of a long run would not fit."""
        self._alone: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, prompt: Hashable) -> AsyncIterator[None]:
        """Wait while another request with the prompt fills the cache. A failure lets the next one try."""
        key = hash(prompt)
        alone = self._alone.setdefault(key, asyncio.Lock())
        filling = False
        if key not in self._fresh():
            await alone.acquire()
            filling = key not in self._fresh()
            if not filling:
                alone.release()
        try:
            yield
            self._warm.pop(key, None)
            self._warm[key] = asyncio.get_running_loop().time()
        finally:
            if filling:
                alone.release()

    def _fresh(self) -> dict[int, float]:
        """The prompts that are still in the cache; the others are forgotten."""
        since = asyncio.get_running_loop().time() - LIFETIME
        while self._warm and next(iter(self._warm.values())) <= since:
            del self._warm[next(iter(self._warm))]
        return self._warm
