"""JUnit XML of a comparison: valid whatever it quotes, and red exactly where the gate is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.comparison import Comparison, Verdict
from evals.context import Context
from evals.report.junit import comparison_junit
from graders.criterion import Status

Compared = Callable[..., tuple[Comparison, Context]]
SCHEMA = xmlschema.XMLSchema11(Path(__file__).parent / "data/junit.xsd")


def cases_of(text: str) -> dict[str, ET.Element]:
    SCHEMA.validate(text)
    root = ET.fromstring(text)  # noqa: S314 - this very report, valid by its schema
    for element in (root, *root.iter("testsuite")):
        for count, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert element.get(count) == str(len(list(element.iter(tag)))), (element.get("name"), count)
    return {f"{one.get('classname')}/{one.get('name')}": one for one in root.iter("testcase")}


def outcomes(text: str) -> dict[str, str]:
    return {
        name: next((tag for tag in ("failure", "error", "skipped") if one.find(tag) is not None), "passed")
        for name, one in cases_of(text).items()
    }


def test_what_regressed_fails_and_what_is_advisory_does_not(compared: Compared) -> None:
    comparison, context = compared("the quote")
    text = comparison_junit(comparison, context)
    assert outcomes(text) == {
        "gate/verdict": "failure",
        "gate/security": "failure",
        "login/explains": "passed",
        "login/sql-safe": "failure",
    }
    found = cases_of(text)
    output = found["login/explains"].findtext("system-out") or ""
    assert "moved 0/1, 1 not scored → 2/2 (advisory" in output
    assert "candidate: pass by some-judge" in output
    failure = found["login/sql-safe"].find("failure")
    assert failure is not None
    assert failure.get("message") == "a must that the base always met fails in 2 of 2"
    assert "  line 1:\n    the quote" in str(failure.text)


def test_a_flip_fails_only_with_the_dimension_that_it_is_in(compared: Compared) -> None:
    comparison, context = compared()
    alone = replace(comparison, musts=())
    assert outcomes(comparison_junit(alone, context))["login/sql-safe"] == "failure"
    calm = replace(alone, changes=tuple(replace(c, verdict=Verdict.NOT_WORSE) for c in alone.changes))
    assert outcomes(comparison_junit(calm, context))["login/sql-safe"] == "passed"
    judged = replace(alone, changes=tuple(replace(c, decided_by=()) for c in alone.changes))
    assert outcomes(comparison_junit(judged, context))["login/sql-safe"] == "passed"


@pytest.mark.parametrize("verdict", [Verdict.NOT_WORSE, Verdict.INCONCLUSIVE, Verdict.IMPROVED])
def test_nothing_fails_while_the_gate_is_green(compared: Compared, verdict: Verdict) -> None:
    comparison, context = compared()
    green = replace(comparison, verdict=verdict, musts=())
    assert {"failure", "error"} & {*outcomes(comparison_junit(green, context)).values()} == set()


@pytest.mark.parametrize("verdict", [Verdict.NOT_COMPARABLE, Verdict.TOO_LITTLE_SCORED])
def test_no_decision_is_an_error_and_no_failure(compared: Compared, verdict: Verdict) -> None:
    comparison, context = compared()
    found = outcomes(comparison_junit(replace(comparison, verdict=verdict, musts=()), context))
    assert found["gate/verdict"] == "error"
    assert "failure" not in found.values()


def test_what_nobody_decided_is_skipped_with_the_reason(compared: Compared) -> None:
    comparison, context = compared("no sandbox here")
    lines = tuple(
        replace(item, passes=0, fails=0, unscored=2) if item.criterion.id == "explains" else item
        for item in context.base.criteria
    )
    unscored = replace(context, base=replace(context.base, criteria=lines))
    calm = replace(comparison, flips=comparison.flips[:1])
    assert any(item.grade.status is Status.UNSCORED for item in context.base.grades)
    skipped = cases_of(comparison_junit(calm, unscored))["login/explains"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "unscored in the base: no sandbox here"
    gone = replace(context, candidate=replace(context.candidate, criteria=context.candidate.criteria[:1]))
    skipped = cases_of(comparison_junit(calm, gone))["login/explains"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "not in the candidate"


@given(text=st.text(st.characters(exclude_categories=()), max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_it_is_valid_for_any_text(compared: Compared, text: str) -> None:
    made = comparison_junit(*compared(text))
    made.encode("utf-8")
    assert len(cases_of(made)) == 4


@pytest.mark.parametrize(
    "text", ["]]>", "\x00\x1b\ufffe\ud800", "</failure><testcase name='x'/>", "&lol;", "<!DOCTYPE x>"]
)
def test_hostile_text_is_only_text(compared: Compared, text: str) -> None:
    assert len(cases_of(comparison_junit(*compared(text)))) == 4
