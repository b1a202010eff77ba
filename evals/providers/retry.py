"""Patience with a service: how long to wait before asking again, and when to stop asking.

Here: arithmetic and headers. Not here: which faults pass (`live_faults`), or any call.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from evals.errors import Halted

LONGEST_WAIT = 600.0
"""Seconds; a longer `retry-after` is cut to it. A first tier's bucket of input tokens takes about 170 s to fill."""
FEWEST_RETRIES = 200
RETRIES_PER_JOB = 10
"""So many retries for each request that may be under way are allowed in any run, so that a short outage does not end it."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Exponential backoff with full jitter, in seconds.

    Source: Brooker (2015), "Exponential Backoff And Jitter": full jitter spreads clients best.
    """

    first: float = 0.5
    longest: float = 60.0
    random: random.Random = field(default_factory=random.Random, repr=False, compare=False)

    def wait(self, tries: int, named: float | None = None) -> float:
        """Seconds to wait after so many tries (from 1). Never less than the service named, nor more than LONGEST_WAIT."""
        own = self.random.uniform(0.0, min(self.longest, self.first * 2.0 ** min(tries - 1, 60)))
        return min((named or 0.0) + own, max(LONGEST_WAIT, self.longest))


class RetryBudget:
    """What one run may ask again. A service that fails nearly always is left alone, not hammered."""

    def __init__(self, jobs: int) -> None:
        self.retries = 0
        self._begun = 0
        self._floor = max(FEWEST_RETRIES, RETRIES_PER_JOB * jobs)

    def begin(self) -> None:
        """A request is asked for the first time; each allows one more retry."""
        self._begun += 1

    def spend(self, reason: str) -> None:
        """A request is asked again. Raises Halted where too many were."""
        if self.retries >= self._floor + self._begun:
            raise Halted(
                f"the service fails too often: {self.retries} requests were asked again, of {self._begun} in all; the last "
                f"failed so: {reason}; all answers are kept, and the same command goes on later"
            )
        self.retries += 1


def named_wait(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that `retry-after-ms` or `retry-after` asks for, 0 to LONGEST_WAIT; None where absent or unreadable.

    `retry-after` is a number of seconds or an HTTP date (RFC 9110, 10.2.3); `now` is when the reply came.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    seconds = milliseconds / 1000 if milliseconds is not None else _number(headers.get("retry-after", ""))
    if seconds is None:
        try:
            date = parsedate_to_datetime(headers.get("retry-after", ""))
            seconds = (date.astimezone(UTC) - (now or datetime.now(UTC))).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number
