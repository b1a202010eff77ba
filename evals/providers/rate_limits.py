"""The API's rate limits: what its headers say, and a bucket that empties and fills as the API's own does.

Source: the API counts with token buckets, which fill all the time up to the limit a minute (platform documentation, "Rate limits").
Not here: who waits for whom (`pace`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

MINUTE = 60.0
HEADERS = {"requests": "requests", "input": "input-tokens", "output": "output-tokens", "tokens": "tokens"}
"""What is limited, and how the headers spell it. `tokens` is heeded only where input and output are not told apart."""
SURE = 0.1
"""Share of a limit that must be used before the time to its reset says how fast it fills; remainders are rounded."""


@dataclass(frozen=True, kw_only=True)
class Advertised:
    """What the headers of one reply say of one limit."""

    limit: float
    """A minute."""
    remaining: float
    rate: float
    """How much comes back a second."""


def advertised(headers: Mapping[str, str]) -> dict[str, Advertised]:
    """The limits that a reply tells. What is absent or makes no sense is left out."""
    found = {unit: one for unit, name in HEADERS.items() if (one := _limit(headers, f"anthropic-ratelimit-{name}"))}
    if "input" in found or "output" in found:
        found.pop("tokens", None)
    return found


def _limit(headers: Mapping[str, str], prefix: str) -> Advertised | None:
    try:
        limit, remaining = float(headers[f"{prefix}-limit"]), float(headers[f"{prefix}-remaining"])
    except (KeyError, ValueError):
        return None
    if not (0 < limit < 1e12 and 0 <= remaining < math.inf):
        return None
    remaining = min(remaining, limit)
    rate = limit / MINUTE
    until = _seconds_to_reset(headers, prefix)
    if until and limit - remaining >= SURE * limit:
        rate = min(rate, (limit - remaining) / until)
    return Advertised(limit=limit, remaining=remaining, rate=rate)


def _seconds_to_reset(headers: Mapping[str, str], prefix: str) -> float | None:
    """By the server's own clock, since ours may be wrong; None where it does not tell, or for less than the clocks' grain."""
    try:
        reset = datetime.fromisoformat(headers[f"{prefix}-reset"])
        seconds = (reset - parsedate_to_datetime(headers["date"])).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None
    return seconds if 5.0 <= seconds <= 3600.0 else None


class Bucket:
    """One limit, as far as this process knows it. Times are seconds of a monotonic clock."""

    def __init__(self, first: Advertised, now: float) -> None:
        self.limit, self.rate = first.limit, first.rate
        self._level = first.remaining
        self._at = now

    def wait(self, need: float, now: float) -> float:
        """Seconds until so much is there. More than the limit is let through when the bucket is full."""
        missing = min(need, self.limit) - self._now(now)
        return missing / self.rate if missing > 1e-9 else 0.0

    def take(self, amount: float, now: float) -> None:
        """Take out; a negative amount gives back. The level may fall below zero: then it was more than was thought."""
        self._level = min(self._now(now) - amount, self.limit)

    def hear(self, told: Advertised, now: float) -> None:
        """Believe the API where it knows of less than we do: others may share the limit."""
        self.limit, self.rate = told.limit, told.rate
        self._level = min(self._now(now), told.remaining)

    def _now(self, now: float) -> float:
        self._level = min(self.limit, self._level + self.rate * max(0.0, now - self._at))
        self._at = now
        return self._level
