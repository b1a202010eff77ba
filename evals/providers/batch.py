"""Message Batches as a provider: half the price, within a day. All requests of a phase are gathered, then answered from the cache.

Here: which requests go into which batch, and what is done with each result. Every answer is in the cache before its batch
is forgotten, so the same command goes on after a stop at any moment. Not here: the calls, or the files.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from evals.canonical import Json
from evals.errors import FatalProviderError, InputError, ProviderError
from evals.exchange import Provider, Request, Response
from evals.providers.batch_api import Failure, NotMade, Outcome, State, line
from evals.providers.batch_ledger import Entry, Ledger
from evals.providers.cached import Cache
from evals.providers.wire import kind_of
from evals.spending import Hold, Spending

MOST_REQUESTS = 100_000
MOST_BYTES = 250_000_000
"""Below the API's 256 MB, whichever megabyte is meant, with room for what surrounds the lines."""
ROUNDS = 3
"""How often a request is submitted whose batch expired, was canceled, or failed."""
READINGS = 5
"""How often results are read that broke off."""
PROBES = 3
"""How many requests are tried one by one before a run is given up without a batch."""


class Api(Protocol):
    """What is needed of Message Batches."""

    @property
    def endpoint(self) -> str: ...
    async def create(self, lines: Sequence[Mapping[str, Json]]) -> str: ...
    async def state(self, batch: str) -> State: ...
    def results(self, batch: str) -> AsyncIterator[tuple[str, Outcome]]: ...
    async def pause(self, tries: int) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often a batch is looked at, in seconds, where the API does not say."""

    first: float = 5.0
    growth: float = 1.5
    longest: float = 300.0

    def waits(self) -> Iterator[float]:
        wait = self.first
        while True:
            yield wait
            wait = min(wait * self.growth, self.longest)


class BatchProvider:
    """Gathers requests into batches, and answers from the cache."""

    def __init__(
        self,
        probe: Provider,
        api: Api,
        cache: Cache,
        ledger: Ledger,
        *,
        say: Callable[[str], None] = lambda _: None,
        spending: Spending | None = None,
        pace: Pace = Pace(),
        most_requests: int = MOST_REQUESTS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """`probe` answers single requests at once: a bad key or an unknown model shows there, and costs no batch."""
        self._probe = probe
        self._api = api
        self._cache = cache
        self._ledger = ledger
        self._say = say
        self._spending = spending
        self._holds: dict[str, Hold] = {}
        self._pace = pace
        self._most = (most_requests, most_bytes)
        self._turn = asyncio.Lock()
        self._proven: set[tuple[str, bool]] = set()
        self._failures: dict[str, str] = {}

    async def respond(self, request: Request) -> Response:
        """The gathered answer. A request that was not gathered makes a batch of its own."""
        response = self._cache.get(request)
        if response is None and request.digest not in self._failures:
            await self.gather([request])
            response = self._cache.get(request)
        if response is None:
            raise ProviderError(self._failures.get(request.digest, "the answer was not kept"))
        return response

    def recall(self, request: Request) -> Response | None:
        """The gathered answer, where the cache has it."""
        return self._cache.get(request)

    async def gather(self, requests: Sequence[Request]) -> None:
        """Have every request answered, or its failure noted. Raises what ends the run: FatalProviderError, ProviderError, InputError."""
        async with self._turn:
            wanted = {}
            for request in requests:
                if self._cache.get(request) is None:
                    wanted[request.digest] = request
                else:
                    self._proven.add(kind_of(request))
            if wanted:
                await self._answer(wanted)

    async def _answer(self, wanted: dict[str, Request]) -> None:
        self._tidy(wanted)
        for number in range(ROUNDS):
            if not wanted:
                return
            await self._submit(self._fresh(wanted))
            failed = await self._collect(wanted)
            self._failures |= {key: failure.reason for key, failure in failed.items()}
            wanted = {key: wanted[key] for key, failure in failed.items() if failure.again}
            if wanted and number + 1 < ROUNDS:
                self._say(f"{len(wanted)} requests came back without an answer and are submitted again")

    def _tidy(self, wanted: Mapping[str, Request]) -> None:
        """Forget batches that are kept whole, and intents: nobody knows whether those became batches."""
        for entry in self._ledger.entries():
            if entry.batch is None:
                self._say(
                    f"a run was stopped while it made a batch of {len(entry.digests)} requests; should the API list a "
                    "batch that no run waits for, cancel it: its requests are asked again where they are needed"
                )
                self._ledger.forget(entry)
            elif all(key not in wanted and self._cache.look(key) for key in entry.digests):
                self._ledger.forget(entry)

    def _fresh(self, wanted: Mapping[str, Request]) -> list[Request]:
        """What is neither answered nor under way."""
        under_way = {key for entry in self._under_way(wanted) for key in entry.digests}
        return [request for key, request in wanted.items() if key not in under_way]

    def _under_way(self, wanted: Mapping[str, Request]) -> list[Entry]:
        entries = [
            entry for entry in self._ledger.entries() if entry.batch and not wanted.keys().isdisjoint(entry.digests)
        ]
        foreign = [entry for entry in entries if entry.endpoint != self._api.endpoint]
        if foreign:
            raise InputError(
                f"batch {foreign[0].batch} holds these requests and was made at another address of the API; set "
                f"ANTHROPIC_BASE_URL as it was, or delete {foreign[0].path} and they are asked and paid again"
            )
        return entries

    async def _submit(self, requests: Sequence[Request]) -> None:
        if requests:
            self._cache.prove()
        rest = await self._probed(requests)
        for part in self._parts(rest):
            batch = await self._made(part)
            self._say(
                f"batch {batch}: {len(part)} requests submitted; a stop does not end it, the same command goes on"
            )

    async def _made(self, part: Sequence[Request]) -> str:
        """The id of a batch of these requests, on disk. What it may cost is reserved until its results are read."""
        hold = self._spending.take(part, self._spending.prices.batch_factor) if self._spending else None
        entry = self._ledger.intend(self._api.endpoint, [request.digest for request in part])
        try:
            batch = await self._api.create([line(request) for request in part])
            self._ledger.made(entry, batch)
        except (FatalProviderError, NotMade):
            self._ledger.forget(entry)
            if self._spending and hold:
                self._spending.give(hold)
            raise
        except BaseException:  # the API may have made it
            if self._spending and hold:
                self._spending.lose(hold)
            raise
        if hold:
            self._holds[batch] = hold
        return batch

    async def _probed(self, requests: Sequence[Request]) -> list[Request]:
        """The requests that remain after one of each kind was answered alone."""
        answered: set[str] = set()
        tried: dict[tuple[str, bool], int] = {}
        for request in requests:
            kind = kind_of(request)
            if kind in self._proven:
                continue
            try:
                self._cache.put(request, await self._probe.respond(request))
            except FatalProviderError:
                raise
            except ProviderError as error:
                tried[kind] = tried.get(kind, 0) + 1
                if tried[kind] >= PROBES:
                    raise ProviderError(f"no batch was made, since single requests fail: {error}") from None
                continue
            self._proven.add(kind)
            answered.add(request.digest)
        return [request for request in requests if request.digest not in answered]

    def _parts(self, requests: Sequence[Request]) -> Iterator[list[Request]]:
        """Runs of requests that fit into a batch. The JSON counted here escapes more than that on the wire."""
        part: list[Request] = []
        size = 0
        for request in requests:
            length = len(json.dumps(line(request))) + 2
            if part and (len(part) >= self._most[0] or size + length > self._most[1]):
                yield part
                part, size = [], 0
            part.append(request)
            size += length
        if part:
            yield part

    async def _collect(self, wanted: Mapping[str, Request]) -> dict[str, Failure]:
        """Wait for every batch that holds a wanted request; the requests that failed."""
        failed: dict[str, Failure] = {}
        waits = self._pace.waits()
        while entries := self._under_way(wanted):
            named: list[float] = []
            for entry in entries:
                assert entry.batch is not None
                state = await self._api.state(entry.batch)
                if state.gone:
                    raise self._gone(entry)
                if state.ended:
                    failed |= await self._read(entry, entry.batch, wanted)
                elif state.wait is not None:
                    named.append(state.wait)
            if self._under_way(wanted):
                own = next(waits)
                await asyncio.sleep(max(named) if named else own)
        return failed

    async def _read(self, entry: Entry, batch: str, wanted: Mapping[str, Request]) -> dict[str, Failure]:
        """Keep every wanted answer of a batch; the wanted failures. Read again until each request had its result."""
        seen: dict[str, Failure | None] = {}
        reason = "they are not complete"
        for tries in range(1, READINGS + 1):
            try:
                await self._take(entry, batch, wanted, seen)
            except FatalProviderError:
                raise
            except ProviderError as error:
                reason = str(error)
            if len(seen) == len(set(entry.digests)):
                self._release(batch)
                return self._settle(entry, wanted, seen)
            if tries < READINGS:
                await self._api.pause(tries)
        raise ProviderError(
            f"the results of batch {batch} cannot be read whole ({reason}); what came is kept, "
            "and the same command again goes on"
        )

    async def _take(
        self, entry: Entry, batch: str, wanted: Mapping[str, Request], seen: dict[str, Failure | None]
    ) -> None:
        """Keep what a stream of results brings, and note which requests had one. Strangers and second results are left."""
        own = set(entry.digests)
        async for key, outcome in self._api.results(batch):
            if key not in own or key in seen:
                continue
            self._book(outcome, wanted.get(key))
            if not isinstance(outcome, Failure) and key in wanted:
                self._cache.put(wanted[key], outcome)
            seen[key] = outcome if isinstance(outcome, Failure) else None

    def _book(self, outcome: Outcome, request: Request | None) -> None:
        if not outcome.usage or not self._spending:
            return
        named = outcome.model if isinstance(outcome, Response) else None
        most = self._spending.bound(request) if request else None
        share = None if most is None else most * self._spending.prices.batch_factor
        self._spending.book(request.model if request else named or "", outcome.usage, share)

    def _release(self, batch: str) -> None:
        """What a batch was allowed to cost is free again: what it did cost is known."""
        hold = self._holds.pop(batch, None)
        if hold and self._spending:
            self._spending.give(hold)

    def _settle(
        self, entry: Entry, wanted: Mapping[str, Request], seen: Mapping[str, Failure | None]
    ) -> dict[str, Failure]:
        """Keep on record the answers that nobody wanted yet, since they are paid; the wanted failures."""
        failed = {key: failure for key, failure in seen.items() if failure}
        later = [
            key for key in entry.digests if key not in wanted and key not in failed and self._cache.look(key) is None
        ]
        self._ledger.keep(entry, later)
        self._say(f"batch {entry.batch}: ended, {len(seen) - len(failed)} answered, {len(failed)} not")
        return {key: failure for key, failure in failed.items() if key in wanted}

    @staticmethod
    def _gone(entry: Entry) -> InputError:
        return InputError(
            f"the API no longer has batch {entry.batch}, or not for this key; use the key that made it, or delete "
            f"{entry.path} and its requests are asked and paid again"
        )
