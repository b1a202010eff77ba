"""Plans: scatter of a baseline, drops that can be seen, calls and money."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from evals import plan
from evals.comparison import Basis
from evals.load import load_suite
from evals.load_personas import revisions
from evals.plan import Load, Rates, Scatter
from evals.prices import Price
from evals.project import Project
from evals.scorecard_file import read_card
from graders.criterion import Dimension

ROOT = Path(__file__).parent.parent
WORK = Load(answers=2, judge_requests=10, answer_tokens=(1000, 4000), judge_tokens=(20_000, 1000))
PRICE = Price(model="m", input=2, output=10)


def test_more_answers_show_smaller_drops_down_to_the_baselines_own_scatter() -> None:
    found = Scatter(score=None, cases=24, variance=0.04)
    drops = [plan.detectable(found, 10, k, power=0.8, alpha=0.05) for k in (1, 2, 5, 20, 1000)]
    assert all(one is not None and two is not None and one > two for one, two in pairwise(drops))
    floor = (1.6449 + 0.8416) * math.sqrt(0.04 / 10 / 24)
    assert drops[-1] == pytest.approx(floor, rel=0.01)


def test_the_answers_needed_find_the_effect_and_one_fewer_does_not() -> None:
    found = Scatter(score=None, cases=24, variance=0.04)
    needed = plan.repeats_needed(found, 10, effect=0.05, power=0.8, alpha=0.05)
    assert needed is not None
    assert (plan.detectable(found, 10, needed, power=0.8, alpha=0.05) or 1) <= 0.05
    assert (plan.detectable(found, 10, needed - 1, power=0.8, alpha=0.05) or 0) > 0.05


def test_an_effect_below_the_baselines_own_scatter_cannot_be_bought() -> None:
    found = Scatter(score=None, cases=3, variance=0.04)
    assert plan.repeats_needed(found, 3, effect=0.01, power=0.8, alpha=0.05) is None


def test_a_baseline_that_never_varied_promises_nothing() -> None:
    found = Scatter(score=None, cases=3, variance=0.0)
    assert plan.detectable(found, 3, 10, power=0.8, alpha=0.05) is None
    assert plan.repeats_needed(found, 3, effect=0.5, power=0.8, alpha=0.05) is None


def test_calls_tokens_money_and_time_grow_with_the_answers() -> None:
    rates = Rates(requests=60, output_tokens=10_000)
    row = plan.row(3, (), 3, WORK, power=0.8, alpha=0.05, price=PRICE, judge_price=PRICE, rates=rates)
    assert (row.calls, row.input_tokens, row.output_tokens) == (36, 63_000, 15_000)
    assert row.cost_usd == pytest.approx(63_000 * 2e-6 + 15_000 * 10e-6)
    assert row.minutes == pytest.approx(1.5)


def test_an_unknown_price_is_an_unknown_cost() -> None:
    row = plan.row(3, (), 3, WORK, power=0.8, alpha=0.05, price=PRICE, judge_price=None)
    assert (row.cost_usd, row.minutes) == (None, None)


def test_scatter_is_the_variance_between_answers_to_one_case() -> None:
    card = read_card(ROOT / "results/scorecards/backend-engineer/backend-engineer/0002.jsonl", "0002")
    found = {item.score: item for item in plan.scatter(card, Basis.ALL)}
    assert found[None].cases == len(card.header.cases)
    line = card.dimension(Dimension.MAINTAINABILITY)
    assert line is not None
    assert found[Dimension.MAINTAINABILITY].cases == line.cases


def test_a_round_asks_every_case_and_every_judged_criterion() -> None:
    home = Project(ROOT)
    suite = load_suite(home, "backend-engineer")
    persona = revisions(home, suite.persona)[1]
    made = plan.load(suite, persona, {case.id: ["x" * 3200] for case in suite.cases})
    assert made.answers == len(suite.cases)
    assert made.answer_tokens[1] == 1000 * len(suite.cases)
    assert made.judge_requests == sum(len(plan._judged(case)) for case in suite.cases) > 30


def test_the_command_says_what_is_needed(cli: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = cli(ROOT, "plan", "0002", "--basis", "all", "--effect", "0.2", "--rpm", "50")
    assert code == 0
    assert "To find an overall drop of 20 points" in out
    assert "answers a case." in out.splitlines()[0]
    code, out, _ = cli(ROOT, "plan", "0002", "--basis", "all", "--model", "nobody-knows", "--format", "json")
    assert code == 0
    assert '"cost_usd": null' in out
    code, _, err = cli(ROOT, "plan", "--effect", "2")
    assert (code, "must lie between 0 and 1" in err) == (2, True)
