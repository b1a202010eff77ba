"""What the answers behind a scorecard cost: `NNNN.usage.json`, written only where the answers came from the API.

Here: the value, its sum and its file. Not here: the table of prices.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable
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


def spent(responses: Iterable[Response], prices: PriceTable, day: str, *, factor: float = 1.0) -> Spent | None:
    """What answers cost together at the prices of an ISO day; None unless the API counted the tokens of every one.

    `factor` is what the endpoint adds to the prices. One answer by a model without a known price makes the cost unknown, never smaller.
    """
    meter = Meter(prices, day, factor=factor)
    for response in responses:
        meter.add(response)
    return meter.total


class Meter:
    """Adds up answer by answer what they cost."""

    def __init__(self, prices: PriceTable, day: str, *, factor: float = 1.0) -> None:
        self._factor = factor
        self._prices = prices
        self._day = day
        self._answers = self._counted = self._batch = 0
        self._tokens = [0, 0, 0, 0]
        self._costs = array("d")
        self._unknown = False

    def add(self, response: Response) -> None:
        """Count one answer in."""
        self._answers += 1
        usage = response.usage
        if response.provenance.kind != "api" or not usage:
            return
        self._counted += 1
        self._batch += usage.service_tier == "batch"
        parts = (
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_input_tokens,
            usage.cache_creation_input_tokens,
        )
        self._tokens = [before + more for before, more in zip(self._tokens, parts, strict=True)]
        cost = cost_of(self._prices, response.model or "", usage, self._day)
        if cost is None:
            self._unknown = True
        else:
            self._costs.append(cost)

    @property
    def total(self) -> Spent | None:
        """As `spent` says."""
        if not self._counted or self._counted < self._answers:
            return None
        return Spent(
            answers=self._counted,
            input_tokens=self._tokens[0],
            output_tokens=self._tokens[1],
            cache_read_input_tokens=self._tokens[2],
            cache_creation_input_tokens=self._tokens[3],
            batch_answers=self._batch,
            cost_usd=None if self._unknown else round(self._factor * sum(self._costs), 6),
        )


def cost_of(prices: PriceTable, model: str, usage: Usage, day: str) -> float | None:
    """US dollars for one reply at the prices of an ISO day; None where a price of it is not known."""
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
