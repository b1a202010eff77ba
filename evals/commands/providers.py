"""Who answers a run: the providers that `--provider` names, put together, and the purse that they draw on.

Here: composition. Not here: any provider (`evals.providers`), or what is asked of it.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from evals.commands import shared
from evals.errors import InputError
from evals.exchange import SCRIPTED, UNSTATED
from evals.project import Project
from evals.report.safe import plain

if TYPE_CHECKING:
    from evals.case import Suite
    from evals.exchange import Provider
    from evals.prices import PriceTable
    from evals.providers.live import LiveProvider
    from evals.providers.named import NamedProvider
    from evals.recording import Recording
    from evals.spending import Spending
    from evals.trial import Plan
    from evals.usage import Meter

OFFLINE = {"replay": UNSTATED, "scripted": SCRIPTED}
"""Providers that ask no model, and the name that stands in the model's place."""
API = ("live", "batch")


def spending(home: Project, args: argparse.Namespace, models: Sequence[str]) -> Spending:
    """The purse of one call of a verb. Warns of models without a price; raises InputError where `--max-cost` needs one."""
    from evals.prices import project_prices
    from evals.spending import Spending

    prices = project_prices(home.prices)
    purse = Spending(
        prices, today(), limit=args.max_cost, factor=lambda model: price_factor(prices, args.endpoint, model)
    )
    for model in purse.check(models):
        shared.say(
            plain(f"warning: no price is known for {model}: what it costs is not told (prices of {prices.as_of})")
        )
    return purse


def price_factor(prices: PriceTable, at: str, model: str) -> float:
    """What an endpoint adds to the prices of a model, as a factor."""
    from evals.providers.endpoints import regional

    return prices.regional_factor if regional(at, model) else 1.0


def today() -> str:
    """The ISO date whose prices hold."""
    return datetime.now(tz=UTC).date().isoformat()


def meter(home: Project, at: str, model: str) -> Meter:
    """Adds up what answers of a model cost at an endpoint, at the prices of today."""
    from evals.prices import project_prices
    from evals.usage import Meter

    prices = project_prices(home.prices)
    return Meter(prices, today(), factor=price_factor(prices, at, model))


@asynccontextmanager
async def live_provider(
    home: Project, purse: Spending | None = None, *, at: str = "anthropic", jobs: int = 8
) -> AsyncIterator[Provider]:
    """The API behind this machine's memory of what it already answered."""
    from evals.providers.cached import Cache, CachedProvider
    from evals.providers.explained import ExplainedProvider

    live = _live(home, purse, at, jobs)
    try:
        with closing(Cache(home.memory / "cache")) as cache:
            async with live:
                yield CachedProvider(ExplainedProvider(live, cache), cache, known=live.knows)
    finally:
        if purse:
            _tell(live)


def _live(home: Project, purse: Spending | None, at: str, jobs: int) -> LiveProvider:
    from evals.capabilities import read_capabilities
    from evals.providers.endpoints import endpoint
    from evals.providers.live import LiveProvider

    place = endpoint(at)
    for warning in place.warnings:
        shared.say(plain(warning))
    return LiveProvider(at=place, spending=purse, jobs=jobs, capabilities=read_capabilities(home.models))


def _tell(live: LiveProvider) -> None:
    """What was spent, where anything was asked."""
    if live.spending.shown or live.retries:
        again = f"; {live.retries} requests had to be asked again" if live.retries else ""
        shared.say(f"{live.spending.shown or 'nothing spent'} on {live.spending.replies} replies{again}")


@asynccontextmanager
async def named_provider(home: Project, own: NamedProvider) -> AsyncIterator[Provider]:
    """A provider of `evals.toml` behind the same memory."""
    from evals.providers.cached import Cache, CachedProvider

    with closing(Cache(home.memory / "cache")) as cache:
        async with own:
            yield CachedProvider(own, cache)


@asynccontextmanager
async def batch_provider(
    home: Project, purse: Spending | None = None, *, at: str = "anthropic", jobs: int = 8
) -> AsyncIterator[Provider]:
    """Message Batches behind the same memory, with the record of the batches that are under way."""
    from evals.providers.batch import BatchProvider
    from evals.providers.batch_api import BatchApi
    from evals.providers.batch_ledger import Ledger
    from evals.providers.cached import Cache, CachedProvider

    live = _live(home, purse, at, jobs)
    if not live.endpoint.batches:
        raise InputError(f"the endpoint `{at}` offers no Message Batches; take `--provider live`")
    api = BatchApi(live.endpoint)
    try:
        with closing(Ledger(home.memory / "batches")) as ledger, closing(Cache(home.memory / "cache")) as cache:
            async with live, api:
                yield BatchProvider(
                    CachedProvider(live, cache),
                    api,
                    cache,
                    ledger,
                    say=lambda text: shared.say(plain(text)),
                    spending=live.spending,
                )
    finally:
        if purse:
            _tell(live)


def own_provider(args: argparse.Namespace, home: Project) -> NamedProvider | None:
    """A provider of `evals.toml`; None for the built-in ones. Raises InputError for neither."""
    if args.provider in (*OFFLINE, *API):
        return None
    from evals.extensions import read_extensions
    from evals.providers.named import named_provider

    if args.max_cost is not None:
        message = f"--max-cost knows no prices of provider `{args.provider}`; leave it out"
        raise InputError(message)
    return named_provider(read_extensions(home), args.provider)


def model_of_run(args: argparse.Namespace, suite: Suite, own: NamedProvider | None) -> str:
    """How the run's requests name the model. Raises InputError where one is chosen and none is asked."""
    if args.provider in OFFLINE:
        if args.model or args.judge:
            message = "--model and --judge go with --provider live or batch; recordings do not state theirs"
            raise InputError(message)
        return OFFLINE[args.provider]
    return model_name(own, args.model or suite.model)


def model_name(own: NamedProvider | None, model: str) -> str:
    """How requests name a model: a provider of `evals.toml` puts its own name before it."""
    return own.model(model) if own else model


async def run_provider(
    args: argparse.Namespace,
    home: Project,
    plan: Plan,
    own: NamedProvider | None,
    recorded: Sequence[Recording],
    purse: Spending | None,
    stack: AsyncExitStack,
) -> Provider:
    """The provider that `--provider` names, until the stack is closed."""
    if args.provider == "replay":
        from evals.providers.recorded import RecordedProvider

        return RecordedProvider(recorded)
    if args.provider == "scripted":
        from evals.scripts import read_scripts

        return read_scripts(home, args.suite, plan)
    if own:
        return await stack.enter_async_context(named_provider(home, own))
    api = batch_provider if args.provider == "batch" else live_provider
    return await stack.enter_async_context(api(home, purse, at=args.endpoint, jobs=args.jobs))
