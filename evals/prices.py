"""What tokens cost: a dated table, which a project may replace. A model that is not in it has an unknown cost, never zero.

Here: reading the table and the arithmetic. Not here: how many tokens anything takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from evals.errors import Fault, InputError
from evals.model_name import is_named
from evals.schema import errors_of, schema_text

MILLION = 1_000_000
SHIPPED = Path(__file__).parent / "data" / "prices.json"


@dataclass(frozen=True, kw_only=True)
class Price:
    """One row: US dollars per million tokens."""

    model: str
    input: float
    output: float
    cache_write_5m: float | None = None
    cache_write_1h: float | None = None
    cache_read: float | None = None
    valid_from: str = ""
    """ISO date from which it holds; empty: always has."""
    until: str = "9999"
    """ISO date from which it holds no more."""
    up_to_prompt: int | None = None
    """Largest prompt, in tokens, that it holds for; None: any."""
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class PriceTable:
    """All rows, with the day on which they were collected."""

    as_of: str
    batch_factor: float
    """What Message Batches cost, as a share of the price."""
    rows: tuple[Price, ...]
    regional_factor: float = 1.0
    """What a region of Bedrock or Vertex AI costs that is not the global one, as a multiple of the price."""

    def price(self, model: str, day: str, prompt_tokens: int = 0) -> Price | None:
        """The row for a model on an ISO day and for a prompt of that size; None when the table does not know it.

        A name with a date behind it, or one of another platform, has the price of the name without.
        """
        fitting = [
            row
            for row in self.rows
            if is_named(model, row.model)
            and row.valid_from <= day < row.until
            and (row.up_to_prompt is None or prompt_tokens <= row.up_to_prompt)
        ]
        return fitting[0] if fitting else None


def cost(price: Price, *, input_tokens: int, output_tokens: int, factor: float = 1.0) -> float:
    """US dollars for plain input and output; `factor` is the batch factor where it applies."""
    return factor * (price.input * input_tokens + price.output * output_tokens) / MILLION


def project_prices(own: Path) -> PriceTable:
    """The table that is shipped, behind the rows of the project's own file where there is one."""
    shipped = read_prices()
    if not own.is_file():
        return shipped
    mine = read_prices(own)
    return replace(mine, rows=mine.rows + shipped.rows)


def read_prices(path: Path | None = None) -> PriceTable:
    """The table of the given file, else the one that is shipped. Raises InputError with everything that is wrong in it."""
    shown = str(path) if path else "prices.json"
    try:
        text = path.read_text(encoding="utf-8") if path else SHIPPED.read_text(encoding="utf-8")
        data = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(Fault(message=f"is no readable table of prices ({error})", file=shown)) from None
    wrong = errors_of(data, schema_text("prices.schema.json"))
    if wrong:
        raise InputError(*[Fault(message=message, file=shown) for message in wrong])
    return PriceTable(
        as_of=data["as_of"],
        batch_factor=data["batch_factor"],
        regional_factor=data.get("regional_factor", 1.0),
        rows=tuple(_rows(data["prices"])),
    )


def _rows(rows: Iterable[dict[str, object]]) -> Iterable[Price]:
    for row in rows:
        yield Price(**{("valid_from" if name == "from" else name): value for name, value in row.items()})  # type: ignore[arg-type]  # the schema checked it
