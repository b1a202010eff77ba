"""`evals run --dry-run`: requests, tokens and money, before anything is asked.

Here: the estimate and its words. Not here: prices or lengths of texts (`evals.prices`, `evals.plan`).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evals.case import Suite
from evals.commands import shared
from evals.exchange import Request
from evals.plan import load
from evals.prices import PriceTable, cost, project_prices
from evals.project import Project
from evals.providers.endpoints import regional
from evals.run import judged_criteria
from evals.trial import Trial


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The answers of a run, or its judge's replies."""

    model: str
    requests: int
    input_tokens: int
    output_tokens: int

    def cost(self, prices: PriceTable, day: str) -> float | None:
        prompt = self.input_tokens // max(1, self.requests)
        price = prices.price(self.model, day, prompt)
        if price is None:
            return None
        return cost(price, input_tokens=self.input_tokens, output_tokens=self.output_tokens)


def dry_run(args: argparse.Namespace, home: Project, suite: Suite, trials: Sequence[Trial]) -> int:
    """Say what a run would ask. With a provider that costs money: how much of it, too."""
    judge = args.judge or suite.judge
    questions = suite.votes * sum(len(judged_criteria(trial)) for trial in trials)
    batch = args.provider == "batch"
    model = trials[0].request.model if trials else suite.model
    shared.put(
        f"suite {suite.id}: {len(trials)} answers ({model}), {questions} judge requests, provider {args.provider}"
        f"{' (half the price)' if batch else ''}; nothing was asked"
    )
    if args.provider not in ("live", "batch") or not trials:
        return 0
    shared.spending(home, args, [model, judge])
    remembered = _remembered(home, [trial.request for trial in trials])
    if remembered:
        shared.put(f"{remembered} of the answers are remembered and would not be asked again; they are counted below")
    prices = project_prices(home.prices)
    parts = _parts(suite, trials, judge, _recorded(home, suite))
    shared.put(_tokens(parts))
    shared.put(_money(args, prices, parts))
    return 0


def _parts(
    suite: Suite, trials: Sequence[Trial], judge: str, known: Mapping[str, Sequence[str]]
) -> tuple[_Part, _Part]:
    sent = back = asked = judged = replied = 0
    for trial in trials:
        work = load(replace(suite, cases=(trial.case,)), trial.persona, known)
        sent, back = sent + work.answer_tokens[0], back + work.answer_tokens[1]
        asked += work.judge_requests
        judged, replied = judged + work.judge_tokens[0], replied + work.judge_tokens[1]
    return (
        _Part(model=trials[0].request.model, requests=len(trials), input_tokens=sent, output_tokens=back),
        _Part(model=judge, requests=asked, input_tokens=judged, output_tokens=replied),
    )


def _recorded(home: Project, suite: Suite) -> dict[str, list[str]]:
    """Recorded answers by case, of any revision: how long answers are."""
    found: dict[str, list[str]] = {}
    for recording in shared.recordings(home, suite.id):
        match = re.fullmatch(r"([^/]+)/[^/]+/\d+", recording.place)
        if match:
            found.setdefault(match[1], []).append(recording.response.text)
    return found


def _remembered(home: Project, requests: Sequence[Request]) -> int:
    folder = home.memory / "cache"
    if not folder.is_dir():
        return 0
    from evals.providers.cached import Cache

    cache = Cache(folder)
    try:
        return sum(cache.get(request) is not None for request in requests)
    finally:
        cache.close()


def _tokens(parts: Sequence[_Part]) -> str:
    sent, back = sum(part.input_tokens for part in parts), sum(part.output_tokens for part in parts)
    return f"about {sent:,} tokens in and {back:,} out, by the lengths of the texts and of recorded answers"


def _money(args: argparse.Namespace, prices: PriceTable, parts: Sequence[_Part]) -> str:
    day = shared.today()
    costs = [(part, part.cost(prices, day)) for part in parts if part.requests]
    unknown = [part.model for part, money in costs if money is None]
    if unknown:
        return f"at an unknown cost: no price is known for {', '.join(dict.fromkeys(unknown))}"
    factor = prices.batch_factor if args.provider == "batch" else 1.0
    total = sum(
        factor * (money or 0.0) * (prices.regional_factor if regional(args.endpoint, part.model) else 1.0)
        for part, money in costs
    )
    limit = ""
    if args.max_cost is not None:
        limit = f"; --max-cost {args.max_cost:.2f} would {'suffice' if total <= args.max_cost else 'stop it before its end'}"
    return f"about {total:,.2f} USD without what the prompt cache saves (prices of {prices.as_of}){limit}"
