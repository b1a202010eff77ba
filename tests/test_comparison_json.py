"""The machine-readable form keeps to its schema, whatever the comparison."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from evals.case import Suite
from evals.compare import compare
from evals.report.comparison_json import comparison_json
from evals.schema import errors_of, schema_text
from evals.scorecard import Scorecard

SCHEMA = schema_text("comparison.schema.json")


@pytest.mark.parametrize(
    ("base", "candidate", "header"),
    [
        ({"a/security-x": "PPPPP", "b/security-x": "xxxxx"}, {"a/security-x": "FFFFF", "b/security-x": "yyyyy"}, {}),
        ({"a/security-x": "pp"}, {"a/security-x": "fU"}, {}),
        ({"a/security-x": "PPP", "b/judgement-y": "PPP"}, {"a/security-x": "ppp", "c/judgement-y": "PPP"}, {}),
        ({"a/security-x": "PPP"}, {"a/security-x": "PPP"}, {"model": "other"}),
        ({"a/security-x": "PPP"}, {"b/security-x": "PPP"}, {}),
    ],
)
def test_it_keeps_to_its_schema(
    card: Callable[..., Scorecard],
    small_suite: Suite,
    base: dict[str, str],
    candidate: dict[str, str],
    header: dict[str, object],
) -> None:
    data = comparison_json(compare(card(base), card(candidate, **header), small_suite))
    assert errors_of(json.loads(json.dumps(data, allow_nan=False)), SCHEMA) == []


def test_the_schema_refuses_what_is_no_comparison(card: Callable[..., Scorecard], small_suite: Suite) -> None:
    one = card({"a/security-x": "PPP"})
    data = comparison_json(compare(one, one, small_suite))
    assert errors_of({**data, "verdict": "unchanged"}, SCHEMA)
    assert errors_of({**data, "overall": 0.5}, SCHEMA)
