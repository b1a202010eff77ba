"""Put many questions to a provider, so many at once, and none any more after a fatal error.

Here: the workers and what becomes of errors. Not here: what is asked, or what is done with the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from evals.errors import FatalProviderError, Fault, MissingRecording, ProviderError

FEW = 3
"""So many missing recordings speak for themselves; more are summed up first."""

T = TypeVar("T")

Progress = Callable[[str, int, int], None]
"""Called with what is going on, how much is done, and how much there is."""


async def ask_all(
    items: Iterable[T],
    ask: Callable[[T], Awaitable[None]],
    failed: Callable[[T, ProviderError], None],
    *,
    jobs: int,
    total: int,
    what: str,
    progress: Progress,
) -> None:
    """Ask about every item, `jobs` at once; an item is taken only when somebody is free for it.

    A failure of the service goes to `failed`. Missing recordings are raised together at the end, in the order of the
    items; anything else, a fatal failure above all, is raised at once, and nothing is asked after it.
    """
    round_ = _Round(items, ask, failed)

    async def work() -> None:
        while await round_.step():
            progress(what, round_.done, total)

    await _together([asyncio.ensure_future(work()) for _ in range(min(jobs, total))])
    faults = [fault for number in sorted(round_.missing) for fault in round_.missing[number]]
    if faults:
        raise MissingRecording(*([_many(what, len(faults))] if len(faults) > FEW else []), *faults)


class _Round(Generic[T]):
    """What several workers share."""

    def __init__(
        self, items: Iterable[T], ask: Callable[[T], Awaitable[None]], failed: Callable[[T, ProviderError], None]
    ) -> None:
        self._rest = iter(enumerate(items))
        self._ask = ask
        self._failed = failed
        self._over = False
        self.missing: dict[int, tuple[Fault, ...]] = {}
        self.done = 0

    async def step(self) -> bool:
        """Ask about the next item; False when there is none, or no more may be asked."""
        taken = None if self._over else next(self._rest, None)
        if taken is None:
            return False
        number, item = taken
        try:
            await self._ask(item)
        except MissingRecording as error:
            self.missing[number] = error.faults
        except ProviderError as error:
            if isinstance(error, FatalProviderError):
                self._over = True
                raise
            self._failed(item, error)
        except BaseException:
            self._over = True
            raise
        self.done += 1
        return True


async def _together(workers: list[asyncio.Task[None]]) -> None:
    """Wait for all; the first error ends the others."""
    try:
        await asyncio.gather(*workers)
    except BaseException:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        raise


def _many(what: str, count: int) -> str:
    return (
        f"{count} {what} have no recording: the persona, a case or the judge's rubric has changed. "
        "`evals export requests` writes what must be recorded anew"
    )


@contextmanager
def named(place: str) -> Iterator[None]:
    """Say of a missing recording what it would be the recording of."""
    try:
        yield
    except MissingRecording as error:
        raise MissingRecording(f"{place}: {error}") from None
