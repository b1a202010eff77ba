"""The pace of requests, on a clock that jumps, against an API that counts as the real one says it does."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.exchange import Usage
from evals.providers.pace import FAULTS_IN_A_ROW, Need, Pace, Pass
from evals.providers.rate_limits import Advertised, Bucket
from tests.virtual_time import now, run

NEED = Need(input_tokens=100, most_output_tokens=1000)
USAGE = Usage(input_tokens=100, output_tokens=50)


@dataclass
class Api:
    """Token buckets and latencies; refuses what is too much."""

    limits: dict[str, float]
    random: random.Random
    most_seconds: float = 20.0
    output: int = 50
    refused: list[float] = field(default_factory=list)
    first_reply: float = float("inf")
    under_way: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self.buckets = {
            name: Bucket(Advertised(limit=limit, remaining=limit, rate=limit / 60), 0)
            for name, limit in self.limits.items()
        }

    async def ask(self, pace: Pace) -> bool:
        leave = await pace.admit(NEED)
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        short = self.buckets["requests"].wait(1 - 1e-6, now())
        if not short:
            self.buckets["requests"].take(1, now())
            await asyncio.sleep(self.random.uniform(0.1, self.most_seconds))
        self.under_way -= 1
        if short:
            self.refused.append(now())
            pace.failed(leave, self.headers(), too_fast=True, wait=short)
            return False
        self.first_reply = min(self.first_reply, now())
        if "output-tokens" in self.buckets:
            self.buckets["output-tokens"].take(self.output, now())
        pace.answered(leave, Usage(input_tokens=100, output_tokens=self.output), self.headers())
        return True

    def headers(self) -> dict[str, str]:
        told: dict[str, str] = {}
        for name, bucket in self.buckets.items():
            bucket.take(0, now())
            told |= {
                f"anthropic-ratelimit-{name}-limit": str(bucket.limit),
                f"anthropic-ratelimit-{name}-remaining": str(max(0.0, bucket._level)),
            }
        return told

    async def until_answered(self, pace: Pace) -> None:
        while not await self.ask(pace):
            pass


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 300), st.integers(1, 60), st.integers(1, 150), st.integers())
def test_requests_stay_below_the_limit_once_it_is_known(limit: int, ceiling: int, count: int, seed: int) -> None:
    api = Api({"requests": float(limit)}, random.Random(seed))

    async def main() -> float:
        pace = Pace(ceiling)
        await asyncio.gather(*(api.until_answered(pace) for _ in range(count)))
        return now()

    took = run(main())
    assert api.most_at_once <= ceiling
    assert all(at <= api.first_reply for at in api.refused), "refused although the limit was known"
    assert took >= (count - limit - 1) / limit * 60, "faster than the limit lets"


@settings(deadline=None, max_examples=20)
@given(st.integers(500, 5000), st.integers(1, 2000), st.integers())
def test_output_tokens_stay_below_the_limit_in_the_long_run(limit: int, output: int, seed: int) -> None:
    api = Api({"requests": 1e6, "output-tokens": float(limit)}, random.Random(seed), output=output)

    async def main() -> float:
        pace = Pace(10)
        await asyncio.gather(*(api.until_answered(pace) for _ in range(80)))
        return now()

    took = run(main())
    ahead = limit + 2 * 10 * output
    """A full bucket at the start, and what was under way while nothing was known of lengths."""
    assert 80 * output <= ahead + took * limit / 60


def test_the_window_doubles_a_round_trip_until_the_ceiling() -> None:
    async def main() -> list[int]:
        pace, rounds = Pace(30, start=4), []
        for _ in range(5):
            passes = [await pace.admit(NEED) for _ in range(int(pace.window))]
            rounds.append(len(passes))
            await asyncio.sleep(1)
            for leave in passes:
                pace.answered(leave, USAGE, {})
        return rounds

    rounds = run(main())
    assert rounds[0] == 4
    assert rounds == sorted(rounds)
    assert rounds[2] >= 8
    assert rounds[-1] <= 30


async def full(pace: Pace) -> list[Pass]:
    return [await pace.admit(NEED) for _ in range(int(pace.window))]


def test_a_refusal_for_the_rate_cuts_once_a_round_trip_and_holds_the_others_back() -> None:
    async def main() -> tuple[float, float, float]:
        pace = Pace(64, start=16)
        passes = await full(pace)
        await asyncio.sleep(1)
        for leave in passes:
            pace.failed(leave, {}, too_fast=True, wait=30.0)
        after = pace.window
        again = await pace.admit(NEED)
        waited = now() - 1
        pace.failed(again, {}, too_fast=True, wait=0.0)
        return after, waited, pace.window

    assert run(main()) == (8.0, 30.0, 1.0)


def test_after_a_cut_the_window_grows_by_one_a_round_trip() -> None:
    async def main() -> tuple[float, float]:
        pace = Pace(64, start=16)
        for leave in await full(pace):
            pace.failed(leave, {}, too_fast=True)
        before = pace.window
        for leave in await full(pace):
            await asyncio.sleep(0.1)
            pace.answered(leave, USAGE, {})
        return before, pace.window

    before, after = run(main())
    assert before == 8
    assert before < after <= before + 1


@pytest.mark.parametrize(("faults", "cut"), [(FAULTS_IN_A_ROW - 1, False), (FAULTS_IN_A_ROW, True)])
def test_only_faults_in_a_row_cut_the_window(faults: int, cut: bool) -> None:
    async def main() -> float:
        pace = Pace(64, start=16)
        passes = await full(pace)
        await asyncio.sleep(1)
        for leave in passes[:faults]:
            pace.failed(leave, {})
        return pace.window

    assert (run(main()) < 16) == cut


def test_a_window_that_is_not_used_does_not_grow() -> None:
    async def main() -> float:
        pace = Pace(64, start=16)
        for _ in range(100):
            pace.answered(await pace.admit(NEED), USAGE, {})
        return pace.window

    assert run(main()) == 16


def test_a_request_that_was_dropped_takes_nothing() -> None:
    headers = {"anthropic-ratelimit-requests-limit": "60", "anthropic-ratelimit-requests-remaining": "1"}

    async def main() -> float:
        pace = Pace(64)
        pace.answered(await pace.admit(NEED), USAGE, headers)
        for _ in range(5):
            pace.dropped(await pace.admit(NEED))
        return now()

    assert run(main()) == 0.0


def test_estimates_learn_from_what_was_counted() -> None:
    """Texts of which the API counts a tenth go ten times as fast as their lengths would let them."""
    headers = {"anthropic-ratelimit-input-tokens-limit": "600", "anthropic-ratelimit-input-tokens-remaining": "600"}

    async def main() -> float:
        pace = Pace(1)
        for _ in range(60):
            pace.answered(await pace.admit(NEED), Usage(input_tokens=10, output_tokens=1), headers)
        return now()

    assert run(main()) <= 20
