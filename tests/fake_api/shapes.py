"""Every request against the SDK's own types: JSON Schemas made from its TypedDicts, closed against unknown fields.

Not in the types, but documented of the API, is what `beyond` looks for. Not here: what is replied.
"""

from __future__ import annotations

import functools
import re
from typing import Any

CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
HEADERS = ("user_profile_id", "workspace_id")
"""Parameters of the SDK's methods that travel as headers, not in the body."""
FORCED = ("any", "tool")
MOST_BREAKPOINTS = 4


def faults_of(kind: str, body: Any) -> list[str]:
    """What is wrong with a body of `message`, `stream`, `count` or `batch`; empty for a sound one."""
    found = [f"{error.json_path}: {error.message[:300]}" for error in _validator(kind).iter_errors(body)]
    if found:
        return found
    if kind != "batch":
        return beyond(body)
    ids = [line["custom_id"] for line in body["requests"]]
    wrong = [f"custom_id {one!r} is not allowed" for one in ids if not CUSTOM_ID.fullmatch(one)]
    if len(set(ids)) < len(ids):
        wrong.append("custom_ids are not unique")
    for line in body["requests"]:
        params = line["params"]
        wrong += beyond(params)
        if params.get("stream") or params["max_tokens"] < 1 or params.get("speed") == "fast":
            wrong.append("batches do not take stream, max_tokens 0 or speed fast")
    return wrong


def beyond(params: dict[str, Any]) -> list[str]:
    """Rules of the current models that no type expresses."""
    wrong = []
    if params["messages"][-1]["role"] == "assistant":
        wrong.append("messages: the last turn must be the user's, prefill is not supported")
    if params.get("tool_choice", {}).get("type") in FORCED:
        wrong.append("tool_choice: tools cannot be forced")
    if params.get("thinking", {}).get("type") == "disabled":
        wrong.append("thinking: cannot be disabled")
    if str(params).count("'cache_control'") > MOST_BREAKPOINTS:
        wrong.append("cache_control: at most four breakpoints")
    return wrong


@functools.cache
def _validator(kind: str) -> Any:
    from anthropic.types import message_count_tokens_params, message_create_params
    from anthropic.types.messages import batch_create_params
    from jsonschema import Draft202012Validator
    from pydantic import TypeAdapter
    from referencing import Registry

    types: dict[str, Any] = {
        "message": message_create_params.MessageCreateParamsNonStreaming,
        "stream": message_create_params.MessageCreateParamsStreaming,
        "count": message_count_tokens_params.MessageCountTokensParams,
        "batch": batch_create_params.BatchCreateParams,
    }
    schema = TypeAdapter(types[kind]).json_schema()
    for name in HEADERS:
        schema["properties"].pop(name, None)
    _close(schema)
    return Draft202012Validator(schema, registry=Registry())


def _close(node: Any) -> None:
    """Allow no other fields than those that are named."""
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _close(part)
    if isinstance(node, dict) and node.get("type") == "object" and isinstance(node.get("properties"), dict):
        node.setdefault("additionalProperties", False)
