"""Prices: dates, tiers, unknown models, tables of one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.errors import InputError
from evals.prices import cost, read_prices

TABLE = read_prices()


def test_a_price_holds_between_its_dates() -> None:
    before, after = TABLE.price("claude-sonnet-5-5", "2026-10-06"), TABLE.price("claude-sonnet-5-5", "2026-10-07")
    assert before is not None
    assert after is not None
    assert (before.cache_read, after.cache_read) == (0.2, 0.1)


@pytest.mark.parametrize(("prompt", "expected"), [(100_000, 0.1), (100_001, 0.5)])
def test_a_long_prompt_has_its_own_price(prompt: int, expected: float) -> None:
    price = TABLE.price("claude-haiku-5-5", "2026-11-23", prompt)
    assert price is not None
    assert price.input == expected


def test_a_dated_name_has_the_price_of_its_model_and_no_other() -> None:
    price = TABLE.price("claude-haiku-4-5-20251001", "2026-11-23")
    assert price is not None
    assert price.model == "claude-haiku-4-5"
    assert TABLE.price("claude-opus-5-9", "2026-11-23") is None
    assert TABLE.price("somebody-elses", "2026-11-23") is None


def test_cost_is_tokens_times_price() -> None:
    price = TABLE.price("claude-opus-5-5", "2026-11-23")
    assert price is not None
    assert cost(price, input_tokens=500_000, output_tokens=100_000) == pytest.approx(2 + 2)
    assert cost(price, input_tokens=500_000, output_tokens=100_000, factor=TABLE.batch_factor) == pytest.approx(2)


def test_a_table_of_ones_own_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    row = {"model": "mine", "input": 1, "output": 2, "source": "contract"}
    path.write_text(json.dumps({"as_of": "2027-01-01", "batch_factor": 1, "prices": [row]}), encoding="utf-8")
    own = read_prices(path).price("mine", "2027-01-02")
    assert own is not None
    assert own.output == 2
    path.write_text(
        json.dumps({"as_of": "2027-01-01", "batch_factor": 1, "prices": [{**row, "input": -1}]}), encoding="utf-8"
    )
    with pytest.raises(InputError, match="input"):
        read_prices(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="no readable table"):
        read_prices(path)
