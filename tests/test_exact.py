"""The exact test of one criterion: by hand, against going through all labels, against statsmodels in the large."""

from __future__ import annotations

import itertools
import random

import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from evals.statistics.exact import Table, exact_test


def table(base: str, candidate: str) -> Table:
    """From outcomes as text: `110` passed twice and failed once."""
    return Table(
        base_passes=base.count("1"),
        base_scored=len(base),
        candidate_passes=candidate.count("1"),
        candidate_scored=len(candidate),
    )


def test_a_hand_worked_example() -> None:
    # 2 of 2 against 0 of 2: the candidate draws 0 of the 2 passes in 1 of 6 ways
    tested = exact_test([table("11", "00")])
    assert tested.p_worse == pytest.approx(1 / 6)
    assert tested.mid_p_worse == pytest.approx(1 / 12)
    assert tested.p_better == 1.0
    # twice the same case: 1 of 36
    assert exact_test([table("11", "00")] * 2).p_worse == pytest.approx(1 / 36)


@pytest.mark.parametrize("seed", range(6))
def test_against_going_through_all_labels(seed: int) -> None:
    rng = random.Random(seed)
    pairs = [
        (
            "".join(rng.choice("01") for _ in range(rng.randint(1, 4))),
            "".join(rng.choice("01") for _ in range(rng.randint(1, 3))),
        )
        for _ in range(3)
    ]
    observed = sum(candidate.count("1") for _, candidate in pairs)
    sums = [
        sum(ways)
        for ways in itertools.product(
            *(
                [
                    sum(int((base + candidate)[i]) for i in chosen)
                    for chosen in itertools.combinations(range(len(base + candidate)), len(candidate))
                ]
                for base, candidate in pairs
            )
        )
    ]
    tested = exact_test([table(*pair) for pair in pairs])
    worse = sum(s <= observed for s in sums) / len(sums)
    at = sum(s == observed for s in sums) / len(sums)
    assert tested.p_worse == pytest.approx(worse)
    assert tested.mid_p_worse == pytest.approx(worse - at / 2)
    assert tested.p_better == pytest.approx(sum(s >= observed for s in sums) / len(sums))


@pytest.mark.parametrize("seed", range(5))
def test_against_cochran_mantel_haenszel_in_the_large(seed: int) -> None:
    """statsmodels' chi-square has two sides and no continuity correction: half of its p is near the mid-p."""
    rng = random.Random(seed)
    tables = []
    for _ in range(60):
        rate = rng.uniform(0.3, 0.9)
        tables.append(
            Table(
                base_passes=sum(rng.random() < rate for _ in range(20)),
                base_scored=20,
                candidate_passes=sum(rng.random() < rate - 0.04 for _ in range(20)),
                candidate_scored=20,
            )
        )
    tested = exact_test(tables)
    large = StratifiedTable(
        [
            [
                [t.candidate_passes, t.candidate_scored - t.candidate_passes],
                [t.base_passes, t.base_scored - t.base_passes],
            ]
            for t in tables
        ]
    ).test_null_odds(correction=False)
    two_sided = 2 * min(tested.mid_p_worse, tested.mid_p_better)
    assert two_sided == pytest.approx(large.pvalue, abs=0.004)


def test_no_variance_says_nothing() -> None:
    tested = exact_test([table("111", "11")])
    assert (tested.p_worse, tested.p_better, tested.mid_p_worse) == (1.0, 1.0, 0.5)


def test_a_case_that_nobody_scored_changes_nothing() -> None:
    empty = Table(base_passes=0, base_scored=0, candidate_passes=0, candidate_scored=0)
    assert exact_test([table("11", "00"), empty]) == exact_test([table("11", "00")])
    assert exact_test([]).p_worse == 1.0
