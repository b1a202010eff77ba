"""A request as it is sent, and a reply as it is read. A reply that is not a well-formed message is an error, never an answer.

A refusal, or a reply cut by `max_tokens` or by the end of the context, is an answer, with its stop reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from evals.errors import ProviderError
from evals.exchange import Provenance, Request, Response, Usage
from evals.secret import Secrets

COUNTERS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class NoText(ProviderError):
    """A whole reply in which the model said nothing. It was paid, and asking again would be paid again."""

    def __init__(self, usage: Usage) -> None:
        super().__init__("the API's reply holds no text")
        self.usage = usage


def with_prompt_cache(params: dict[str, Any], *, ttl: Literal["1h"] | None = None, shared: str = "") -> dict[str, Any]:
    """Mark the system prompt, a persona or the judge's rubric, for the API's prompt cache (five minutes, or `ttl`).

    `shared`: beginning of the last message that other requests have too; it becomes a block of its own, and is marked as
    well. That changes the price, not the text.
    """
    control = {"type": "ephemeral"} | ({"ttl": ttl} if ttl else {})
    if "system" in params:
        params["system"] = [{"type": "text", "text": params["system"], "cache_control": control}]
    last = params["messages"][-1]
    rest = last["content"].removeprefix(shared)
    if shared and rest.strip() and rest != last["content"]:
        blocks = [{"type": "text", "text": shared, "cache_control": control}, {"type": "text", "text": rest}]
        params["messages"] = [*params["messages"][:-1], {**last, "content": blocks}]
    return params


def response_of(message: object) -> Response:
    """A checked message. The SDK hands through strings, None and half messages when the server sends them."""
    import anthropic

    if not isinstance(message, anthropic.types.Message) or not isinstance(message.content, list):
        raise ProviderError("the API's reply is not a message")
    usage = _usage(message.usage)
    if message.stop_reason is None:
        raise ProviderError("the API's reply is incomplete")
    text = "".join(_text(block) for block in message.content)
    if not isinstance(message.model, str) or not isinstance(message.stop_reason, str):
        raise ProviderError("the API's reply is not a message")
    if not text and message.stop_reason == "end_turn":
        raise NoText(usage)
    request_id = getattr(message, "_request_id", None) or message.id
    return Response(
        text=text,
        model=message.model,
        stop_reason=message.stop_reason,
        usage=usage,
        provenance=Provenance(kind="api", request_id=request_id if isinstance(request_id, str) else None),
    )


def scrubbed(response: Response, secrets: Secrets) -> Response:
    """Without the key, which a service might send back."""
    origin = replace(response.provenance, request_id=secrets.scrub(response.provenance.request_id or "") or None)
    model = secrets.scrub(response.model) if response.model else None
    return replace(response, text=secrets.scrub(response.text), model=model, provenance=origin)


def _text(block: Any) -> str:
    kind, text = getattr(block, "type", None), getattr(block, "text", "")
    if not isinstance(kind, str) or (kind == "text" and not isinstance(text, str)):
        raise ProviderError("the API's reply holds a block that is none")
    return text if kind == "text" else ""


def _usage(told: Any) -> Usage:
    counts = {name: getattr(told, name, None) for name in COUNTERS}
    counts |= {name: 0 for name in COUNTERS[2:] if counts[name] is None}
    if not all(type(count) is int and count >= 0 for count in counts.values()):
        raise ProviderError("the API's reply does not say what it used")
    return Usage(**counts)  # type: ignore[arg-type]  # checked above


def kind_of(request: Request) -> tuple[str, bool]:
    """Requests of one kind are refused as invalid together, or each for a reason of its own."""
    return request.model, request.settings.schema is not None
