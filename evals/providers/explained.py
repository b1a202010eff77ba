"""Why the service is asked at all: with `-v`, what each request differs in from the nearest that is remembered.

Stands between the memory and the service, so that it sees exactly the requests that are not remembered.
Here: saying so. Not here: the memory (`cached`), or finding the nearest (`recorded`).
"""

from __future__ import annotations

import logging

from evals.exchange import Provider, Request, Response
from evals.messages import LOG, detail
from evals.providers.cached import Cache
from evals.providers.recorded import explain_miss
from evals.recording import Recording

MOST = 20
"""Requests that are explained; the others are only counted by the service."""


class ExplainedProvider:
    """Asks the provider behind it, and says why where somebody listens."""

    def __init__(self, provider: Provider, cache: Cache) -> None:
        self._provider = provider
        self._cache = cache
        self._explained = 0
        self._remembered: list[Recording] | None = None

    async def respond(self, request: Request) -> Response:
        if LOG.isEnabledFor(logging.DEBUG) and self._explained < MOST:
            self._explained += 1
            detail(self._why(request))
        return await self._provider.respond(request)

    def _why(self, request: Request) -> str:
        keys = self._cache.digests()
        if self._remembered is None:
            self._remembered = [row for key in keys if (row := self._cache.look(key))]
        if request.digest in keys:
            return f"asked again: the reply to request {request.digest[:12]} is remembered, and damaged"
        if not self._remembered:
            return f"asked: nothing is remembered, so neither is request {request.digest[:12]}"
        return (
            f"asked: not remembered; {explain_miss(request, self._remembered).replace('recording', 'remembered reply')}"
        )
