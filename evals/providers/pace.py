"""How many requests to one model are under way, and how fast they follow each other.

A window grows with each reply and is cut when the API says that it is too much, as TCP's congestion window does (RFC 5681);
buckets keep requests and tokens a minute below what the API advertises. Not here: what its headers mean.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from evals.exchange import Usage
from evals.providers.rate_limits import Bucket, advertised

START = 32
"""Requests under way at the start. The window doubles with each round trip until the API objects."""
CUT = 0.5
IN_USE = 0.5
"""Share of the window that must be under way for a reply to tell that more would do (RFC 7661)."""
FAULTS_IN_A_ROW = 5
"""So many faults without a reply between them cut the window as a refusal for its rate does."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a request will take, as far as its text tells."""

    input_tokens: int
    most_output_tokens: int
    kind: str = ""
    """Requests of one kind have replies of about one length."""


@dataclass(kw_only=True)
class Pass:
    """Leave to send one request."""

    need: Need
    at: float
    taken: dict[str, float] = field(default_factory=dict)
    """What was taken out of each bucket that was there."""


@dataclass
class Habit:
    """How the estimates for one kind of request fared."""

    replies: int = 0
    estimated: float = 0.0
    counted: float = 0.0
    output: float = 0.0


class Pace:
    """The pace of the requests to one model."""

    def __init__(self, ceiling: int, *, start: int = START) -> None:
        """`ceiling`: the most requests that may ever be under way."""
        self.window = float(min(start, ceiling))
        self._ceiling = ceiling
        self._threshold = math.inf
        self._under_way = 0
        self._faults = 0
        self._cut_at = -math.inf
        self._paused_until = -math.inf
        self._buckets: dict[str, Bucket] = {}
        self._habits: dict[str, Habit] = {}
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    async def admit(self, need: Need) -> Pass:
        """Wait for leave to send a request, in the order of asking. Each pass must be ended once."""
        async with self._turn:
            while (wait := self._wait(need)) > 0:
                self._changed.clear()
                try:
                    async with asyncio.timeout(wait if wait < math.inf else None):
                        await self._changed.wait()
                except TimeoutError:
                    pass
            now = _now()
            self._under_way += 1
            taken = {unit: self._amount(unit, need) for unit in self._buckets}
            for unit, amount in taken.items():
                self._buckets[unit].take(amount, now)
            return Pass(need=need, at=now, taken=taken)

    def answered(self, leave: Pass, usage: Usage, headers: Mapping[str, str]) -> None:
        """The request was answered: what it took is known now, and the window grows."""
        counted = usage.input_tokens + usage.cache_creation_input_tokens
        habit = self._habits.setdefault(leave.need.kind, Habit())
        habit.replies += 1
        habit.estimated += leave.need.input_tokens
        habit.counted += counted
        habit.output += usage.output_tokens
        self._faults = 0
        if self._under_way >= IN_USE * self.window:
            self.window += 1.0 if self.window < self._threshold else 1.0 / self.window
            self.window = min(self.window, float(self._ceiling))
        used = {"input": counted, "output": usage.output_tokens, "tokens": counted + usage.output_tokens, "requests": 1}
        self._end(leave, used, headers)

    def failed(
        self, leave: Pass, headers: Mapping[str, str], *, too_fast: bool = False, wait: float | None = None
    ) -> None:
        """The request was not answered. `too_fast`: the API refused it for its rate; `wait`: seconds that it named."""
        now = _now()
        self._faults += 1
        if too_fast and wait is not None:
            self._paused_until = max(self._paused_until, now + wait)
        if too_fast or self._faults >= FAULTS_IN_A_ROW:
            self._cut(leave, now)
        self._end(leave, {"requests": 1}, headers)

    def dropped(self, leave: Pass) -> None:
        """The request was not sent after all, or given up on this side."""
        self._end(leave, {}, {})

    def _cut(self, leave: Pass, now: float) -> None:
        """Once a round trip: what was sent before the last cut says nothing of the window after it."""
        if leave.at > self._cut_at:
            self._cut_at = now
            self._faults = 0
            self.window = self._threshold = max(1.0, CUT * min(self.window, float(self._under_way)))

    def _end(self, leave: Pass, used: Mapping[str, float], headers: Mapping[str, str]) -> None:
        now = _now()
        self._under_way -= 1
        for unit, amount in leave.taken.items():
            if unit in self._buckets:
                self._buckets[unit].take(used.get(unit, 0.0) - amount, now)
        for unit, told in advertised(headers).items():
            if unit in self._buckets:
                self._buckets[unit].hear(told, now)
            else:
                self._buckets[unit] = Bucket(told, now)
        self._changed.set()

    def _wait(self, need: Need) -> float:
        """Seconds until a request may go; infinite where another one must end first."""
        now = _now()
        if self._under_way >= max(1, math.floor(self.window)):
            return math.inf
        waits = [bucket.wait(self._amount(unit, need), now) for unit, bucket in self._buckets.items()]
        return max([self._paused_until - now, *waits])

    def _amount(self, unit: str, need: Need) -> float:
        """What a request will take of a limit, as requests of its kind did so far."""
        habit = self._habits.get(need.kind)
        ratio = habit.counted / habit.estimated if habit and habit.estimated else 1.0
        output = habit.output / habit.replies if habit else need.most_output_tokens / 4
        sent, back = need.input_tokens * ratio, min(output, need.most_output_tokens)
        return {"requests": 1.0, "input": sent, "output": back, "tokens": sent + back}[unit]


def _now() -> float:
    return asyncio.get_running_loop().time()
