"""The live provider: asks a model as fast as the API lets it, as often as a fault needs, and for no more than was allowed.

Here: what becomes of one request, from leave to send it to its answer. Not here: how long to wait (`retry`), how fast to go
(`pace`), what a fault means (`live_faults`), what a reply says (`wire`), and where it all goes (`endpoints`).
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from evals.capabilities import Capabilities, read_capabilities, refused
from evals.errors import FatalProviderError, ProviderError
from evals.exchange import Request, Response, request_params
from evals.prices import read_prices
from evals.providers.endpoints import Endpoint, endpoint
from evals.providers.live_faults import CallFault, Cure, fault_of
from evals.providers.pace import Need, Pace, Pass
from evals.providers.retry import Patience, RetryBudget
from evals.providers.warming import Warming
from evals.providers.wire import NoText, kind_of, response_of, scrubbed, with_prompt_cache
from evals.spending import Hold, Spending
from evals.tokens import prompt_tokens, tokens
from graders.judge.question import shared_part

DEADLINE = 900.0
"""Seconds for one call as a whole; the socket's time-out counts from byte to byte."""
RETRIES = 7
"""How often one request is asked again."""
NEARLY = 0.8
"""A prompt whose estimate is this share of what the prompt cache takes may well be long enough."""


class LiveProvider:
    """Asks a model. Use as `async with`: one client, one pace a model, and one budget for a run."""

    def __init__(
        self,
        *,
        jobs: int = 8,
        retries: int = RETRIES,
        at: Endpoint | None = None,
        spending: Spending | None = None,
        capabilities: Capabilities | None = None,
        patience: Patience | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        """`jobs`: the most requests to one model that may be under way. Raises InputError where the endpoint cannot be used."""
        self.endpoint = at or endpoint()
        self.spending = spending or Spending(read_prices(), datetime.now(UTC).date().isoformat())
        self._capabilities = capabilities or read_capabilities()
        self._jobs = jobs
        self._retries = retries
        self._patience = patience or Patience()
        self._deadline = deadline
        self._budget = RetryBudget(jobs)
        self._warming = Warming()
        self._paces: dict[str, Pace] = {}
        self._answered: set[tuple[str, bool]] = set()
        self._client: Any = None
        self._credential_errors: tuple[type[Exception], ...] = ()

    async def __aenter__(self) -> LiveProvider:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._client is not None:
            await self._client.close()

    @property
    def retries(self) -> int:
        """How often requests were asked again so far."""
        return self._budget.retries

    async def respond(self, request: Request) -> Response:
        """The answer. Raises ProviderError, FatalProviderError where no other request can succeed, and Halted."""
        shared = shared_part(request.messages[-1].text) if request.settings.schema else ""
        params = with_prompt_cache(request_params(request), shared=shared)
        capability = self._capabilities.of(request.model)
        wrong = refused(params, capability)
        if wrong:
            raise FatalProviderError(
                f"{request.model} does not take {', '.join(wrong)} (by the table of {self._capabilities.as_of}; "
                "a models.json beside cases/ may say otherwise)"
            )
        cached = tokens((request.system or "") + shared) >= NEARLY * capability.prompt_cache_minimum
        prompt = (request.model, request.settings.schema, request.system, shared)
        async with self._warming.turn(prompt) if cached else nullcontext():
            return await self._patiently(request, params)

    async def _patiently(self, request: Request, params: dict[str, Any]) -> Response:
        """Ask until there is an answer, or asking again is of no use."""
        self._budget.begin()
        for tries in range(1, self._retries + 2):
            try:
                response = await self._ask(request, params)
            except CallFault as fault:
                self._raise_lasting(request, fault, tries)
                self._budget.spend(fault.message)
                await asyncio.sleep(self._patience.wait(tries, fault.wait))
            else:
                self.knows(request)
                return response
        raise AssertionError

    def knows(self, request: Request) -> None:
        """A request of this kind was answered before, perhaps by an earlier run."""
        self._answered.add(kind_of(request))

    def _raise_lasting(self, request: Request, fault: CallFault, tries: int) -> None:
        """Raise unless waiting may help."""
        if fault.cure is Cure.END or (fault.cure is Cure.REFUSED and kind_of(request) not in self._answered):
            raise FatalProviderError(fault.message) from None
        if fault.cure is not Cure.WAIT:
            raise ProviderError(fault.message) from None
        if tries > self._retries:
            raise ProviderError(f"{fault.message}; asked {tries} times") from None

    async def _ask(self, request: Request, params: dict[str, Any]) -> Response:
        """One try, in its turn and paid for. Raises CallFault."""
        pace = self._paces.setdefault(request.model, Pace(self._jobs))
        need = Need(
            input_tokens=prompt_tokens(request),
            most_output_tokens=request.settings.max_tokens,
            kind=request.settings.schema or "",
        )
        leave = await pace.admit(need)
        sent = False
        try:
            async with self.spending.hold(request) as hold:
                sent = True
                return await self._call(request, params, pace, leave, hold)
        finally:
            if not sent:
                pace.dropped(leave)

    async def _call(self, request: Request, params: dict[str, Any], pace: Pace, leave: Pass, hold: Hold) -> Response:
        """Send, and tell the pace and the purse how it went."""
        try:
            response, headers = await self._send(params)
        except CallFault as fault:
            hold.lost = fault.lost
            pace.failed(leave, fault.headers, too_fast=fault.too_fast, wait=fault.wait)
            raise
        except NoText as reply:
            hold.bill(self.spending.cost(request.model, reply.usage))
            pace.answered(leave, reply.usage, {})
            raise
        except BaseException:
            pace.dropped(leave)
            raise
        assert response.usage is not None
        hold.bill(self.spending.cost(request.model, response.usage))
        pace.answered(leave, response.usage, headers)
        return response

    def _connected(self) -> Any:
        """The client, made for the first request: a run that remembers every answer is spared the SDK, which loads slowly."""
        if self._client is None:
            self._client = self.endpoint.client()
            self._credential_errors = self.endpoint.credential_errors()
        return self._client

    async def _send(self, params: dict[str, Any]) -> tuple[Response, Any]:
        import anthropic

        client = self._connected()
        try:
            async with asyncio.timeout(self._deadline):
                raw = await client.messages.with_raw_response.create(**params)
                return scrubbed(response_of(await raw.parse()), self.endpoint.secrets), raw.headers
        except NoText:
            raise
        except self._credential_errors as error:
            words = self.endpoint.secrets.scrub(str(error))[:300]
            raise CallFault(f"the credentials for `{self.endpoint.kind}` do not work: {words}", Cure.END) from None
        except (
            anthropic.AnthropicError,
            ProviderError,
            ValueError,
            AssertionError,
            TypeError,
            AttributeError,
            TimeoutError,
        ) as error:
            raise fault_of(error, self.endpoint.secrets) from None
