"""Rate-limit headers, and the bucket that follows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.providers.rate_limits import Advertised, Bucket, advertised

PREFIX = "anthropic-ratelimit-"


def headers(unit: str, limit: str, remaining: str, **more: str) -> dict[str, str]:
    return {f"{PREFIX}{unit}-limit": limit, f"{PREFIX}{unit}-remaining": remaining, **more}


def test_each_limit_is_read() -> None:
    told = advertised(
        headers("requests", "50", "49")
        | headers("input-tokens", "30000", "29000")
        | headers("output-tokens", "8000", "0")
    )
    assert told == {
        "requests": Advertised(limit=50, remaining=49, rate=50 / 60),
        "input": Advertised(limit=30000, remaining=29000, rate=500),
        "output": Advertised(limit=8000, remaining=0, rate=8000 / 60),
    }


def test_the_sum_of_tokens_counts_only_where_the_parts_are_not_told() -> None:
    both = headers("tokens", "40000", "1000")
    assert set(advertised(both)) == {"tokens"}
    assert set(advertised(both | headers("input-tokens", "30000", "29000"))) == {"input"}


def test_a_slower_bucket_is_recognised_by_its_reset() -> None:
    """A first tier's input tokens come back over 171 s, not 60."""
    reset = {f"{PREFIX}input-tokens-reset": "2026-11-28T12:02:51Z", "date": "Sat, 28 Nov 2026 12:00:00 GMT"}
    slow = advertised(headers("input-tokens", "30000", "0", **reset))["input"]
    assert slow.rate == pytest.approx(30000 / 171)
    nearly_full = advertised(headers("input-tokens", "30000", "29000", **reset))["input"]
    assert nearly_full.rate == 500, "remainders are rounded, and say nothing of the rate where little is used"


@pytest.mark.parametrize(
    ("limit", "remaining"),
    [("", "1"), ("x", "1"), ("0", "0"), ("-5", "1"), ("nan", "1"), ("50", "nan"), ("50", "-1"), ("inf", "1")],
)
def test_headers_that_make_no_sense_are_left_out(limit: str, remaining: str) -> None:
    assert advertised(headers("requests", limit, remaining)) == {}


def test_a_remainder_above_its_limit_is_the_limit() -> None:
    assert advertised(headers("requests", "50", "1e9"))["requests"].remaining == 50


def test_a_bucket_fills_with_time_and_never_above_its_limit() -> None:
    bucket = Bucket(Advertised(limit=60, remaining=0, rate=1), now=0)
    assert bucket.wait(10, 0) == 10
    assert bucket.wait(10, 4) == 6
    assert bucket.wait(60, 1e6) == 0
    bucket.take(60, 1e6)
    assert bucket.wait(1, 1e6) == 1


def test_what_is_larger_than_the_limit_goes_when_the_bucket_is_full() -> None:
    bucket = Bucket(Advertised(limit=60, remaining=30, rate=1), now=0)
    assert bucket.wait(1000, 0) == 30
    bucket.take(1000, 30)
    assert bucket.wait(1, 30) == pytest.approx(941)


def test_others_share_the_limit() -> None:
    bucket = Bucket(Advertised(limit=60, remaining=60, rate=1), now=0)
    bucket.hear(Advertised(limit=60, remaining=5, rate=1), 0)
    assert bucket.wait(6, 0) == 1
    bucket.hear(Advertised(limit=60, remaining=50, rate=1), 0)
    assert bucket.wait(6, 0) == 1, "it knows of requests that the reply does not"


@given(
    st.floats(1, 1e4),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100)), max_size=60),
)
def test_never_more_goes_than_the_limit_and_what_came_back(limit: float, asked: list[tuple[float, float]]) -> None:
    bucket = Bucket(Advertised(limit=limit, remaining=limit, rate=limit / 60), now=0)
    now = went = 0.0
    for share, gap in asked:
        now += gap
        need = share * limit
        now += bucket.wait(need, now)
        bucket.take(need, now)
        went += need
        assert went <= limit + now * limit / 60 + 1e-6 * limit
