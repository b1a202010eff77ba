"""The rules of decision, on figures made by hand."""

from __future__ import annotations

import pytest

from evals.case import Margins
from evals.comparison import Verdict
from evals.gate import Schedule, family_verdict, score_verdict
from evals.statistics.family import Shift

R, W, B, N, T = (
    Verdict.REGRESSED,
    Verdict.NOT_WORSE,
    Verdict.IMPROVED,
    Verdict.INCONCLUSIVE,
    Verdict.TOO_LITTLE_SCORED,
)


def shift(
    low: float = -0.01,
    *,
    p_worse: float = 0.5,
    p_better: float = 0.5,
    guard_worse: float = 0.5,
    guard_better: float = 0.5,
) -> Shift:
    return Shift(
        difference=low + 0.02,
        interval=(low, low + 0.04),
        strict_low=low - 0.01,
        error=0.01,
        p_worse=p_worse,
        p_better=p_better,
        guard_worse=guard_worse,
        guard_better=guard_better,
        cases=3,
    )


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (shift(-0.2, p_worse=0.01, guard_worse=0.01), R),
        (shift(-0.2, p_worse=0.01, guard_worse=0.06), N),
        (shift(-0.2, p_worse=0.06, guard_worse=0.01), N),
        (shift(-0.2, p_worse=0.05, guard_worse=0.05), R),
        (shift(-0.08), N),
        (shift(-0.079), W),
        (shift(-0.01, p_better=0.01, guard_better=0.01), B),
        (shift(-0.01, p_better=0.01, guard_better=0.06), W),
        (shift(-0.09, p_better=0.01, guard_better=0.01), N),
        (None, T),
    ],
)
def test_one_score(given: Shift | None, verdict: Verdict) -> None:
    assert score_verdict(given, 0.08) is verdict


def test_a_small_loss_that_is_certain_is_a_regression_even_within_the_margin() -> None:
    assert score_verdict(shift(-0.05, p_worse=0.001, guard_worse=0.001), 0.08) is R


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ([W, B, R], R),
        ([W, N, R], R),
        ([W, W], W),
        ([W, B], B),
        ([W, N], N),
        ([B, T], N),
        ([B, N], N),
        ([], T),
    ],
)
def test_a_family(verdicts: list[Verdict], verdict: Verdict) -> None:
    assert family_verdict(verdicts) is verdict


def test_the_levels_of_a_schedule() -> None:
    assert Schedule(baseline=10).levels == pytest.approx((0.0132, 0.0126, 0.0212, 0.0334), abs=0.0001)


def test_a_schedule_stops_for_an_alarm_at_any_look_and_at_that_looks_level() -> None:
    schedule = Schedule(baseline=10)
    alarm = [shift(-0.3, p_worse=0.013, guard_worse=0.001), shift()]
    assert schedule.decide(0, alarm) is R
    assert schedule.decide(1, alarm) is None, "0.0126 there"
    assert schedule.decide(2, alarm) is R


def test_it_passes_from_the_second_look_on() -> None:
    schedule = Schedule(baseline=10)
    sound = [shift(), shift()]
    assert [schedule.decide(look, sound) for look in range(4)] == [None, W, W, W]


def test_at_the_cap_what_is_open_is_inconclusive() -> None:
    schedule = Schedule(baseline=10)
    assert [schedule.decide(look, [shift(-0.2), shift()]) for look in range(4)] == [None, None, None, N]


def test_overall_and_dimensions_have_margins_of_their_own() -> None:
    schedule = Schedule(baseline=10, margins=Margins(overall=0.05, dimension=0.08))
    assert schedule.decide(1, [shift(-0.06), shift()]) is None
    assert schedule.decide(1, [shift(), shift(-0.06)]) is W


def test_a_look_that_is_not_the_last_asks_for_more_before_it_passes() -> None:
    schedule = Schedule(baseline=10)
    close = [shift(-0.045), shift(-0.075)]
    assert [schedule.decide(look, close) for look in range(4)] == [None, None, None, W]
    assert [schedule.rule(look).strict for look in range(4)] == [True, True, True, False]
