"""Intervals of means and the smallest effect that can be seen."""

from __future__ import annotations

import math
import random

import pytest

from evals.statistics import intervals
from evals.statistics.intervals import cases_like_these, detectable_drop, fixed_suite_interval


def test_a_hand_worked_example() -> None:
    low, high = fixed_suite_interval([[0.4, 0.6], [0.5, 0.7]]) or (0.0, 0.0)
    # each case: variance 0.02, mean variance 0.01; the suite's standard error is sqrt(0.02) / 2; t(0.975, 2) = 4.30265
    half = 4.302652729911275 * math.sqrt(0.02) / 2
    assert (low, high) == pytest.approx((0.55 - half, 0.55 + half))


def test_it_is_clipped_to_what_a_score_can_be() -> None:
    assert fixed_suite_interval([[0.0, 1.0], [1.0, 0.9]]) == (0.0, 1.0)


def test_one_repeat_gives_no_interval() -> None:
    assert fixed_suite_interval([[0.5], [0.7]]) is None


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = random.Random(7)
    means = [0.3, 0.5, 0.6]
    truth = sum(means) / 3
    hits = 0
    for _ in range(2000):
        interval = fixed_suite_interval([[rng.gauss(mean, 0.08) for _ in range(3)] for mean in means])
        assert interval is not None
        hits += interval[0] <= truth <= interval[1]
    assert 0.93 <= hits / 2000 <= 0.97


def test_cases_like_these_by_hand() -> None:
    # families a: mean 0.1 of two cases, b: 0.3; mean 0.2, variance 0.02, error 0.1, t(0.95, 1) = 6.3138
    interval = cases_like_these([("a", 0.0), ("a", 0.2), ("b", 0.3)])
    assert interval == pytest.approx((0.2 - 0.631375, 0.2 + 0.631375), abs=1e-5)


def test_one_family_says_nothing_of_others() -> None:
    assert cases_like_these([("a", 0.1), ("a", 0.3)]) is None
    assert cases_like_these([]) is None


def test_detectable_drop_by_hand() -> None:
    # v = 0.064, 317 answers a side: 5 points at 80 % power (sample sizes for a two-sample z test)
    assert detectable_drop(math.sqrt(0.064 * 2 / 317)) == pytest.approx(0.05, abs=0.0005)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("freedom", [intervals.MANY + 1, 250, 5_000, 10**6])
def test_many_degrees_of_freedom_need_no_library(freedom: int, level: float) -> None:
    from scipy.special import stdtrit

    assert intervals._t_quantile(freedom, level) == pytest.approx(stdtrit(freedom, 0.5 + level / 2), abs=1e-8)
