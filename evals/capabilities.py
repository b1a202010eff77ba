"""What each model takes: a dated table, whose rows a project may replace. Where nothing is known, nothing is held against a model.

Here: reading the table, and what of a request a model is known to refuse. Not here: sending anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from evals.errors import Fault, InputError
from evals.model_name import is_named
from evals.schema import errors_of, schema_text

USUAL_CACHE_MINIMUM = 1024
"""Tokens; taken for models of which it is not known."""


@dataclass(frozen=True, kw_only=True)
class Capability:
    """One model. `None`: not known, and so not held against it."""

    model: str
    source: str = ""
    sampling: bool | None = None
    """Whether it takes `temperature`, `top_p` and `top_k`."""
    thinking_budget: bool | None = None
    """Whether `thinking` may be `enabled` with a budget."""
    thinking_off: bool | None = None
    """Whether `thinking` may be `disabled`."""
    forced_tools: bool | None = None
    """Whether `tool_choice` may force a tool."""
    prefill: bool | None = None
    """Whether the last message may be the assistant's."""
    structured_output: bool | None = None
    """Whether `output_config.format` is followed."""
    prompt_cache_minimum: int = USUAL_CACHE_MINIMUM
    """Tokens below which a prompt is silently not cached."""


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """All rows, with the day on which they were collected."""

    as_of: str
    rows: tuple[Capability, ...]

    def of(self, model: str) -> Capability:
        """The row of a model, by any of its names; one that knows nothing where there is none."""
        return next((row for row in self.rows if is_named(model, row.model)), Capability(model=model))

    def knows(self, model: str) -> bool:
        return any(is_named(model, row.model) for row in self.rows)


def refused(params: Mapping[str, Any], model: Capability) -> list[str]:
    """What of a request, as the Messages API spells it, the model is known to refuse."""
    thinking = _part(params, "thinking").get("type")
    forced = _part(params, "tool_choice").get("type") in ("any", "tool")
    messages = params.get("messages") or [{}]
    asked = (
        (bool({"temperature", "top_p", "top_k"} & params.keys()), model.sampling, "sampling parameters"),
        (thinking == "enabled", model.thinking_budget, "a thinking budget"),
        (thinking == "disabled", model.thinking_off, "thinking to be disabled"),
        (forced, model.forced_tools, "a forced choice of tools"),
        (messages[-1].get("role") == "assistant", model.prefill, "an answer that is begun for it"),
        ("format" in _part(params, "output_config"), model.structured_output, "a schema for its reply"),
    )
    return [what for used, taken, what in asked if used and taken is False]


def _part(params: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = params.get(name)
    return part if isinstance(part, Mapping) else {}


def read_capabilities(own: Path | None = None) -> Capabilities:
    """The table that is shipped, behind the rows of the project's own file where there is one.

    Raises InputError with everything that is wrong in it.
    """
    shipped = _read(resources.files("evals").joinpath("data/models.json").read_text(encoding="utf-8"), "models.json")
    if own is None or not own.is_file():
        return shipped
    try:
        text = own.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(Fault(message=f"is not readable ({error})", file=own.name)) from None
    mine = _read(text, own.name)
    return Capabilities(as_of=mine.as_of, rows=mine.rows + shipped.rows)


def _read(text: str, shown: str) -> Capabilities:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(Fault(message=f"is no readable table of models ({error})", file=shown)) from None
    wrong = errors_of(data, schema_text("models.schema.json"))
    if wrong:
        raise InputError(*[Fault(message=message, file=shown) for message in wrong])
    return Capabilities(as_of=data["as_of"], rows=tuple(Capability(**row) for row in data["models"]))
