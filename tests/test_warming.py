"""The first request with a prompt goes alone."""

from __future__ import annotations

import asyncio

import pytest

from evals.providers.warming import LIFETIME, Warming
from tests.virtual_time import now, run


async def ask(warming: Warming, prompt: str, log: list[tuple[str, float]], *, fails: bool = False) -> None:
    async with warming.turn(prompt):
        log.append((prompt, now()))
        await asyncio.sleep(10)
        if fails:
            raise ConnectionError


def times(log: list[tuple[str, float]], prompt: str) -> list[float]:
    return [at for name, at in log if name == prompt]


def test_the_first_goes_alone_and_the_rest_together_each_prompt_for_itself() -> None:
    log: list[tuple[str, float]] = []

    async def main() -> None:
        warming = Warming()
        await asyncio.gather(*(ask(warming, prompt, log) for prompt in "aabab"))

    run(main())
    assert times(log, "a") == [0, 10, 10]
    assert times(log, "b") == [0, 10]


def test_after_a_failure_the_next_one_fills_the_cache() -> None:
    log: list[tuple[str, float]] = []

    async def main() -> None:
        warming = Warming()
        first = asyncio.ensure_future(ask(warming, "a", log, fails=True))
        rest = [asyncio.ensure_future(ask(warming, "a", log)) for _ in range(3)]
        with pytest.raises(ConnectionError):
            await first
        await asyncio.gather(*rest)

    run(main())
    assert times(log, "a") == [0, 10, 20, 20]


def test_a_prompt_that_nobody_used_for_long_is_cold_again() -> None:
    log: list[tuple[str, float]] = []

    async def main() -> None:
        warming = Warming()
        await ask(warming, "a", log)
        await asyncio.sleep(LIFETIME)
        await asyncio.gather(*(ask(warming, "a", log) for _ in range(2)))

    run(main())
    first, second, third = times(log, "a")
    assert (second - first, third - second) == (LIFETIME + 10, 10)


def test_what_is_no_longer_cached_is_forgotten() -> None:
    async def main() -> tuple[int, int]:
        warming = Warming()
        for number in range(1000):
            await ask(warming, f"prompt {number}", [])
        return len(warming._fresh()), len(warming._alone)

    kept, locks = run(main())
    assert kept <= LIFETIME / 10 + 1
    assert locks == 0


def test_one_that_is_canceled_lets_the_next_one_go() -> None:
    log: list[tuple[str, float]] = []

    async def main() -> None:
        warming = Warming()
        first = asyncio.ensure_future(ask(warming, "a", log))
        second = asyncio.ensure_future(ask(warming, "a", log))
        await asyncio.sleep(1)
        first.cancel()
        await asyncio.wait([first])
        await second

    run(main())
    assert times(log, "a") == [0, 1]
