"""The prediction-powered estimate against the published library, at its edges, and by simulation."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.judge.correction import correct
from graders.judge.proportions import wilson

PINNED = json.loads((Path(__file__).parent / "data/ppi.json").read_text(encoding="utf-8"))["rows"]


def answers_of(row: dict[str, list[list[float]]]) -> list[tuple[float, float | None]]:
    """A pinned row holds each pair once, with how often it comes."""
    known = [(judged, truth) for judged, truth, times in row["known"] for _ in range(int(times))]
    return [*known, *((judged, None) for judged, times in row["rest"] for _ in range(int(times)))]


@pytest.mark.parametrize("row", PINNED, ids=lambda row: row["name"])
def test_it_agrees_with_the_published_library(row: dict[str, Any]) -> None:
    """The figures of `ppi-python`, which does not clip them to 0..1; data/ppi.json holds the code that made them."""
    found = correct(answers_of(row))
    assert found is not None
    expected = [row["value"], max(0.0, row["low"]), min(1.0, row["high"])]
    assert [found.value, found.low, found.high] == pytest.approx(expected, abs=1e-9)


def test_both_clips_of_the_weight_are_among_the_pinned() -> None:
    weights = [found.weight for row in PINNED if (found := correct(answers_of(row)))]
    assert min(weights) == 0.0
    assert max(weights) == 1.0
    assert any(0.1 < weight < 0.9 for weight in weights)


def test_nothing_known_corrects_nothing() -> None:
    assert correct([]) is None
    assert correct([(1, None), (0, None)]) is None


def test_everything_known_needs_no_judge() -> None:
    found = correct([(1, 0)] * 10 + [(0, 1)] * 30)
    assert found is not None
    assert (found.raw, found.value, found.weight) == (0.25, 0.75, 0.0)
    assert (found.low, found.high) == pytest.approx(wilson(30, 40))


@pytest.mark.parametrize(("truth", "limits"), [(1, (0.839, 1.0)), (0, (0.0, 0.161))])
def test_equal_truths_leave_doubt(truth: int, limits: tuple[float, float]) -> None:
    found = correct([(1, truth)] * 15 + [(0, truth)] * 5 + [(1, None)] * 100)
    assert found is not None
    assert found.value == truth
    assert (found.low, found.high) == pytest.approx(limits, abs=0.001)


def test_one_known_answer_says_almost_nothing() -> None:
    found = correct([(1, 1)] + [(1, None), (0, None)] * 50)
    assert found is not None
    assert found.high - found.low > 0.7


def test_a_judge_without_a_seen_error_may_still_err() -> None:
    found = correct([(1, 1)] * 15 + [(0, 0)] * 5 + [(1, None)] * 75_000 + [(0, None)] * 25_000)
    assert found is not None
    assert found.value == pytest.approx(0.75, abs=0.001)
    # 0 of 20 errors: up to 16.1 % may be
    assert found.low == pytest.approx(0.75 - wilson(0, 20)[1], abs=0.005)


def test_a_judge_that_always_says_the_same_is_not_listened_to() -> None:
    found = correct([(1, 1)] * 12 + [(1, 0)] * 8 + [(1, None)] * 80)
    assert found is not None
    assert (found.raw, found.weight) == (1.0, 0.0)
    assert found.value == pytest.approx(0.6)


def world(rng: random.Random, known: int, rest: int) -> list[tuple[float, float | None]]:
    """A true pass rate of 0.7, a judge of sensitivity 0.95 and specificity 0.80: its own mean is 0.725."""
    answers: list[tuple[float, float | None]] = []
    for index in range(known + rest):
        truth = rng.random() < 0.7
        right = rng.random() < (0.95 if truth else 0.80)
        answers.append((truth if right else not truth, truth if index < known else None))
    return answers


def test_it_covers_the_truth_and_is_narrower_than_the_known_answers_alone() -> None:
    rng = random.Random(3)
    runs = [found for _ in range(1500) if (found := correct(world(rng, 100, 900)))]
    assert 0.93 <= sum(found.low <= 0.7 <= found.high for found in runs) / len(runs) <= 0.97
    assert sum(found.value for found in runs) / len(runs) == pytest.approx(0.7, abs=0.005)
    assert sum(found.raw for found in runs) / len(runs) == pytest.approx(0.725, abs=0.005)
    alone = wilson(70, 100)
    assert sum(found.high - found.low for found in runs) / len(runs) < 0.8 * (alone[1] - alone[0])


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([None, 0.0, 0.5, 1.0])), max_size=40))
def test_whatever_is_given_the_estimate_lies_in_its_interval(answers: list[tuple[float, float | None]]) -> None:
    found = correct(answers)
    if found is None:
        assert all(truth is None for _, truth in answers)
    else:
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert found.high > found.low
        assert 0 <= found.weight <= 1
