"""A provider whose answers come from a function: for tests and documentation."""

from __future__ import annotations

from collections.abc import Callable

from evals.exchange import Provenance, Request, Response


class ScriptedProvider:
    """Answers each request with what the function returns for it."""

    def __init__(self, script: Callable[[Request], str]) -> None:
        self._script = script
        self.requests: list[Request] = []
        """Every request that was asked, in order."""

    async def respond(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(text=self._script(request), provenance=Provenance(kind="scripted"), stop_reason="end_turn")
