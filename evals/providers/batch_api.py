"""Message Batches on the wire, through the anthropic SDK: make one, look at it, read its results.

Not here: which requests go into which batch, or which faults pass (`live_faults`).
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from evals.canonical import Json, digest
from evals.errors import FatalProviderError, ProviderError
from evals.exchange import Request, Response, Usage, request_params
from evals.providers.batch_ledger import BATCH_ID
from evals.providers.endpoints import Endpoint, endpoint
from evals.providers.live_faults import Cure, fault_of
from evals.providers.retry import LONGEST_WAIT, Patience, named_wait
from evals.providers.wire import NoText, response_of, scrubbed, with_prompt_cache
from evals.secret import Secrets

if TYPE_CHECKING:
    import anthropic

TRIES = 10
DEADLINE = 900.0
"""Seconds for one call as a whole."""
REFUSED = frozenset({429, 503, 529})
"""Replies by which the API says that it did nothing. After any other fault a batch may have been made."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class State:
    """What the API says of a batch."""

    ended: bool
    gone: bool
    """Ended so long ago that its results are no longer kept, or not known to this key."""
    wait: float | None
    """Seconds after which the API wants to be asked again; None: it does not say."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A request of a batch that has no answer."""

    reason: str
    again: bool
    """Whether submitting it once more can help."""
    usage: Usage | None = None
    """What was paid for it all the same."""


Outcome = Response | Failure


class NotMade(ProviderError):
    """The API took no batch, and said so each time."""


def line(request: Request) -> dict[str, Json]:
    """A request as a batch holds it. Batches take longer than five minutes, so their prompt cache is kept an hour."""
    return {"custom_id": request.digest, "params": with_prompt_cache(request_params(request), ttl="1h")}


class BatchApi:
    """The calls of Message Batches. Use as `async with`."""

    def __init__(self, at: Endpoint | None = None, *, pause: float = 1.0) -> None:
        """`pause`: seconds before the first retry where the API names no time; doubled each time."""
        self._at = at or endpoint()
        self._patience = Patience(first=pause, longest=LONGEST_WAIT)
        self._client: anthropic.AsyncAnthropic | None = None

    async def __aenter__(self) -> BatchApi:
        self._client = self._at.client()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._client is not None:
            await self._client.close()

    @property
    def endpoint(self) -> str:
        """Identity of the address; a digest, since an address may hold a secret."""
        return digest(str(self._used.base_url))[:16]

    @property
    def _used(self) -> anthropic.AsyncAnthropic:
        assert self._client is not None, "use the API as `async with`"
        return self._client

    @property
    def _batches(self) -> anthropic.resources.messages.AsyncBatches:
        return self._used.messages.batches

    async def create(self, lines: Sequence[Mapping[str, Json]]) -> str:
        """Make a batch; its id. Repeated only where the API says that it made none."""
        requests: Any = lines
        batch = await self._patiently(lambda: self._batches.create(requests=requests), repeatable=False)
        made = getattr(batch, "id", None)
        if not isinstance(made, str) or not BATCH_ID.fullmatch(made):
            raise ProviderError("the API's reply to a new batch names no batch; the same command again asks again")
        return made

    async def state(self, batch: str) -> State:
        import anthropic

        async def look() -> State:
            raw = await self._batches.with_raw_response.retrieve(batch)
            parsed: Any = raw.parse()
            found = await parsed if inspect.isawaitable(parsed) else parsed
            if not isinstance(found, anthropic.types.messages.MessageBatch) or found.id != batch:
                raise ValueError("the reply is not this batch")
            ended = found.processing_status == "ended"
            gone = ended and (found.archived_at is not None or not found.results_url)
            return State(ended=ended, gone=gone, wait=named_wait(raw.headers))

        try:
            return await self._patiently(look, repeatable=True, absent=True)
        except anthropic.NotFoundError:
            return State(ended=False, gone=True, wait=None)

    async def results(self, batch: str) -> AsyncIterator[tuple[str, Outcome]]:
        """Outcomes by custom id, in any order. Raises ProviderError where the stream breaks: what came before is sound."""
        import anthropic
        import httpx2

        stream = await self._patiently(lambda: self._batches.results(batch), repeatable=True)
        try:
            async for item in stream:
                key = getattr(item, "custom_id", None)
                if isinstance(key, str):
                    yield key, _outcome(item, self._at.secrets)
        except (anthropic.AnthropicError, httpx2.HTTPError, ValueError, TypeError, AttributeError) as error:
            raise ProviderError(f"the results of batch {batch} broke off ({type(error).__name__})") from None
        finally:
            await stream.close()

    async def pause(self, tries: int) -> None:
        """Wait as after that many tries, from 1."""
        await asyncio.sleep(self._patience.wait(tries))

    async def _patiently(self, call: Callable[[], Awaitable[T]], *, repeatable: bool, absent: bool = False) -> T:
        """The call's result, passing faults waited for. `absent`: let 404 through, as an answer."""
        import anthropic

        reason = ""
        for tries in range(1, TRIES + 1):
            try:
                async with asyncio.timeout(DEADLINE):
                    return await call()
            except (anthropic.AnthropicError, ValueError, AssertionError, TypeError, TimeoutError) as error:
                if absent and isinstance(error, anthropic.NotFoundError):
                    raise
                fault = fault_of(error, self._at.secrets)
                did_nothing = getattr(error, "status_code", None) in REFUSED
            if fault.cure is not Cure.WAIT:
                raise FatalProviderError(f"the API refuses the batch: {fault.message}")
            if not (repeatable or did_nothing):
                raise _unsure(fault.message)
            reason = fault.message
            if tries < TRIES:
                await asyncio.sleep(self._patience.wait(tries, fault.wait))
        kind = ProviderError if repeatable else NotMade
        raise kind(f"the batch API failed {TRIES} times ({reason}); the same command again goes on from here")


def _unsure(reason: str) -> ProviderError:
    return ProviderError(
        f"whether the API made the batch is not known ({reason}); look at its list of batches, "
        "the same command again asks again"
    )


def _outcome(item: Any, secrets: Secrets) -> Outcome:
    """What became of one request. Whatever is not a sound message is a failure."""
    kind = getattr(item.result, "type", None)
    if kind == "succeeded":
        try:
            response = scrubbed(response_of(item.result.message), secrets)
        except NoText as error:
            return Failure(reason=str(error), again=False, usage=replace(error.usage, service_tier="batch"))
        except (ProviderError, AttributeError, TypeError) as error:
            return Failure(reason=f"its result in the batch is broken: {error}", again=False)
        assert response.usage is not None
        return replace(response, usage=replace(response.usage, service_tier="batch"))
    if kind in ("expired", "canceled"):
        return Failure(reason=f"the request was {kind} in its batch", again=True)
    if kind == "errored":
        told = getattr(getattr(item.result, "error", None), "error", None)
        name, message = getattr(told, "type", "unknown"), secrets.scrub(str(getattr(told, "message", "")))[:300]
        refused = name in ("invalid_request_error", "request_too_large", "not_found_error", "permission_error")
        return Failure(
            reason=f"the API {'refuses the request' if refused else 'failed'} ({name}): {message}", again=not refused
        )
    return Failure(reason=f"its result in the batch is of an unknown kind ({str(kind)[:40]})", again=False)
