"""`evals run --dry-run`: requests, tokens and money, before anything is asked.

Here: the estimate and its words. Not here: prices or lengths of texts (`evals.prices`, `evals.plan`).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evals.canonical import Json
from evals.case import Suite
from evals.commands import providers, shared
from evals.persona import Persona
from evals.plan import load
from evals.prices import PriceTable, cost
from evals.project import Project
from evals.trial import Trial


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The answers of a run, or its judge's replies."""

    model: str
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def plus(self, requests: int, times: int, tokens: tuple[int, int]) -> _Part:
        """With so many requests more, and so many times (input, output) tokens."""
        return _Part(
            model=self.model,
            requests=self.requests + requests,
            input_tokens=self.input_tokens + times * tokens[0],
            output_tokens=self.output_tokens + times * tokens[1],
        )

    def cost(self, prices: PriceTable, day: str) -> float | None:
        prompt = self.input_tokens // max(1, self.requests)
        price = prices.price(self.model, day, prompt)
        if price is None:
            return None
        return cost(price, input_tokens=self.input_tokens, output_tokens=self.output_tokens)


@dataclass(frozen=True, kw_only=True)
class _Estimate:
    """What a run with a provider that costs money would take."""

    remembered: int
    """Answers that would not be asked again; they are counted like the others."""
    input_tokens: int
    output_tokens: int
    usd: float
    unpriced: tuple[str, ...]
    """Models without a known price; then the sum says nothing."""
    prices_of: str
    limit: float | None
    """US dollars that `--max-cost` allows."""

    @property
    def data(self) -> dict[str, Json]:
        """For programs."""
        return {
            "remembered": self.remembered,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "usd": None if self.unpriced else round(self.usd, 6),
            "unpriced": list(self.unpriced),
            "prices_of": self.prices_of,
            "max_cost": self.limit,
        }

    @property
    def lines(self) -> Iterator[str]:
        """For people."""
        if self.remembered:
            yield f"{self.remembered} of the answers are remembered and would not be asked again; they are counted below"
        yield (
            f"about {self.input_tokens:,} tokens in and {self.output_tokens:,} out, by the lengths of the texts and of "
            "recorded answers"
        )
        if self.unpriced:
            yield f"at an unknown cost: no price is known for {', '.join(self.unpriced)}"
            return
        limit = ""
        if self.limit is not None:
            enough = "suffice" if self.usd <= self.limit else "stop it before its end"
            limit = f"; --max-cost {self.limit:.2f} would {enough}"
        yield f"about {self.usd:,.2f} USD without what the prompt cache saves (prices of {self.prices_of}){limit}"


def dry_run(args: argparse.Namespace, home: Project, suite: Suite, model: str, trials: Iterable[Trial]) -> int:
    """Say what a run would ask. With a provider that costs money: how much of it, too."""
    judge = args.judge or suite.judge
    asked = Counter((trial.case.id, trial.persona) for trial in trials)
    known = shared.recorded_answers(home, suite) if args.provider in providers.API else {}
    parts = _parts(suite, asked, model, judge, known)
    data: dict[str, Json] = {
        "suite": suite.id,
        "provider": args.provider,
        "model": model,
        "judge": judge if args.provider in providers.API else None,
        "answers": parts[0].requests,
        "judge_requests": parts[1].requests,
        "estimate": None,
    }
    half = " (half the price)" if args.provider == "batch" else ""
    asked_for = f"{parts[0].requests} answers ({model}), {parts[1].requests} judge requests"
    lines = [f"suite {suite.id}: {asked_for}, provider {args.provider}{half}; nothing was asked"]
    if args.provider in providers.API:
        prices = providers.spending(home, args, [model, judge]).prices
        estimate = _estimate(args, prices, parts, _remembered(home, trials))
        data["estimate"] = estimate.data
        lines += estimate.lines
    shared.put_result(args, data, "\n".join(lines))
    return 0


def _parts(
    suite: Suite, asked: Mapping[tuple[str, Persona], int], model: str, judge: str, known: Mapping[str, Sequence[str]]
) -> tuple[_Part, _Part]:
    """What so many answers to each (case, persona) take, and the questions about them."""
    answers, questions = _Part(model=model), _Part(model=judge)
    for (case, persona), count in asked.items():
        work = load(replace(suite, cases=tuple(one for one in suite.cases if one.id == case)), persona, known)
        answers = answers.plus(count * work.answers, count, work.answer_tokens)
        questions = questions.plus(count * work.judge_requests, count, work.judge_tokens)
    return answers, questions


def _remembered(home: Project, trials: Iterable[Trial]) -> int:
    folder = home.memory / "cache"
    if not folder.is_dir():
        return 0
    from evals.providers.cached import Cache

    cache = Cache(folder)
    try:
        return sum(cache.get(trial.request) is not None for trial in trials)
    finally:
        cache.close()


def _estimate(args: argparse.Namespace, prices: PriceTable, parts: Sequence[_Part], remembered: int) -> _Estimate:
    day = providers.today()
    costs = [(part, part.cost(prices, day)) for part in parts if part.requests]
    factor = prices.batch_factor if args.provider == "batch" else 1.0
    return _Estimate(
        remembered=remembered,
        input_tokens=sum(part.input_tokens for part in parts),
        output_tokens=sum(part.output_tokens for part in parts),
        usd=sum(
            factor * (money or 0.0) * providers.price_factor(prices, args.endpoint, part.model) for part, money in costs
        ),
        unpriced=tuple(dict.fromkeys(part.model for part, money in costs if money is None)),
        prices_of=prices.as_of,
        limit=args.max_cost,
    )
