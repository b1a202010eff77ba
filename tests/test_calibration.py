"""A judge's figures against scikit-learn, their intervals by simulation, the halves, and the check by revision."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, confusion_matrix, f1_score

from graders.judge.calibration import Confusion, Estimate, Labelled, Measures, Provenance, executed, measure
from graders.judge.differential import differential
from graders.judge.halves import split
from graders.judge.proportions import square_and_add, wilson

FIGURES = (
    "sensitivity",
    "specificity",
    "balanced_accuracy",
    "kappa",
    "macro_f1",
    "coverage",
    "invalid_rate",
    "self_consistency",
)


def labelled(
    item: object, *votes: bool | None, truth: bool = True, answer: object = "a", revision: str = "0001"
) -> Labelled:
    return Labelled(
        item=str(item),
        case="jwt-auth",
        answer=str(answer),
        revision=revision,
        dimension="security",
        provenance=Provenance.EXECUTION,
        truth=truth,
        votes=votes,
    )


def counted(tp: int, fp: int, fn: int, tn: int, *, per_answer: int = 1, revision: str = "0001") -> list[Labelled]:
    """Items of one table, `per_answer` to an answer, in that order."""
    pairs = [(True, True)] * tp + [(True, False)] * fp + [(False, True)] * fn + [(False, False)] * tn
    return [
        labelled(index, vote, truth=truth, answer=f"{revision}/{index // per_answer}", revision=revision)
        for index, (vote, truth) in enumerate(pairs)
    ]


def known(figure: Estimate | None) -> Estimate:
    assert figure is not None
    return figure


verdicts = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40).filter(
    lambda pairs: len({truth for truth, _ in pairs}) == 2
)


@settings(max_examples=60, deadline=None)
@given(verdicts)
def test_figures_are_those_of_scikit_learn(pairs: list[tuple[bool, bool]]) -> None:
    truth, vote = ([int(pair[side]) for pair in pairs] for side in (0, 1))
    found = measure([labelled(i, v, truth=t, answer=i % 5) for i, (t, v) in enumerate(pairs)])
    tn, fp, fn, tp = confusion_matrix(truth, vote, labels=[0, 1]).ravel()
    assert found.confusion == Confusion(tp=tp, fp=fp, fn=fn, tn=tn)
    assert known(found.balanced_accuracy).value == pytest.approx(balanced_accuracy_score(truth, vote))
    assert known(found.kappa).value == pytest.approx(cohen_kappa_score(truth, vote))
    assert known(found.macro_f1).value == pytest.approx(f1_score(truth, vote, average="macro", zero_division=0))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=3), st.booleans()),
        max_size=25,
    )
)
def test_every_figure_is_none_or_lies_in_its_interval(rows: list[tuple[bool, list[bool | None], bool]]) -> None:
    items = [
        replace(labelled(i, *votes, truth=truth, answer=i % 4), invalid=(invalid,) + (False,) * (len(votes) - 1))
        for i, (truth, votes, invalid) in enumerate(rows)
    ]
    found = measure(items)
    assert found.confusion.items == len(items)
    for name in FIGURES:
        figure = getattr(found, name)
        if figure is not None:
            assert not math.isnan(figure.value), name
            assert figure.low - 1e-12 <= figure.value <= figure.high + 1e-12, name
            assert (-1 if name == "kappa" else 0) <= figure.low < figure.high <= 1, name
            assert figure.n > 0, name


def test_by_hand() -> None:
    found = measure(counted(tp=40, fp=5, fn=10, tn=45))
    assert known(found.sensitivity).value == 0.8
    assert known(found.specificity).value == 0.9
    assert known(found.balanced_accuracy).value == pytest.approx(0.85)
    # agreement 0.85, by chance 0.5 * 0.45 + 0.5 * 0.55 = 0.5
    assert known(found.kappa).value == pytest.approx(0.7)
    assert known(found.macro_f1).value == pytest.approx((80 / 95 + 90 / 105) / 2)
    assert [known(getattr(found, name)).n for name in FIGURES[:7]] == [50, 50, 100, 100, 100, 100, 100]
    assert found.self_consistency is None


def test_without_items_nothing_is_known() -> None:
    found = measure([])
    assert found == Measures(confusion=Confusion(), answers=0, labelled=0, **dict.fromkeys(FIGURES))


def test_without_a_class_agreement_is_unknown() -> None:
    found = measure(counted(tp=9, fp=0, fn=1, tn=0))
    assert (found.specificity, found.balanced_accuracy, found.kappa, found.macro_f1) == (None, None, None, None)
    assert known(found.sensitivity).value == 0.9
    assert known(found.coverage).value == 1.0


def test_a_judge_that_never_says_met_scores_zero_there() -> None:
    found = measure(counted(tp=0, fp=0, fn=10, tn=10))
    assert known(found.macro_f1).value == pytest.approx((0 + 20 / 30) / 2)
    assert known(found.kappa).value == 0.0


def test_what_was_not_decided_is_counted_apart() -> None:
    items = [
        labelled(0, True),
        labelled(1, None),
        replace(labelled(2, None), invalid=(True,)),
        replace(labelled(3, False, truth=False), invalid=(True,)),
    ]
    found = measure(items)
    assert found.confusion == Confusion(tp=1, tn=1, abstained=1, invalid=1)
    assert known(found.coverage).value == 0.5
    assert known(found.invalid_rate).value == 0.5
    assert (known(found.sensitivity).n, known(found.balanced_accuracy).n, found.answers) == (1, 2, 1)


def test_self_consistency_needs_two_votes_and_one_outcome() -> None:
    items = [
        labelled(0, True),
        labelled(1, True, True, True),
        labelled(2, True, True, False),
        labelled(3, None, None),
        labelled(4, True, None),
        replace(labelled(5, None, None), invalid=(True, True)),
    ]
    found = known(measure(items).self_consistency)
    assert (found.value, found.n) == (0.4, 5)


def test_only_the_first_vote_counts_for_agreement() -> None:
    assert measure([labelled(0, True, False, False)]).confusion == Confusion(tp=1)


def test_labelled_items_are_told_from_executed_ones() -> None:
    items = [labelled(0, True), replace(labelled(1, True), provenance=Provenance.LABEL)]
    assert measure(items).labelled == 1
    assert executed(items) == (items[0],)


def test_broken_items_are_refused() -> None:
    with pytest.raises(ValueError, match="no vote"):
        labelled(0)
    with pytest.raises(ValueError, match="2 votes and 1 flags"):
        replace(labelled(0, True, False), invalid=(True,))
    with pytest.raises(ValueError, match="twice"):
        measure([labelled(0, True), labelled(0, False)])


def test_a_perfect_judge_is_not_certain() -> None:
    found = measure(counted(tp=20, fp=0, fn=0, tn=20))
    assert (known(found.sensitivity).low, known(found.sensitivity).high) == pytest.approx((wilson(20, 20)[0], 1.0))
    # two legs of 0.161 / 2 each
    assert known(found.balanced_accuracy).low == pytest.approx(1 - 0.1611 / math.sqrt(2), abs=1e-3)
    assert known(found.kappa).low < known(found.balanced_accuracy).low


def test_items_of_one_answer_are_not_independent() -> None:
    together = measure(counted(tp=80, fp=10, fn=20, tn=40, per_answer=10))
    apart = measure(counted(tp=80, fp=10, fn=20, tn=40))
    for name in ("balanced_accuracy", "kappa", "macro_f1", "sensitivity"):
        one, other = known(getattr(together, name)), known(getattr(apart, name))
        assert one.value == other.value
        assert one.high - one.low > 1.3 * (other.high - other.low), name


def test_the_order_of_items_changes_nothing() -> None:
    items = counted(tp=30, fp=4, fn=5, tn=20, per_answer=3)
    assert measure(items) == measure(random.Random(1).sample(items, len(items)))


def world(rng: random.Random, answers: int, per_answer: int, common: float) -> list[Labelled]:
    """A judge of sensitivity 0.92 and specificity 0.88 on 60 % met; within an answer errors come together."""
    items = []
    for answer in range(answers):
        shared = rng.random()
        for item in range(per_answer):
            truth = rng.random() < 0.6
            luck = shared if rng.random() < common else rng.random()
            items.append(labelled(item, truth == (luck < (0.92 if truth else 0.88)), truth=truth, answer=answer))
    return items


@pytest.mark.parametrize(("answers", "per_answer", "common"), [(120, 1, 0.0), (40, 5, 0.3)])
def test_intervals_cover_the_truth_as_often_as_they_say(answers: int, per_answer: int, common: float) -> None:
    rng = random.Random(11)
    runs = [measure(world(rng, answers, per_answer, common)) for _ in range(200)]
    met = 0.6 * 0.92 + 0.4 * 0.12
    chance = 0.6 * met + 0.4 * (1 - met)
    truths = {
        "sensitivity": 0.92,
        "specificity": 0.88,
        "balanced_accuracy": 0.90,
        "kappa": (0.904 - chance) / (1 - chance),
        "macro_f1": 0.552 / (0.6 + met) + 0.352 / (0.4 + 1 - met),
    }
    for name, truth in truths.items():
        found = [known(getattr(run, name)) for run in runs]
        # of 200 runs, three standard errors below 95 %
        assert sum(one.low <= truth <= one.high for one in found) / len(found) >= 0.90, name
        assert sum(one.low <= truth for one in found) / len(found) >= 0.93, name


def test_square_and_add_is_newcombe_of_a_difference() -> None:
    """56 of 70 against 48 of 80: (0.0524, 0.3339), the first example of Newcombe 1998, method 10."""
    one, other = wilson(56, 70), wilson(48, 80)
    low, high = square_and_add(0.2, [one[0] - 0.6, 0.8 - other[1]], [one[1] - 0.6, 0.8 - other[0]])
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_wilson_is_that_of_statsmodels() -> None:
    from statsmodels.stats.proportion import proportion_confint

    for successes, total in ((0, 7), (1, 7), (7, 7), (81, 263)):
        assert wilson(successes, total) == pytest.approx(proportion_confint(successes, total, method="wilson"))


def gold(cases: dict[str, int], items: int = 3) -> list[Labelled]:
    """Answers of two revisions of each case, as many as told of either, with some items each."""
    return [
        replace(labelled(item, True, answer=f"{case}/{revision}/{repeat}", revision=revision), case=case)
        for case, repeats in cases.items()
        for revision in ("0000", "0001")
        for repeat in range(repeats)
        for item in range(items)
    ]


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 6), max_size=5), st.integers(0, 99))
def test_the_halves_are_halves(cases: dict[str, int], seed: int) -> None:
    items = gold(cases)
    mending, held_out = split(items, seed)
    assert sorted(map(repr, [*mending, *held_out])) == sorted(map(repr, items))
    assert not {item.answer for item in mending} & {item.answer for item in held_out}
    for case in cases:
        for revisions in (("0000",), ("0001",), ("0000", "0001")):
            sizes = [
                len({item.answer for item in half if item.case == case and item.revision in revisions})
                for half in (mending, held_out)
            ]
            assert abs(sizes[0] - sizes[1]) <= 1


def test_halves_depend_on_seed_and_ids_alone() -> None:
    items = gold({"jwt": 5, "payment": 4})
    _, held_out = split(items, 1)
    shuffled = random.Random(2).sample(items, len(items))
    flipped = [replace(item, truth=False, votes=(False,)) for item in shuffled]
    assert {item.answer for item in split(flipped, 1)[1]} == {item.answer for item in held_out}
    more = split([*gold({"schema": 3}), *items], 1)[1]
    assert {item.answer for item in more if item.case != "schema"} == {item.answer for item in held_out}
    assert {item.answer for item in split(items, 2)[1]} != {item.answer for item in held_out}


def test_odd_answers_do_not_all_land_on_one_side() -> None:
    single = [replace(labelled(0, True, answer=f"answer {n}"), case=f"case {n}") for n in range(200)]
    assert 75 <= len(split(single, 5)[1]) <= 125


def test_an_answer_is_of_one_case() -> None:
    with pytest.raises(ValueError, match="two cases"):
        split([labelled(0, True), replace(labelled(1, True), case="other")], 1)


def test_a_judge_that_errs_more_on_one_side_is_told() -> None:
    items = counted(45, 3, 5, 57, revision="0000") + counted(44, 20, 6, 40, revision="0001")
    found = differential(items, "0000", "0001")
    gap = found.specificity
    assert (known(gap.base).value, known(gap.candidate).value) == pytest.approx((0.95, 2 / 3))
    assert known(gap.difference).value == pytest.approx(2 / 3 - 0.95)
    assert known(gap.difference).high < 0
    assert known(gap.difference).n == 120
    assert len(found.warnings) == 1
    assert "specificity differs: 0.950 on answers of 0000, 0.667 on those of 0001" in found.warnings[0]


def test_equal_error_rates_are_no_matter() -> None:
    items = counted(45, 5, 5, 45, revision="0000") + counted(44, 6, 6, 44, revision="0001")
    assert differential(items, "0000", "0001").warnings == ()


def test_a_difference_that_few_answers_carry_is_none() -> None:
    """The same table twice: 20 errors on 20 answers of the candidate, or all of them on two."""
    base = counted(50, 3, 0, 57, revision="0000")
    assert differential(base + counted(50, 20, 0, 40, revision="0001"), "0000", "0001").warnings
    assert not differential(base + counted(50, 20, 0, 40, revision="0001", per_answer=30), "0000", "0001").warnings


def test_a_side_that_cannot_be_measured_is_told() -> None:
    found = differential(counted(9, 0, 1, 0, revision="0000"), "0000", "0001")
    assert found.specificity.difference is None
    assert found.warnings == (
        "sensitivity cannot be compared: no decided item of 0001 whose criterion is met",
        "specificity cannot be compared: no decided item of 0000 or 0001 whose criterion is not met",
    )
    with pytest.raises(ValueError, match="both sides"):
        differential([], "0000", "0000")


def test_unequal_error_rates_are_rarely_seen_where_there_are_none() -> None:
    rng = random.Random(4)
    alarms = [
        bool(
            differential(
                [
                    replace(item, answer=f"{revision}/{item.answer}", revision=revision)
                    for revision in ("0000", "0001")
                    for item in world(rng, 30, 4, 0.3)
                ],
                "0000",
                "0001",
            ).warnings
        )
        for _ in range(100)
    ]
    # two rates at 5 % each, or less: the wider limit counts
    assert sum(alarms) <= 15
