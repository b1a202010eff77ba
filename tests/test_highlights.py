"""What reports show of very many grades: the first that are no pass, how many more there are, unanimous panels."""

from __future__ import annotations

import random

import pytest

from evals.scorecard import GradeLine, Highlighter, Highlights
from graders.criterion import Grade, Kind, Status

P, F, U = Status.PASS, Status.FAIL, Status.UNSCORED


def line(
    case: str, criterion: str, repeat: int, status: Status, prevails: bool = True, votes: tuple[Status, ...] = ()
) -> GradeLine:
    grade = Grade(criterion=criterion, status=status, kind=Kind.JUDGE, grader="j", version="1", votes=votes)
    return GradeLine(case=case, repeat=repeat, answer="a", grade=grade, prevails=prevails)


def of(lines: list[GradeLine]) -> Highlights:
    found = Highlighter()
    for each in lines:
        found.add(each)
    return found.highlights


def test_what_prevails_and_is_no_pass_is_shown_in_order() -> None:
    lines = [line("b", "x", 1, F), line("a", "y", 2, U), line("a", "y", 1, F), line("a", "x", 1, P)]
    lines += [line("a", "x", 2, F, prevails=False)]
    assert [(x.case, x.grade.criterion, x.repeat) for x in of(lines).not_passed] == [
        ("a", "y", 1),
        ("a", "y", 2),
        ("b", "x", 1),
    ]


def test_of_too_many_the_first_are_shown_whatever_order_they_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.scorecard.NOT_PASSED_SHOWN", 7)
    lines = [line(case, criterion, repeat, F) for case in "ab" for criterion in "xy" for repeat in (1, 2, 3)]
    shuffled = random.Random(1).sample(lines, len(lines))
    found = of(shuffled)
    assert list(found.not_passed) == lines[:7]
    assert found.more == 5


def test_unanimous_panels_are_counted() -> None:
    found = of([line("a", "x", 1, P, votes=(P, P, P)), line("a", "x", 2, P, votes=(P, P, F)), line("a", "x", 3, P)])
    assert (found.unanimous, found.panels) == (1, 2)
    assert of([line("a", "x", 1, P)]).panels == 0
