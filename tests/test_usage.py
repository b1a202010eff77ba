"""What answers cost: sums, prices, files."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.exchange import Provenance, Response, Usage
from evals.prices import read_prices
from evals.usage import read_usage, spent, usage_path, usage_text

DAY = "2026-11-23"


def response(model: str, cached: int = 0) -> Response:
    counted = Usage(input_tokens=1000, output_tokens=200, cache_read_input_tokens=cached)
    return Response(text="t", provenance=Provenance(kind="api", request_id="r"), model=model, usage=counted)


def test_what_the_api_counted_is_summed_and_priced() -> None:
    total = spent([response("claude-opus-5-5"), response("claude-opus-5-5", 10_000)], read_prices(), DAY)
    assert total is not None
    assert (total.answers, total.input_tokens, total.output_tokens, total.cache_read_input_tokens) == (
        2,
        2000,
        400,
        10_000,
    )
    assert total.cost_usd == pytest.approx((2000 * 4 + 400 * 20 + 10_000 * 0.2) / 1e6)
    assert total.latency_seconds is None


def test_one_unknown_price_makes_the_cost_unknown() -> None:
    total = spent([response("claude-opus-5-5"), response("nobody-knows")], read_prices(), DAY)
    assert total is not None
    assert (total.cost_usd, total.output_tokens) == (None, 400)


def test_answers_that_state_no_usage_have_none() -> None:
    imported = Response(text="t", provenance=Provenance(kind="imported", recording_set="s", declared=(("how", "x"),)))
    assert spent([response("claude-opus-5-5"), imported], read_prices(), DAY) is None


def test_written_then_read_is_the_same(tmp_path: Path) -> None:
    total = spent([response("claude-opus-5-5")], read_prices(), DAY)
    assert total is not None
    usage_path(tmp_path / "0001.jsonl").write_text(usage_text(total), encoding="utf-8")
    assert read_usage(usage_path(tmp_path / "0001.jsonl"), "usage") == total
