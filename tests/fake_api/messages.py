"""What the API says: ids, messages, usage, models, errors, and the events of a stream. Not here: how it is sent."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

Params = dict[str, Any]
Body = dict[str, Any]

SMALLEST_PREFIX = 1024
"""Tokens from which on a marked system prompt is put into the prompt cache."""
_numbers = itertools.count(1)


def new_id(prefix: str) -> str:
    """An id of the API's form, unlike every other of this process: `msg_01` and 22 letters and digits."""
    return f"{prefix}_01{next(_numbers):022d}"


def batch_id(number: int) -> str:
    """Id of the server's nth batch, from 1."""
    return f"msgbatch_01{number:022d}"


def error(kind: str, text: str, **details: str) -> Body:
    told: Body = {"type": kind, "message": text}
    if details:
        told["details"] = details
    return {"type": "error", "error": told, "request_id": new_id("req")}


def texts(content: Any) -> str:
    """The text of a system prompt or message, whichever way it is spelled."""
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content or ())


def count(text: str) -> int:
    """Tokens, roughly; the same for the same text."""
    return len(text) // 4 + 1


class PromptCache:
    """Which system prompts were read before: the first request of one pays for writing it, later ones read it."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()

    def usage(self, params: Params, text: str, tier: str) -> Body:
        system = texts(params.get("system"))
        asked = count("".join(texts(turn["content"]) for turn in params["messages"]))
        size = count(system) if system else 0
        marked = isinstance(params.get("system"), list) and any("cache_control" in one for one in params["system"])
        written = read = 0
        if marked and size >= SMALLEST_PREFIX:
            key = (params["model"], system)
            written, read = (0, size) if key in self._known else (size, 0)
            self._known.add(key)
            size = 0
        return {
            "input_tokens": asked + size,
            "output_tokens": count(text),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "service_tier": tier,
        }


def message(text: str, params: Params, usage: Body, **more: Any) -> Body:
    """A whole reply. `more` replaces fields of it: `stop_reason="refusal"`."""
    return {
        "id": new_id("msg"),
        "type": "message",
        "role": "assistant",
        "model": params["model"],
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    } | more


def events(whole: Body) -> Iterator[bytes]:
    """The server-sent events that a message is streamed as."""
    opening = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    yield _event("message_start", message=opening)
    yield _event("ping")
    for index, block in enumerate(whole["content"]):
        yield _event("content_block_start", index=index, content_block={**block, "text": ""})
        for start in range(0, len(block["text"]), 400):
            piece = {"type": "text_delta", "text": block["text"][start : start + 400]}
            yield _event("content_block_delta", index=index, delta=piece)
        yield _event("content_block_stop", index=index)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
    yield _event("message_delta", delta=delta, usage={"output_tokens": whole["usage"]["output_tokens"]})
    yield _event("message_stop")


def _event(kind: str, **data: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()


def model_info(name: str) -> Body:
    return {
        "id": name,
        "type": "model",
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-10-01T00:00:00Z",
        "lifecycle": "active",
        "line": None,
        "capabilities": None,
        "max_input_tokens": 1_000_000,
        "max_tokens": 64_000,
    }


def page(items: list[Body], query: dict[str, str]) -> Body:
    """A page of a list, as `limit`, `after_id` and `before_id` ask."""
    names = [item["id"] for item in items]
    if (after := query.get("after_id")) is not None:
        items = items[names.index(after) + 1 :] if after in names else []
    elif (before := query.get("before_id")) is not None:
        items = items[: names.index(before)] if before in names else []
    limit = int(query.get("limit", "20"))
    shown = items[:limit]
    return {
        "data": shown,
        "has_more": len(items) > limit,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
    }
