"""The test over a family of scores: worked by hand, against brute force, and under a null hypothesis that is true."""

from __future__ import annotations

import itertools
import math
from statistics import mean, variance

import numpy as np
import pytest
from scipy.stats import kstest

from evals.statistics.arrangements import Design, arrangements
from evals.statistics.family import Scores, Shift, family_test, family_tests


def one(base: list[list[float]], candidate: list[list[float]]) -> Shift:
    """The test of a single score."""
    wrap = [[[[x] for x in case] for case in side] for side in (base, candidate)]
    tested = family_test(*wrap)[0]
    assert tested is not None
    return tested


def brute_force(base: Scores, candidate: Scores) -> tuple[list[float], list[float]]:
    """Adjusted p-values by going through all arrangements in plain Python; every answer is scored."""
    cases = [[*b, *c] for b, c in zip(base, candidate, strict=True)]
    sizes = [len(case) for case in candidate]
    scores = range(len(cases[0][0]))

    def differences(chosen: tuple[tuple[int, ...], ...]) -> list[float]:
        result = []
        for s in scores:
            parts = [
                mean(case[i][s] or 0.0 for i in mine)
                - mean(case[i][s] or 0.0 for i in range(len(case)) if i not in mine)
                for case, mine in zip(cases, chosen, strict=True)
            ]
            result.append(mean(parts))
        return result

    ways = list(
        itertools.product(*(itertools.combinations(range(len(c)), k) for c, k in zip(cases, sizes, strict=True)))
    )
    table = [differences(chosen) for chosen in ways]
    seen = differences(tuple(tuple(range(len(c) - k, len(c))) for c, k in zip(cases, sizes, strict=True)))
    spread = [math.sqrt(mean(row[s] ** 2 for row in table)) for s in scores]
    lowest = [min(row[s] / spread[s] for s in scores) for row in table]
    highest = [max(row[s] / spread[s] for s in scores) for row in table]
    worse = [mean(x <= seen[s] / spread[s] + 1e-9 for x in lowest) for s in scores]
    better = [mean(x >= seen[s] / spread[s] - 1e-9 for x in highest) for s in scores]
    return worse, better


def test_a_hand_worked_example() -> None:
    # 3 against 3, all of the base above all of the candidate: 1 arrangement of 20 is as extreme
    tested = one([[0.9, 0.8, 1.0]], [[0.1, 0.2, 0.3]])
    assert tested.p_worse == pytest.approx(1 / 20)
    assert tested.p_better == 1.0
    assert tested.difference == pytest.approx(-0.7)
    # both variances are 0.01: error sqrt(0.01/3 + 0.01/3), 4 degrees of freedom, t(0.95, 4) = 2.1318
    assert tested.error == pytest.approx(math.sqrt(0.02 / 3))
    assert tested.interval == pytest.approx((-0.7 - 2.13185 * 0.0816497, -0.7 + 2.13185 * 0.0816497), abs=1e-4)
    assert tested.strict_low == pytest.approx(-0.7 - 2.77645 * 0.0816497, abs=1e-4), "t(0.975, 4)"


@pytest.mark.parametrize("seed", range(4))
def test_few_arrangements_are_gone_through_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 5, (3, 3, 2)) / 4
    candidate = rng.integers(0, 5, (3, 2, 2)) / 4
    tested = family_test(base.tolist(), candidate.tolist())
    worse, better = brute_force(base.tolist(), candidate.tolist())
    assert [t.p_worse for t in tested if t] == pytest.approx(worse)
    assert [t.p_better for t in tested if t] == pytest.approx(better)


def test_unequal_repeats_against_brute_force() -> None:
    base = [[[0.5, 1.0], [0.25, 0.0], [1.0, 1.0]], [[0.0, 0.5], [0.5, 0.5]]]
    candidate = [[[0.25, 0.5], [0.0, 0.25]], [[0.0, 0.0], [0.25, 0.5], [0.0, 0.25]]]
    tested = family_test(base, candidate)
    worse, _ = brute_force(base, candidate)
    assert [t.p_worse for t in tested if t] == pytest.approx(worse)


def test_many_arrangements_are_sampled_and_agree_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    base, candidate = rng.random((3, 3, 2)).tolist(), (rng.random((3, 3, 2)) * 0.8).tolist()
    exact = family_test(base, candidate)
    monkeypatch.setattr("evals.statistics.arrangements.FEW", 10)
    arrangements.cache_clear()
    sampled = family_test(base, candidate)
    arrangements.cache_clear()
    for one_, other in zip(exact, sampled, strict=True):
        assert one_ is not None
        assert other is not None
        assert other.p_worse == pytest.approx(one_.p_worse, abs=0.02)
        assert other.p_worse != one_.p_worse


@pytest.mark.parametrize(("repeats", "correlated"), [((10, 3), True), ((4, 4), False)])
def test_under_the_null_the_familys_p_is_uniform(repeats: tuple[int, int], correlated: bool) -> None:
    """Nothing changed: the smallest adjusted p of the family must be uniform, in both directions."""
    rng = np.random.default_rng(7)
    cases, sets, scores = 8, 2_000, 3
    noise = rng.normal(size=(sets, cases * sum(repeats), scores))
    if correlated:
        noise += 2 * rng.normal(size=(sets, cases * sum(repeats), 1))
    level = np.repeat(rng.normal(size=(sets, cases, scores)) * 3, sum(repeats), axis=1)
    design = Design((repeats[0],) * cases, (repeats[1],) * cases)
    tested = family_tests(level + noise, design, permutations=1_999)
    for name in ("p_worse", "p_better"):
        smallest = [min(getattr(t, name) for t in row if t) for row in tested]
        assert kstest(smallest, "uniform").pvalue > 0.01, name
        assert np.mean(np.array(smallest) <= 0.05) < 0.065, name


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    sets, cases, repeats = 2000, 4, 3
    level = np.repeat(rng.random((sets, cases, 1)), 2 * repeats, axis=1)
    design = Design((repeats,) * cases, (repeats,) * cases)
    values = level + rng.normal(size=(sets, cases * 2 * repeats, 1)) * 0.2
    hits = [
        t.interval[0] <= 0 <= t.interval[1] for row in family_tests(values, design, permutations=19) for t in row if t
    ]
    assert 0.88 <= np.mean(hits) <= 0.93


