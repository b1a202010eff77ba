"""Money under way and money spent, held against a limit that is never passed.

Before a request is sent, the most that it can cost is reserved; what it did cost replaces that when its reply is there.
Not here: prices, or the requests themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from evals.errors import Halted, InputError
from evals.exchange import Request, Usage
from evals.prices import MILLION, PriceTable
from evals.tokens import most_prompt_tokens
from evals.usage import cost_of

DEAREST_WRITE = 2.0
"""Price of writing a token into the prompt cache, as a multiple of its plain price, where a table does not state it."""


@dataclass
class Hold:
    """What is reserved for one request under way, in US dollars, and what became of it. Free until said otherwise."""

    bound: float | None
    """None where the price is not known."""
    billed: bool = False
    """Whether a reply came whose tokens are counted."""
    cost: float | None = None
    """What that reply cost; None where a price is not known."""
    lost: bool = False
    """Whether the reply was lost, so that nobody can tell what it cost: then it counts as much as it can have cost."""

    def bill(self, cost: float | None) -> None:
        self.billed, self.cost = True, cost


class Spending:
    """One run's money. The limit holds over everything that the run asks, answers and judges."""

    def __init__(
        self,
        prices: PriceTable,
        day: str,
        *,
        limit: float | None = None,
        factor: Callable[[str], float] = lambda _: 1.0,
    ) -> None:
        """`day`: ISO date whose prices hold. `limit`: US dollars. `factor`: what the endpoint adds to a model's price."""
        self.prices = prices
        self.limit = limit
        self.paid = 0.0
        """US dollars for replies whose tokens were counted."""
        self.lost = 0.0
        """US dollars at the most, for requests whose replies were lost."""
        self.replies = 0
        self.unpriced = 0
        """Replies whose cost is not known."""
        self._day = day
        self._factor = factor
        self._held = 0.0
        self._under_way = 0
        self._turn = asyncio.Lock()
        self._released = asyncio.Event()

    def check(self, models: Sequence[str]) -> list[str]:
        """The models without a known price. Raises InputError where there is a limit, which could not be kept."""
        unknown = [model for model in dict.fromkeys(models) if self.prices.price(model, self._day) is None]
        if unknown and self.limit is not None:
            raise InputError(
                f"--max-cost cannot be kept: no price is known for {', '.join(unknown)}; state it in prices.json "
                "beside cases/ (docs/running-live.md)"
            )
        return unknown

    def bound(self, request: Request) -> float | None:
        """US dollars that a request can cost at the most; None where the price is not known."""
        prompt = most_prompt_tokens(request)
        price = self.prices.price(request.model, self._day, prompt)
        if price is None:
            return None
        writes = [price.cache_write_5m, price.cache_write_1h]
        dearest = max(price.input, *(DEAREST_WRITE * price.input if one is None else one for one in writes))
        cost = (prompt * dearest + request.settings.max_tokens * price.output) / MILLION
        return cost * self._factor(request.model)

    def cost(self, model: str, usage: Usage) -> float | None:
        """US dollars that a reply cost; None where a price is not known."""
        cost = cost_of(self.prices, model, usage, self._day)
        return None if cost is None else cost * self._factor(model)

    @asynccontextmanager
    async def hold(self, request: Request) -> AsyncIterator[Hold]:
        """Reserve for one request. Raises Halted where nothing is under way any more and the rest does not suffice."""
        hold = Hold(bound=self.bound(request))
        await self._reserve(hold.bound)
        try:
            yield hold
        except asyncio.CancelledError:
            hold.lost = True
            raise
        finally:
            self._settle(hold)

    def take(self, requests: Sequence[Request], share: float) -> Hold:
        """Reserve at once for requests that are sent together at a share of the price. Raises Halted where that is too much."""
        bounds = [self.bound(request) for request in requests]
        bound = None if None in bounds else share * sum(one for one in bounds if one is not None)
        if not self._fits(bound):
            raise Halted(
                f"{len(requests)} requests in a batch {_at_most(bound)}, and a batch cannot be stopped when it becomes dear: "
                f"{self.shown or 'nothing spent'} of --max-cost {self.limit:.2f} USD; this batch was not submitted"
            )
        self._open(bound)
        return Hold(bound=bound)

    def give(self, hold: Hold) -> None:
        """Free what `take` reserved: what came of it is booked, or nothing was asked."""
        self._close(hold.bound)

    def lose(self, hold: Hold) -> None:
        """Settle what `take` reserved for requests of which nobody can tell what they cost."""
        hold.lost = True
        self._settle(hold)

    def book(self, model: str, usage: Usage, bound: float | None) -> None:
        """Count a reply to a request that was sent with others. `bound`: what it counts as where its price is not known."""
        self._book(self.cost(model, usage), bound)

    @property
    def so_far(self) -> float | None:
        """US dollars at the most that were spent so far; None while nothing was asked, or where no price is known."""
        known = self.replies > self.unpriced or self.lost > 0
        return self.paid + self.lost if known else None

    @property
    def shown(self) -> str:
        """What was spent so far, for people; empty while nothing was asked."""
        if not (self.replies or self.lost):
            return ""
        money = f"{self.paid:.2f} USD spent"
        if self.lost:
            money += f" and up to {self.lost:.2f} USD for replies that were lost"
        return money + (f", {self.unpriced} replies at an unknown price" if self.unpriced else "")

    async def _reserve(self, bound: float | None) -> None:
        if self.limit is None:
            self._open(bound)
            return
        async with self._turn:
            while not self._fits(bound):
                if not self._under_way:
                    raise self._halted(bound)
                self._released.clear()
                await self._released.wait()
            self._open(bound)

    def _fits(self, bound: float | None) -> bool:
        if self.limit is None:
            return True
        return bound is not None and self.paid + self.lost + self._held + bound <= self.limit

    def _open(self, bound: float | None) -> None:
        self._under_way += 1
        self._held += bound or 0.0

    def _close(self, bound: float | None) -> None:
        self._under_way -= 1
        self._held = self._held - (bound or 0.0) if self._under_way else 0.0
        self._released.set()

    def _settle(self, hold: Hold) -> None:
        self._close(hold.bound)
        if hold.lost:
            self.lost += hold.bound or 0.0
        elif hold.billed:
            self._book(hold.cost, hold.bound)

    def _book(self, cost: float | None, bound: float | None) -> None:
        self.replies += 1
        self.unpriced += cost is None
        self.paid += (bound or 0.0) if cost is None else cost

    def _halted(self, bound: float | None) -> Halted:
        return Halted(
            f"stopped before --max-cost {self.limit:.2f} USD was passed: {self.shown or 'nothing spent'}, and the next "
            f"request {_at_most(bound)}; all answers are kept, and the same command with a higher --max-cost goes on"
        )


def _at_most(bound: float | None) -> str:
    return "has no known price" if bound is None else f"may cost up to {bound:.2f} USD"
