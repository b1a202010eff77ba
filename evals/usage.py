"""What the answers behind a scorecard cost: `NNNN.usage.json`, written only where the answers came from the API.

Here: the value and its file. Not here: prices.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from evals.errors import Fault, InputError
from evals.schema import errors_of, schema_text


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Totals over the answers of one scorecard. What was not measured is None, never zero."""

    answers: int
    """How many answers the totals are over."""
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cost_usd: float | None = None
    """US dollars; None where the model's price is not known."""
    latency_seconds: float | None = None
    """Median time to an answer, seconds."""


def usage_path(card: Path) -> Path:
    """Where the usage of the scorecard `NNNN.jsonl` is kept."""
    return card.with_name(card.name.removesuffix(".jsonl") + ".usage.json")


def read_usage(path: Path, shown: str) -> Spent | None:
    """The usage in a file; None where there is no file. Raises InputError for a file that holds something else."""
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(Fault(message=f"is not readable JSON ({error})", file=shown)) from None
    wrong = errors_of(data, schema_text("usage.schema.json"))
    if wrong:
        raise InputError(*[Fault(message=message, file=shown) for message in wrong])
    return Spent(**data)
