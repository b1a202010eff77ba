"""`evals plan`: repeats, power, calls and cost before anything is spent."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from evals import plan
from evals.canonical import Json
from evals.commands import shared
from evals.comparison import Basis
from evals.errors import InputError
from evals.load import load_suite
from evals.load_personas import revisions
from evals.plan import Rates, Row, Score
from evals.prices import project_prices, read_prices
from evals.scorecard import Scorecard
from graders.criterion import HEADLINE

LADDER = (2, 3, 5, 8, 10, 15, 20)
"""Repeats that are shown beside the one that is needed."""


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    suite = load_suite(home, args.suite)
    card = shared.find_card(home, suite, args.baseline) if args.baseline else shared.cards(home, suite)[-1]
    basis = Basis(args.basis)
    scatters = plan.scatter(card, basis, card.header.licensed)
    if not scatters:
        raise InputError(
            f"the scorecard of {card.header.revision} has no case with two scored answers on the basis `{basis}`: "
            "its scatter is unknown; record more repeats, or try `--basis all`"
        )
    table = read_prices(Path(args.prices)) if args.prices else project_prices(home.prices)
    day = datetime.now(tz=UTC).date().isoformat()
    model, judge = args.model or suite.model, args.judge or suite.judge
    factor = table.batch_factor if args.batch else 1.0
    persona = next((p for p in revisions(home, suite.persona) if p.revision == card.header.revision), None)
    work = plan.load(
        suite, persona or revisions(home, suite.persona)[-1], shared.recorded_answers(home, suite, card.header.revision)
    )
    needed = plan.repeats_needed(
        scatters[0], card.header.repeats, effect=args.effect, power=args.power, alpha=args.alpha
    )
    rows = [
        plan.row(
            repeats,
            scatters,
            card.header.repeats,
            work,
            power=args.power,
            alpha=args.alpha,
            price=table.price(model, day, work.answer_tokens[0] // max(1, work.answers)),
            judge_price=table.price(judge, day, work.judge_tokens[0] // max(1, work.judge_requests)),
            factor=factor,
            rates=Rates(requests=args.rpm, input_tokens=args.itpm, output_tokens=args.otpm),
        )
        for repeats in sorted({*LADDER, *([needed] if needed else [])})
    ]
    if args.format == "json":
        shared.put_json({"baseline": card.header.revision, "needed": needed, "rows": [_json(row) for row in rows]})
        return 0
    _show(args, card, model, judge, table.as_of, needed, rows)
    return 0


def _name(score: Score) -> str:
    return "overall" if score is None else score.value.replace("_", " ")


def _json(row: Row) -> dict[str, Json]:
    return {
        "repeats": row.repeats,
        "detectable": {
            "overall" if score is None else score.value: None if drop is None else round(drop, 4)
            for score, drop in row.detectable
        },
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": None if row.cost_usd is None else round(row.cost_usd, 2),
        "minutes": None if row.minutes is None else round(row.minutes, 1),
    }


def _show(
    args: argparse.Namespace, card: Scorecard, model: str, judge: str, as_of: str, needed: int | None, rows: list[Row]
) -> None:
    from evals.report.tables import table

    scores = [score for score, _ in rows[0].detectable]
    shown = [score for score in (None, *HEADLINE) if score in scores]
    shared.put(
        f"To find an overall drop of {100 * args.effect:g} points with {100 * args.power:g} % power at {100 * args.alpha:g} %, against"
        f" {card.header.revision} with {card.header.repeats} answers a case: {_verdict(needed, rows)}"
    )
    shared.put(
        f"basis: {args.basis}; answers by {model}, judged by {judge}; prices of {as_of}{', as a batch' if args.batch else ''}\n"
    )
    lines = [
        [
            str(row.repeats),
            *[_points(dict(row.detectable).get(score)) for score in shown],
            f"{row.calls:,}",
            f"{row.input_tokens / 1000:,.0f}k / {row.output_tokens / 1000:,.0f}k",
            "unknown" if row.cost_usd is None else f"${row.cost_usd:,.2f}",
            "not stated" if row.minutes is None else f"{row.minutes:,.0f} min",
        ]
        for row in rows
    ]
    heads = ["answers a case", *[_name(score) for score in shown], "calls", "tokens in / out", "cost", "time"]
    shared.put(table(lines, heads))
    shared.put(
        "\nColumns of points: the smallest drop that so many answers find. Tokens are estimated from the texts' lengths and cost is without prompt caching; an unknown price"
        " is never taken for zero. `--rpm`, `--itpm`, `--otpm` give the time under your account's limits."
    )


def _verdict(needed: int | None, rows: list[Row]) -> str:
    if needed:
        return f"{needed} answers a case."
    if dict(rows[0].detectable).get(None) is None:
        return "nobody can tell, since the baseline's answers never differed; record more of them."
    return f"not with {plan.MOST_REPEATS} answers a case; more cases are needed, or a larger effect."


def _points(drop: float | None) -> str:
    return "no scatter" if drop is None else f"{100 * drop:.1f}"
