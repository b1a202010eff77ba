"""A plan: what so many answers can show, and what they take, before anything is spent.

Here: from a baseline's scatter to detectable drops, and from texts to calls, tokens, money and time. Not here: tests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evals.case import Case, Suite
from evals.comparison import Basis
from evals.pairing import alike, on_basis, pair_up, repeats_of, score_rows
from evals.persona import Persona
from evals.prices import Price, cost
from evals.run import JUDGE_MAX_TOKENS
from evals.scorecard import Scorecard
from evals.tokens import CHARACTERS_PER_TOKEN, tokens
from graders.criterion import Criterion, Dimension, Kind
from graders.judge.question import ask

JUDGE_REPLY_TOKENS = 400
"""Reason, quotes and verdict, with a little thinking; a rule of thumb."""
MOST_REPEATS = 60

Score = Dimension | None
"""A dimension, or None for the overall mean of the gate's family."""


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """How much one score varies between answers to the same question, in the baseline."""

    score: Score
    cases: int
    """Cases that have the score in at least two answers."""
    variance: float
    """Mean over those cases of the sample variance between repeats, 0 to 0.25 and a little above."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one round of answers takes: one answer to every case, and every judge's question about it."""

    answers: int
    judge_requests: int
    answer_tokens: tuple[int, int]
    """Input and output."""
    judge_tokens: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Limits a minute of the account; None where unknown."""

    requests: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


NO_RATES = Rates()


@dataclass(frozen=True, kw_only=True)
class Row:
    """So many answers a case from the candidate."""

    repeats: int
    detectable: tuple[tuple[Score, float | None], ...]
    """For each score the smallest drop found with the wished power; None where the scatter is unknown."""
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """None where a price is unknown."""
    minutes: float | None
    """At the given rates; None without any."""


def scatter(card: Scorecard, basis: Basis, licensed: Sequence[Dimension] = ()) -> tuple[Scatter, ...]:
    """The baseline's within-case variance: overall first, then each dimension that has one on this basis."""
    pairs = alike(on_basis(pair_up(card, card), basis, licensed))
    repeats = repeats_of(card, card)
    dimensions = [d for d in Dimension if any(pair.criterion.dimension is d for pair in pairs)]
    rows, _ = score_rows(pairs, repeats, dimensions)
    found = []
    for number, score in enumerate([None, *dimensions]):
        columns = [[row[number] for row in case if row[number] is not None] for case in rows]
        variances = [_variance([value or 0.0 for value in column]) for column in columns if len(column) > 1]
        if variances:
            found.append(Scatter(score=score, cases=len(variances), variance=sum(variances) / len(variances)))
    return tuple(found)


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def detectable(found: Scatter, base_repeats: int, repeats: int, *, power: float, alpha: float) -> float | None:
    """The smallest drop of a score that is found with the given power (0 to 1); None when the baseline showed no scatter.

    A baseline that never varied has not shown that it cannot: no figure is better than zero.
    """
    from evals.statistics.intervals import detectable_drop

    if found.variance <= 0:
        return None
    error = math.sqrt(found.variance * (1 / base_repeats + 1 / repeats) / found.cases)
    return detectable_drop(error, alpha=alpha, power=power)


def repeats_needed(found: Scatter, base_repeats: int, *, effect: float, power: float, alpha: float) -> int | None:
    """The fewest answers a case with which a drop of `effect` is found; None when MOST_REPEATS do not do."""
    for repeats in range(1, MOST_REPEATS + 1):
        drop = detectable(found, base_repeats, repeats, power=power, alpha=alpha)
        if drop is None:
            return None
        if drop <= effect:
            return repeats
    return None


def load(suite: Suite, persona: Persona, answers: Mapping[str, Sequence[str]]) -> Load:
    """One round's work for a persona. `answers` holds known answers to each case, for their length; without any, `max_tokens` is assumed."""
    asked = [(case, _judged(case)) for case in suite.cases]
    sent = sum(tokens(persona.body or "") + tokens(case.user_text) for case, _ in asked)
    back = sum(_typical(suite, answers.get(case.id, ())) for case, _ in asked)
    judged_in = 0
    for case, judged in asked:
        answer = round(_typical(suite, answers.get(case.id, ())) * CHARACTERS_PER_TOKEN) * "x"
        for criterion in judged:
            question = ask(criterion, case.task, answer)
            judged_in += suite.votes * (tokens(question.system) + tokens(question.text))
    requests = suite.votes * sum(len(judged) for _, judged in asked)
    reply = min(JUDGE_REPLY_TOKENS, JUDGE_MAX_TOKENS)
    return Load(
        answers=len(asked),
        judge_requests=requests,
        answer_tokens=(sent, back),
        judge_tokens=(judged_in, requests * reply),
    )


def _judged(case: Case) -> list[Criterion]:
    return [c for c in case.criteria if any(ref.kind is Kind.JUDGE for ref in c.graders)]


def _typical(suite: Suite, answers: Sequence[str]) -> int:
    return round(sum(map(tokens, answers)) / len(answers)) if answers else suite.max_tokens


def row(
    repeats: int,
    scatters: Sequence[Scatter],
    base_repeats: int,
    work: Load,
    *,
    power: float,
    alpha: float,
    price: Price | None,
    judge_price: Price | None,
    factor: float = 1.0,
    rates: Rates = NO_RATES,
) -> Row:
    """What `repeats` answers a case show and take."""
    input_tokens = repeats * (work.answer_tokens[0] + work.judge_tokens[0])
    output_tokens = repeats * (work.answer_tokens[1] + work.judge_tokens[1])
    calls = repeats * (work.answers + work.judge_requests)
    money = None
    if price and (judge_price or not work.judge_requests):
        money = cost(price, input_tokens=work.answer_tokens[0], output_tokens=work.answer_tokens[1], factor=factor)
        if judge_price:
            money += cost(
                judge_price, input_tokens=work.judge_tokens[0], output_tokens=work.judge_tokens[1], factor=factor
            )
        money *= repeats
    used = ((calls, rates.requests), (input_tokens, rates.input_tokens), (output_tokens, rates.output_tokens))
    minutes = [amount / limit for amount, limit in used if limit]
    return Row(
        repeats=repeats,
        detectable=tuple(
            (found.score, detectable(found, base_repeats, repeats, power=power, alpha=alpha)) for found in scatters
        ),
        calls=calls,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_usd=money,
        minutes=max(minutes) if minutes else None,
    )
