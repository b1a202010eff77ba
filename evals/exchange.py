"""What goes to a model and what comes back, and the one seam between: a provider.

Here: the values and the protocol. Not here: any way of answering.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from evals.canonical import Json, canonical, digest

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

UNSTATED = "claude-unstated"
"""Name of the model in recorded requests whose origin does not state it."""

SCRIPTED = "scripted"
"""Name of the model in requests that a text of the project answers. No model has it, so such scores compare with none."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What shapes an answer besides the texts. Unset means the model's default."""

    max_tokens: int
    """Upper limit of the reply, thinking included, in tokens."""
    effort: str | None = None
    schema: str | None = None
    """Canonical JSON Schema that the reply must follow (`output_config.format`)."""


@dataclass(frozen=True)
class Request:
    """Everything that can change an answer, and nothing else. Equal requests share one answer."""

    model: str
    messages: tuple[Message, ...]
    settings: Settings
    system: str | None = None
    """System prompt; None for an empty persona."""
    repeat: int = 1
    """Which of several answers to the same texts: trial index for a persona, vote index for a judge (from 1)."""
    attempt: int | None = None
    """Judge only: 2 when the first reply was invalid."""
    draw: str = "0"
    """Another draw asks again for what is already remembered."""

    @cached_property
    def digest(self) -> str:
        """Identity of the request: its cache key and its `custom_id`."""
        first: Request | None = self.__dict__.get("_first")
        return digest(self) if first is None else first._digest_of(self.repeat)

    def again(self, repeat: int) -> Request:
        """The same request for another answer. Its digest is made, if ever, without spelling the texts anew."""
        other = object.__new__(Request)
        # `replace` takes four times as long
        other.__dict__.update(self._parts, repeat=repeat, _first=self)
        return other

    def _digest_of(self, repeat: int) -> str:
        """The digest of the same request for another answer."""
        head, tail = self._around_repeat
        hashed = head.copy()
        hashed.update(f"{repeat}".encode() + tail)
        return hashed.hexdigest()

    @cached_property
    def _parts(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _around_repeat(self) -> tuple[Hash, bytes]:
        """The hashed part of the canonical spelling that stands before the repeat's number, and the part behind it."""
        # quotes inside strings are escaped, so these bytes stand where the name of the field stands, and nowhere else
        head, mark, tail = canonical(self).encode("utf-8", "surrogatepass").partition(b',"repeat":')
        return hashlib.sha256(head + mark), tail[len(str(self.repeat)) :]

    @property
    def fields(self) -> dict[str, str]:
        """A short spelling of each part, to say which part of two requests differs."""
        parts: dict[str, str | tuple[Message, ...] | None] = {"system": self.system, "messages": self.messages}
        small = {
            "model": self.model,
            "settings": self.settings,
            "repeat": self.repeat,
            "attempt": self.attempt,
            "draw": self.draw,
        }
        return {name: _short(value) for name, value in parts.items()} | {n: canonical(v) for n, v in small.items()}


@lru_cache(maxsize=256)
def _short(part: str | tuple[Message, ...] | None) -> str:
    """A text's digest, cut short. Requests of a run share their texts: a persona is spelled once, not for each answer."""
    return digest(part)[:16]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens as the API counted them."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    service_tier: Literal["batch"] | None = None
    """`batch` for an answer out of a batch, which has another price; None: the usual one."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a response came from. What is not known is None, and shown as not stated."""

    kind: Literal["api", "imported", "scripted"]
    recording_set: str | None = None
    """Name that the importer gave to responses which were made together."""
    declared: tuple[tuple[str, str], ...] = ()
    """What the importer declared of how the responses were made, as (topic, statement), sorted."""
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Response:
    """What came back."""

    text: str
    provenance: Provenance
    model: str | None = None
    """The model as the API named it."""
    stop_reason: str | None = None
    usage: Usage | None = None


class Provider(Protocol):
    """Answers requests. Cache, recordings, the live API and test doubles are all of this shape."""

    async def respond(self, request: Request) -> Response:
        """The response. Raises ProviderError, or MissingRecording where nothing was recorded."""
        ...


@runtime_checkable
class Gatherer(Provider, Protocol):
    """A provider that wants to know what it will be asked, all at once, since it sends many requests together."""

    async def gather(self, requests: Sequence[Request]) -> None:
        """Have the requests answered, so that `respond` has an answer or a ProviderError for each.

        Called before each round of questions. Raises what no request of the round would survive.
        """
        ...


@runtime_checkable
class Rememberer(Provider, Protocol):
    """A provider that can give an answer again, so that a run need not hold the texts of all answers."""

    def recall(self, request: Request) -> Response | None:
        """The answer that `respond` gave before, or None where it is not at hand (any more). Asks nobody."""
        ...


def request_params(request: Request) -> dict[str, Json]:
    """The request as the Messages API spells it (the `params` of a batch line)."""
    params: dict[str, Json] = {
        "model": request.model,
        "max_tokens": request.settings.max_tokens,
        "messages": [{"role": m.role, "content": m.text} for m in request.messages],
    }
    if request.system is not None:
        params["system"] = request.system
    config = _output_config(request.settings)
    if config:
        params["output_config"] = config
    return params


def _output_config(settings: Settings) -> dict[str, Json]:
    import json

    config: dict[str, Json] = {}
    if settings.effort is not None:
        config["effort"] = settings.effort
    if settings.schema is not None:
        config["format"] = {"type": "json_schema", "schema": json.loads(settings.schema)}
    return config
