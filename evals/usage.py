"""What the answers behind a scorecard cost: `NNNN.usage.json`, written only where the answers came from the API.

Here: the value, its sum and its file. Not here: the table of prices.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from evals.errors import Fault, InputError
from evals.exchange import Response, Usage
from evals.prices import MILLION, PriceTable
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
    batch_answers: int = 0
    """How many of the answers came out of a batch, at its price."""
    cost_usd: float | None = None
    """US dollars; None where the model's price is not known."""
    latency_seconds: float | None = None
    """Median time to an answer, seconds."""


def spent(responses: Sequence[Response], prices: PriceTable, day: str) -> Spent | None:
    """What answers cost together at the prices of an ISO day; None unless the API counted the tokens of every one.

    One answer by a model without a known price makes the cost unknown, never smaller.
    """
    counted = [(r.model or "", r.usage) for r in responses if r.provenance.kind == "api" and r.usage]
    if not counted or len(counted) < len(responses):
        return None
    costs = [_cost(prices, model, usage, day) for model, usage in counted]
    return Spent(
        answers=len(counted),
        input_tokens=sum(usage.input_tokens for _, usage in counted),
        output_tokens=sum(usage.output_tokens for _, usage in counted),
        cache_read_input_tokens=sum(usage.cache_read_input_tokens for _, usage in counted),
        cache_creation_input_tokens=sum(usage.cache_creation_input_tokens for _, usage in counted),
        batch_answers=sum(usage.service_tier == "batch" for _, usage in counted),
        cost_usd=None if None in costs else round(sum(cost for cost in costs if cost is not None), 6),
    )


def _cost(prices: PriceTable, model: str, usage: Usage, day: str) -> float | None:
    prompt = usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens
    price = prices.price(model, day, prompt)
    if price is None:
        return None
    batch = usage.service_tier == "batch"  # its prompt cache is kept an hour
    parts = (
        (usage.input_tokens, price.input),
        (usage.output_tokens, price.output),
        (usage.cache_read_input_tokens, price.cache_read),
        (usage.cache_creation_input_tokens, price.cache_write_1h if batch else price.cache_write_5m),
    )
    if any(count and each is None for count, each in parts):
        return None
    factor = prices.batch_factor if batch else 1.0
    return factor * sum(count * (each or 0.0) for count, each in parts) / MILLION


def usage_text(total: Spent) -> str:
    """The text of `NNNN.usage.json`."""
    return json.dumps(asdict(total), indent=1, sort_keys=True) + "\n"


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
