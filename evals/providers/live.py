"""The Messages API through the anthropic SDK. The only owner of that package, which is slow to import.

A reply that is not a well-formed message is an error, never an answer. A refusal or a reply cut by `max_tokens` is an
answer, with its stop reason.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Literal

from evals.errors import FatalProviderError, InputError, ProviderError
from evals.exchange import Provenance, Request, Response, Usage, request_params

if TYPE_CHECKING:
    import anthropic

DEADLINE = 900.0
"""Seconds for one call as a whole; the SDK's own time-out counts per read."""
KEY_VARIABLE = "ANTHROPIC_API_KEY"


def api_key() -> str:
    """The key from the environment. Raises InputError when it is absent or cannot be a key."""
    key = os.environ.get(KEY_VARIABLE, "")
    if not key.strip() or any(character.isspace() for character in key.strip()):
        message = f"the live provider needs a key in {KEY_VARIABLE}; without one, leave `--provider` out to replay the recordings"
        raise InputError(message)
    return key.strip()


class LiveProvider:
    """Asks the API. Use as `async with`; retries are the SDK's own."""

    def __init__(self, *, retries: int = 4) -> None:
        self._key = api_key()
        self._retries = retries
        self._client: anthropic.AsyncAnthropic | None = None

    async def __aenter__(self) -> LiveProvider:
        import anthropic

        self._client = anthropic.AsyncAnthropic(api_key=self._key, max_retries=self._retries, timeout=DEADLINE)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._client is not None:
            await self._client.close()

    async def respond(self, request: Request) -> Response:
        import anthropic

        assert self._client is not None, "use the provider as `async with`"
        params: dict[str, Any] = with_prompt_cache(request_params(request))
        try:
            async with asyncio.timeout(DEADLINE):
                message = await self._client.messages.create(**params)
        except (
            anthropic.AuthenticationError,
            anthropic.PermissionDeniedError,
            anthropic.NotFoundError,
            anthropic.BadRequestError,
        ) as error:
            raise FatalProviderError(f"the API refuses the request: {error.message}") from error
        except TimeoutError as error:
            raise ProviderError(f"no reply within {DEADLINE:.0f} s") from error
        except (anthropic.AnthropicError, ValueError, AssertionError, TypeError) as error:
            raise ProviderError(f"{type(error).__name__}: {str(error)[:300]}") from error
        return response_of(message)


def with_prompt_cache(params: dict[str, Any], *, ttl: Literal["1h"] | None = None) -> dict[str, Any]:
    """Mark the system prompt for the API's prompt cache (five minutes, or `ttl`); that changes the price, not the answer."""
    control = {"type": "ephemeral"} | ({"ttl": ttl} if ttl else {})
    if "system" in params:
        params["system"] = [{"type": "text", "text": params["system"], "cache_control": control}]
    return params


def response_of(message: object) -> Response:
    """A checked message. The SDK hands through strings, None and half messages when the server sends them."""
    import anthropic

    if (
        not isinstance(message, anthropic.types.Message)
        or not isinstance(message.content, list)
        or message.usage is None
    ):
        raise ProviderError("the API's reply is not a message")
    if message.stop_reason is None:
        raise ProviderError("the API's reply is incomplete")
    text = "".join(block.text for block in message.content if block.type == "text")
    if not text and message.stop_reason == "end_turn":
        raise ProviderError("the API's reply holds no text")
    usage = Usage(
        input_tokens=message.usage.input_tokens,
        output_tokens=message.usage.output_tokens,
        cache_read_input_tokens=message.usage.cache_read_input_tokens or 0,
        cache_creation_input_tokens=message.usage.cache_creation_input_tokens or 0,
    )
    request_id = getattr(message, "_request_id", None) or message.id
    return Response(
        text=text,
        model=message.model,
        stop_reason=message.stop_reason,
        usage=usage,
        provenance=Provenance(kind="api", request_id=request_id),
    )
