"""In what an answer falls short: each kind of expectation met and missed, and whose grades may fail a build."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from evals.case import Case, Suite
from evals.expectation import Expectation, advice, least, shortfalls
from evals.graded_answer import GradedAnswer
from graders.criterion import Criterion, Dimension, Evidence, Grade, Kind, Sort, Status

SECURITY, OPERATIONS = Dimension.SECURITY, Dimension.OPERATIONS


def criterion(name: str, dimension: Dimension, *, must: bool = False) -> Criterion:
    return Criterion(
        id=name,
        dimension=dimension,
        sort=Sort.TRIPWIRE,
        points=1,
        statement=f"{name} holds.",
        guidance="",
        covers=(),
        graders=(),
        must=must,
    )


def grade(name: str, status: Status, kind: Kind = Kind.RULE) -> Grade:
    return Grade(
        criterion=name,
        status=status,
        kind=kind,
        grader=f"some-{kind.value}",
        version="1",
        evidence=(Evidence(quote=f"quote of {name}", line=7),),
        reason="because",
    )


def answer(*grades: Grade, must: bool = False) -> GradedAnswer:
    criteria = (criterion("safe", SECURITY, must=must), criterion("tight", SECURITY), criterion("told", OPERATIONS))
    case = Case("c", 1, "f", "t", "m", (), (), criteria)
    given = {g.criterion: g for g in grades}
    return GradedAnswer(case, "text", tuple(given.get(c.id, grade(c.id, Status.PASS)) for c in criteria))


def expected(
    record: Mapping[str, Grade] | None = None,
    minimum: Mapping[Dimension, float] | None = None,
    licensed: tuple[Dimension, ...] = (),
    limit: float = 1.0,
) -> Expectation:
    return Expectation(record=record, minimum=minimum or {}, unscored_limit=limit, licensed=licensed)


def test_what_passed_on_record_must_pass() -> None:
    record = {name: grade(name, Status.PASS) for name in ("safe", "tight", "told")}
    assert shortfalls(answer(), expected(record)) == ()
    [said] = shortfalls(answer(grade("safe", Status.FAIL)), expected(record))
    assert said.startswith("safe (security, 1 points): passed on record (by some-rule)\n")
    assert "line 7: quote of safe" in said
    [said] = shortfalls(answer(grade("tight", Status.UNSCORED)), expected(record))
    assert "now unscored by some-rule: because" in said
    assert shortfalls(answer(grade("told", Status.NOT_APPLICABLE)), expected(record)) == ()


@pytest.mark.parametrize("before", [Status.FAIL, Status.UNSCORED, Status.NOT_APPLICABLE])
def test_what_did_not_pass_on_record_is_no_news(before: Status) -> None:
    assert shortfalls(answer(grade("safe", Status.FAIL)), expected({"safe": grade("safe", before)})) == ()


def test_only_a_licence_lets_a_judge_fail_an_answer() -> None:
    record = {"safe": grade("safe", Status.PASS, Kind.JUDGE)}
    bad = answer(grade("safe", Status.FAIL, Kind.JUDGE))
    assert shortfalls(bad, expected(record)) == ()
    assert shortfalls(bad, expected(record, licensed=(OPERATIONS,))) == ()
    assert len(shortfalls(bad, expected(record, licensed=(SECURITY,)))) == 1
    assert len(advice(bad, expected(record))) == 1
    assert advice(bad, expected(record, licensed=(SECURITY,))) == ()


def test_without_a_record_musts_decide() -> None:
    assert shortfalls(answer(grade("safe", Status.FAIL)), expected()) == ()
    [said] = shortfalls(answer(grade("safe", Status.FAIL), must=True), expected())
    assert "a must that fails" in said
    assert shortfalls(answer(grade("safe", Status.FAIL, Kind.JUDGE), must=True), expected()) == ()


def test_a_least_score_counts_what_may_fail_a_build() -> None:
    half = answer(grade("safe", Status.FAIL))
    assert shortfalls(half, expected(minimum={SECURITY: 0.5})) == ()
    [said] = shortfalls(half, expected(minimum={SECURITY: 0.51}))
    assert said.startswith("security 0.50 is below the least score 0.51\nsafe (security, 1 points): counts against it")
    judged = answer(grade("safe", Status.FAIL, Kind.JUDGE))
    assert shortfalls(judged, expected(minimum={SECURITY: 1})) == ()
    assert len(shortfalls(judged, expected(minimum={SECURITY: 1}, licensed=(SECURITY,)))) == 1
    [said] = shortfalls(answer(grade("told", Status.PASS, Kind.JUDGE)), expected(minimum={OPERATIONS: 0.1}))
    assert "nothing in it was decided by a grader that may fail a build" in said


def test_too_much_that_nobody_decided_is_incomplete() -> None:
    open_ = answer(grade("told", Status.UNSCORED))
    assert shortfalls(open_, expected(limit=0.34)) == ()
    [said] = shortfalls(open_, expected(limit=0.33))
    assert said.startswith("incomplete: 1 of 3 criteria were decided by nobody (limit 33 %)\n    told: unscored")


def test_the_case_overrides_the_suite_and_only_what_it_asks_counts(small_suite: Suite) -> None:
    from dataclasses import replace

    suite = replace(small_suite, minimum=((SECURITY, 0.5), (Dimension.PERFORMANCE, 1.0), (OPERATIONS, 0.4)))
    case = replace(answer().case, minimum=((SECURITY, 0.9),))
    assert least(suite, case) == {SECURITY: 0.9, OPERATIONS: 0.4}
    assert case.digest == answer().case.digest
