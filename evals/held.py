"""What a run holds of answers between asking and grading: little where the provider can give them again.

Here: how much is held, and taking an answer again. Not here: caches and recordings themselves.
"""

from __future__ import annotations

from evals.exchange import Provider, Rememberer, Response
from evals.trial import Trial

ROOM = 4_000_000
"""Characters of answers that are held although they could be had again, which spares small runs the second look."""
RECENT = 64
"""Answers taken again lately: a judge asks about one answer many times in a row."""


class Held:
    """Answers by the number of their trial."""

    def __init__(self, provider: Provider, room: int = ROOM) -> None:
        self._provider = provider
        self._memory = provider if isinstance(provider, Rememberer) else None
        self._room = room
        self._held: dict[int, Response] = {}
        self._recent: dict[int, Response] = {}

    def keep(self, number: int, response: Response) -> None:
        """Hold an answer, unless it can be had again and there is no room."""
        if self._memory is None:
            self._held[number] = response
        elif self._room > 0:
            self._room -= len(response.text)
            self._held[number] = response

    async def take(self, number: int, trial: Trial) -> Response:
        """The answer again. One that is gone from the provider's memory meanwhile is asked for anew."""
        known = self._held.get(number) or self._recent.get(number)
        if known is not None:
            return known
        again = self._memory.recall(trial.request) if self._memory else None
        if again is None:
            again = await self._provider.respond(trial.request)
        if len(self._recent) >= RECENT:
            del self._recent[next(iter(self._recent))]
        self._recent[number] = again
        return again
