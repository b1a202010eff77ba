"""Money: bounds, what replies cost, and a limit that is never passed."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import Halted, InputError
from evals.exchange import Message, Request, Settings, Usage
from evals.prices import read_prices
from evals.spending import Spending
from tests.virtual_time import run

PRICES = read_prices()
DAY = "2026-11-28"
REQUEST = Request(
    model="claude-opus-5-5",
    system="s" * 2000,
    messages=(Message(role="user", text="ä" * 1000),),
    settings=Settings(max_tokens=10_000),
)
USAGE = Usage(input_tokens=1000, output_tokens=1000)
COST = (1000 * 4 + 1000 * 20) / 1e6


def test_a_bound_is_every_byte_a_token_and_every_token_written() -> None:
    bound = Spending(PRICES, DAY).bound(REQUEST)
    assert bound == pytest.approx(((1000 + 2000 + 2 * 1000) * 8 + 10_000 * 20) / 1e6)


def test_a_longer_prompt_may_have_a_dearer_price() -> None:
    purse = Spending(PRICES, DAY)
    short, long = (replace(REQUEST, model="claude-haiku-5-5", system="s" * size) for size in (10, 100_000))
    assert (purse.bound(long) or 0) > 4 * (purse.bound(short) or 0)


@given(
    st.sampled_from(["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5", "claude-fable-5-1"]),
    st.text(max_size=300),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_no_reply_costs_more_than_its_bound(model: str, text: str, sent: float, cached: float, back: float) -> None:
    """Whatever is counted, as long as no token is shorter than a byte and the limit of the reply holds."""
    request = replace(REQUEST, model=model, messages=(Message(role="user", text=text),))
    most = 2000 + len(text.encode("utf-8", "surrogatepass"))
    prompt = int(sent * most)
    usage = Usage(
        input_tokens=prompt - int(cached * prompt),
        cache_creation_input_tokens=int(cached * prompt),
        output_tokens=int(back * 10_000),
    )
    purse = Spending(PRICES, DAY)
    cost, bound = purse.cost(model, usage), purse.bound(request)
    assert cost is not None
    assert bound is not None
    assert cost <= bound


def test_an_unknown_price_is_told_never_taken_for_zero() -> None:
    purse = Spending(PRICES, DAY)
    assert purse.check(["nobody-knows", "claude-opus-5-5", "nobody-knows"]) == ["nobody-knows"]
    unknown = replace(REQUEST, model="nobody-knows")

    async def main() -> None:
        async with purse.hold(unknown) as hold:
            hold.bill(purse.cost(unknown.model, USAGE))

    run(main())
    assert purse.so_far is None
    assert (purse.bound(unknown), purse.shown) == (None, "0.00 USD spent, 1 replies at an unknown price")


def test_a_limit_without_a_price_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(InputError, match="no price is known for nobody-knows"):
        Spending(PRICES, DAY, limit=5.0).check(["nobody-knows"])


def test_what_is_not_billed_is_free_and_what_is_lost_counts_whole() -> None:
    purse = Spending(PRICES, DAY)
    bound = purse.bound(REQUEST) or 0

    async def main() -> None:
        async with purse.hold(REQUEST):
            pass
        async with purse.hold(REQUEST) as hold:
            hold.lost = True
        async with purse.hold(REQUEST) as hold:
            hold.bill(purse.cost(REQUEST.model, USAGE))

    run(main())
    assert purse.replies == 1
    assert purse.paid == pytest.approx(COST)
    assert purse.lost == pytest.approx(bound)
    assert purse.so_far == pytest.approx(COST + bound)
    assert purse.shown == f"{COST:.2f} USD spent and up to {bound:.2f} USD for replies that were lost"


def test_a_call_that_is_canceled_may_be_billed() -> None:
    purse = Spending(PRICES, DAY)

    async def call() -> None:
        async with purse.hold(REQUEST):
            await asyncio.sleep(100)

    async def main() -> None:
        task = asyncio.ensure_future(call())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])

    run(main())
    assert purse.lost == purse.bound(REQUEST)


def test_requests_wait_for_money_that_is_under_way() -> None:
    """Room for two bounds: two go at once, and the rest as replies turn out cheaper than they might have been."""
    bound = Spending(PRICES, DAY).bound(REQUEST) or 0
    purse = Spending(PRICES, DAY, limit=2 * bound + 1e-9)
    under_way, most = 0, 0

    async def call() -> None:
        nonlocal under_way, most
        async with purse.hold(REQUEST) as hold:
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(1)
            under_way -= 1
            hold.bill(COST)

    async def main() -> None:
        await asyncio.gather(*(call() for _ in range(8)))

    run(main())
    assert (most, purse.replies) == (2, 8)
    assert purse.paid == pytest.approx(8 * COST)


def test_it_stops_when_the_rest_does_not_suffice_and_nothing_is_under_way() -> None:
    bound = Spending(PRICES, DAY).bound(REQUEST) or 0
    purse = Spending(PRICES, DAY, limit=2 * bound + 1e-9)
    ended: list[str] = []

    async def call() -> None:
        async with purse.hold(REQUEST) as hold:
            await asyncio.sleep(1)
            hold.bill(0.9 * bound)
        ended.append("paid")

    async def main() -> list[BaseException | None]:
        return await asyncio.gather(*(call() for _ in range(5)), return_exceptions=True)

    found = run(main())
    halted = [one for one in found if isinstance(one, Halted)]
    assert (len(halted), ended) == (3, ["paid", "paid"])
    assert "stopped before --max-cost" in str(halted[0])
    assert halted[0].exit_code == 3


@settings(deadline=None, max_examples=50)
@given(
    st.floats(0, 30), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 10), st.booleans()), max_size=40), st.integers()
)
def test_the_limit_is_never_passed(room: float, calls: list[tuple[float, float, bool]], seed: int) -> None:
    bound = Spending(PRICES, DAY).bound(REQUEST) or 0
    purse = Spending(PRICES, DAY, limit=room * bound + 1e-12)
    order = random.Random(seed)

    async def call(share: float, seconds: float, lost: bool) -> None:
        await asyncio.sleep(order.uniform(0, 5))
        async with purse.hold(REQUEST) as hold:
            assert purse.paid + purse.lost + purse._held <= (purse.limit or 0) + 1e-9
            await asyncio.sleep(seconds)
            hold.lost = lost
            hold.bill(share * bound)

    async def main() -> list[BaseException | None]:
        return await asyncio.gather(*(call(*one) for one in calls), return_exceptions=True)

    found = run(main())
    assert all(one is None or isinstance(one, Halted) for one in found)
    assert purse.paid + purse.lost <= (purse.limit or 0) + 1e-9
    assert purse._held == 0


def test_a_region_is_dearer() -> None:
    plain, regional = Spending(PRICES, DAY), Spending(PRICES, DAY, factor=lambda _: PRICES.regional_factor)
    assert (regional.bound(REQUEST) or 0) == pytest.approx(1.1 * (plain.bound(REQUEST) or 0))
    assert (regional.cost(REQUEST.model, USAGE) or 0) == pytest.approx(1.1 * COST)


def test_a_batch_is_taken_whole_or_not_at_all() -> None:
    bound = Spending(PRICES, DAY).bound(REQUEST) or 0
    purse = Spending(PRICES, DAY, limit=2 * bound)
    hold = purse.take([REQUEST] * 3, 0.5)
    assert hold.bound == pytest.approx(1.5 * bound)
    with pytest.raises(Halted, match="2 requests in a batch may cost up to"):
        purse.take([REQUEST] * 2, 0.5)
    for _ in range(3):
        purse.book(REQUEST.model, replace(USAGE, service_tier="batch"), None)
    purse.give(hold)
    assert purse.replies == 3
    assert purse.paid == pytest.approx(1.5 * COST)
    purse.take([REQUEST] * 2, 0.5)


def test_a_batch_that_may_have_been_made_counts_as_much_as_it_can_cost() -> None:
    bound = Spending(PRICES, DAY).bound(REQUEST) or 0
    purse = Spending(PRICES, DAY, limit=2 * bound)
    purse.lose(purse.take([REQUEST] * 2, 0.5))
    assert purse.lost == pytest.approx(bound)
    assert (purse._held, purse._under_way) == (0, 0)
    with pytest.raises(Halted, match=r"up to .* USD for replies that were lost"):
        purse.take([REQUEST] * 3, 0.5)


def test_a_reply_of_a_batch_at_an_unknown_price_counts_as_much_as_it_can_cost() -> None:
    purse = Spending(PRICES, DAY)
    purse.book("no-such-model", USAGE, 0.25)
    assert (purse.paid, purse.unpriced, purse.replies) == (0.25, 1, 1)


def test_a_batch_without_a_price_is_refused_in_words() -> None:
    purse = Spending(PRICES, DAY, limit=1)
    with pytest.raises(Halted, match="has no known price"):
        purse.take([replace(REQUEST, model="no-such-model")], 0.5)