def test_adjusting_costs_something_but_less_than_bonferroni() -> None:
    base = [[[1.0, 1.0], [0.9, 0.9], [1.0, 1.0], [0.8, 0.8]]] * 2
    candidate = [[[0.7, 0.7], [0.6, 0.6], [0.7, 0.7], [0.5, 0.5]]] * 2
    alone = one([[x[0] for x in case] for case in base], [[x[0] for x in case] for case in candidate])
    together = family_test(base, candidate)
    assert together[0] is not None
    assert together[0].p_worse == pytest.approx(alone.p_worse), "two equal scores are one"


def test_no_variance_at_all() -> None:
    tested = one([[1.0, 1.0]] * 2, [[1.0, 1.0]] * 2)
    assert (tested.p_worse, tested.p_better, tested.difference) == (1.0, 1.0, 0.0)
    assert (tested.guard_worse, tested.guard_better) == (0.5, 0.5)
    # 4 answers a side that never varied: 2 (1 - 0.05 ** (1/8)) could hide
    assert tested.interval == pytest.approx((-0.62467, 0.62467), abs=1e-4)
    assert tested.strict_low == pytest.approx(-2 * (1 - 0.025 ** (1 / 8)))
    many = one([[1.0] * 10] * 24, [[1.0] * 8] * 24)
    assert -0.02 < many.interval[0] < -0.01


def test_equal_thirds_are_no_variance_either() -> None:
    third = 1 / 3 + 0.1 + 0.2
    tested = one([[third] * 3] * 3, [[third] * 3] * 3)
    assert tested.p_worse == 1.0
    assert tested.interval[0] < -0.3


def test_a_drop_without_variance_inside_the_sides() -> None:
    tested = one([[1.0, 1.0]], [[0.5, 0.5]])
    assert tested.p_worse == pytest.approx(1 / 6), "2 against 2 cannot say more"
    assert tested.guard_worse == 0.0


def test_one_repeat_a_side_flips_signs() -> None:
    tested = one([[0.9]] * 5, [[0.4]] * 5)
    assert tested.p_worse == pytest.approx(1 / 32)
    # the variance of two values about their mean is d²/2 a side: error² = n d² / n²
    assert tested.error == pytest.approx(math.sqrt(5 * 0.25) / 5)


def test_one_repeat_borrows_the_other_sides_variance() -> None:
    base = [[0.2, 0.4, 0.9]]
    tested = one(base, [[0.3]])
    assert tested.error == pytest.approx(math.sqrt(variance(base[0]) * (1 / 3 + 1)))


def test_an_answer_without_a_score_keeps_its_place() -> None:
    with_gap = family_test([[[1.0], [None], [0.8]]], [[[0.2], [0.4], [None]]])[0]
    assert with_gap is not None
    assert with_gap.difference == pytest.approx(0.3 - 0.9)
    assert 1 / 20 < with_gap.p_worse <= 0.25


def test_a_case_that_one_side_never_scored_is_in_no_figure() -> None:
    tested = family_test(
        [[[1.0, 0.5], [0.5, 0.5]], [[1.0, None], [0.5, None]]], [[[1.0, 0.5], [0.5, 0.5]], [[0.0, 0.1], [0.0, 0.1]]]
    )
    assert tested[0] is not None
    assert tested[1] is not None
    assert (tested[0].cases, tested[1].cases) == (2, 1)
    assert tested[1].difference == 0.0


def test_a_score_that_nobody_has_is_none() -> None:
    tested = family_test([[[1.0, None], [0.5, None]]], [[[1.0, None], [0.5, None]]])
    assert tested[0] is not None
    assert tested[1] is None


def test_a_candidate_that_is_only_more_erratic_is_held_back_by_the_guard() -> None:
    """Ten repeats against two: shuffling alone alarms too often, both together do not."""
    rng = np.random.default_rng(2)
    sets, cases = 1500, 24
    certain = np.repeat((rng.random((sets, cases, 1)) < 0.5).astype(float), 10, axis=1).reshape(sets, cases, 10, 1)
    erratic = (rng.random((sets, cases, 2, 1)) < 0.5).astype(float)
    # the mean of the base is what the suite's cases are; compare with a suite of equal mean only
    certain[:, : cases // 2], certain[:, cases // 2 :] = 0.0, 1.0
    values = np.concatenate([certain, erratic], axis=2).reshape(sets, cases * 12, 1)
    tested = [
        t for row in family_tests(values, Design((10,) * cases, (2,) * cases), permutations=999) for t in row if t
    ]
    shuffling = np.mean([t.p_worse <= 0.05 for t in tested])
    both = np.mean([t.p_worse <= 0.05 and t.guard_worse <= 0.05 for t in tested])
    assert shuffling > 0.08
    assert both <= 0.07


def test_equal_inputs_give_equal_results() -> None:
    rng = np.random.default_rng(8)
    base, candidate = rng.random((6, 5, 3)).tolist(), rng.random((6, 4, 3)).tolist()
    first = family_test(base, candidate)
    arrangements.cache_clear()
    assert family_test(base, candidate) == first
