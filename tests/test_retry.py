"""Waits before asking again, and how much asking again is allowed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import Halted
from evals.providers.retry import FEWEST_RETRIES, LONGEST_WAIT, Patience, RetryBudget, named_wait

NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)


@given(st.integers(1, 10_000), st.one_of(st.none(), st.floats(0, LONGEST_WAIT)), st.integers())
def test_a_wait_is_what_was_named_and_a_little_more(tries: int, named: float | None, seed: int) -> None:
    wait = Patience(random=random.Random(seed)).wait(tries, named)
    assert (named or 0.0) <= wait <= min(LONGEST_WAIT, (named or 0.0) + 60.0)


def test_the_jitter_is_full_and_its_range_doubles() -> None:
    patience = Patience(first=1.0, longest=8.0, random=random.Random(1))
    waits = {tries: [patience.wait(tries) for _ in range(2000)] for tries in (1, 2, 3, 4, 9)}
    for tries, most in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (9, 8.0)):
        assert max(waits[tries]) <= most
        assert max(waits[tries]) > 0.95 * most
        assert min(waits[tries]) < 0.05 * most


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "90"}, 90.0),
        ({"retry-after": "601"}, LONGEST_WAIT),
        ({"retry-after": "inf"}, LONGEST_WAIT),
        ({"retry-after": "-inf"}, 0.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "90"}, 0.25),
        ({"retry-after-ms": "nan", "retry-after": "7"}, 7.0),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=42), usegmt=True)}, 42.0),
        ({"retry-after": format_datetime(NOW - timedelta(days=1), usegmt=True)}, 0.0),
        ({"retry-after": "Fri, 99 Foo 99999"}, None),
        ({}, None),
    ],
)
def test_what_the_api_names(headers: dict[str, str], wait: float | None) -> None:
    assert named_wait(headers, NOW) == wait


@given(st.text(max_size=40))
def test_no_header_makes_it_fail_or_wait_too_long(text: str) -> None:
    wait = named_wait({"retry-after": text, "retry-after-ms": text[::-1]}, NOW)
    assert wait is None or 0 <= wait <= LONGEST_WAIT


def test_a_service_that_fails_nearly_always_is_left_alone() -> None:
    budget = RetryBudget(jobs=8)
    for _ in range(30):
        budget.begin()
    for _ in range(FEWEST_RETRIES + 30):
        budget.spend("busy")
    with pytest.raises(Halted, match=r"230 requests were asked again, of 30 in all; the last failed so: busy"):
        budget.spend("busy")
    budget.begin()
    budget.spend("each request allows one more")
    assert budget.retries == FEWEST_RETRIES + 31
