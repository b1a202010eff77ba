"""Each bar of the licence, met and missed one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from graders.judge.calibration import Confusion, Estimate, Labelled, Measures, Provenance, executed, measure
from graders.judge.licence import Bar, Licence, decide


def figure(value: float, low: float = 0.0, n: int = 120) -> Estimate:
    return Estimate(value=value, low=low, high=1.0, n=n)


AT_THE_BAR = Measures(
    confusion=Confusion(tp=78, fp=3, fn=12, tn=27),
    answers=40,
    labelled=0,
    sensitivity=figure(0.85),
    specificity=figure(0.85),
    balanced_accuracy=figure((0.85 + 0.95) / 2, 0.83),
    kappa=figure(0.70, 0.60),
    macro_f1=figure(0.8),
    coverage=figure(1.0),
    invalid_rate=figure(0.01),
    self_consistency=None,
)


def test_a_judge_exactly_at_every_bar_is_licensed() -> None:
    assert AT_THE_BAR.balanced_accuracy is not None
    assert AT_THE_BAR.balanced_accuracy.value < 0.90  # by the last binary digit
    assert decide(AT_THE_BAR) == Licence(granted=True, reasons=())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"balanced_accuracy": figure(0.8996, 0.84)}, "balanced accuracy is 0.899, 0.90 is needed"),
        (
            {"balanced_accuracy": figure(0.93, 0.8297)},
            "balanced accuracy may be as low as 0.829, its lower bound must be 0.83",
        ),
        ({"balanced_accuracy": None}, "balanced accuracy is unknown: no decided item of a class"),
        ({"kappa": figure(0.69, 0.61)}, "kappa is 0.690, 0.70 is needed"),
        ({"kappa": figure(0.75, 0.58)}, "kappa may be as low as 0.580, its lower bound must be 0.60"),
        ({"kappa": None}, "kappa is unknown: no decided item of a class"),
        ({"sensitivity": figure(0.84)}, "sensitivity is 0.840, 0.85 is needed"),
        ({"specificity": figure(0.84)}, "specificity is 0.840, 0.85 is needed"),
        ({"invalid_rate": figure(0.0101)}, "1.1 % of the items met an invalid reply, at most 1 % may"),
        ({"confusion": Confusion(tp=40, tn=32)}, "72 held-out items, 120 are needed"),
        (
            {"confusion": Confusion(tp=80, tn=39, abstained=7, invalid=2)},
            "119 held-out items (9 more were not decided), 120 are needed",
        ),
        ({"confusion": Confusion(tp=91, fp=2, tn=27)}, "29 held-out items whose criterion is not met, 30 are needed"),
        ({"confusion": Confusion(tp=20, fn=9, tn=91)}, "29 held-out items whose criterion is met, 30 are needed"),
        ({"labelled": 14}, "14 items are labelled; only items decided by execution earn a licence"),
    ],
)
def test_each_bar_alone_denies_it(changes: dict[str, Any], reason: str) -> None:
    assert decide(replace(AT_THE_BAR, **changes)) == Licence(granted=False, reasons=(reason,))


def test_every_shortfall_is_named() -> None:
    found = decide(measure([]))
    assert not found.granted
    assert len(found.reasons) == 6


def items(right: int, wrong: int, *, truth: bool, provenance: Provenance = Provenance.EXECUTION) -> list[Labelled]:
    return [
        Labelled(
            item=f"{truth}-{index}",
            case="jwt-auth",
            answer=f"{provenance}-{index // 4}",
            revision="0001",
            dimension="security",
            provenance=provenance,
            truth=truth,
            votes=(truth if index < right else not truth,),
        )
        for index in range(right + wrong)
    ]


def test_real_tables() -> None:
    assert decide(measure(items(76, 4, truth=True) + items(38, 2, truth=False))).granted
    # the point is above the bar, and so few items of the rarer class leave too much doubt
    few = decide(measure(items(87, 3, truth=True) + items(27, 3, truth=False)))
    assert [reason.split(" may")[0] for reason in few.reasons] == ["balanced accuracy"]


def test_labels_help_nobody_to_a_licence() -> None:
    labels = items(400, 0, truth=True, provenance=Provenance.LABEL) + items(
        400, 0, truth=False, provenance=Provenance.LABEL
    )
    assert not decide(measure(labels)).granted
    both = labels + items(40, 0, truth=True) + items(40, 0, truth=False)
    assert decide(measure(executed(both))).reasons == ("80 held-out items, 120 are needed",)


def test_another_bar_may_be_asked_for() -> None:
    assert not decide(AT_THE_BAR, Bar(items=121)).granted
