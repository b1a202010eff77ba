"""Every rule: documented, unique, and able to fail and to pass on its own examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graders.answer import read_answer
from graders.registry import RULES_BY_ID
from graders.rules.document import document
from graders.rules.every import RULES
from graders.rules.rule import Rule, Site
from graders.rules.source import Source, ToolError, run_tools
from graders.task import NO_TASK

ROOT = Path(__file__).parent.parent


def sites(rule: Rule, text: str, language: str | None = None) -> list[Site]:
    spoken = language or rule.languages[0]
    task = getattr(rule, "example_task", NO_TASK)
    answer = read_answer(text, task) if spoken == "markdown" else None
    source = Source(text=answer.text if answer else text, language=spoken, answer=answer, task=task)
    run_tools([source], frozenset(rule.tools))
    return list(rule.check(source))


def ids(pairs: list[tuple[Rule, str]]) -> list[str]:
    return [f"{rule.id}-{number}" for number, (rule, _) in enumerate(pairs)]


BAD = [(rule, text) for rule in RULES for text in rule.BAD]
GOOD = [(rule, text) for rule in RULES for text in rule.GOOD]


@pytest.mark.parametrize(("rule", "text"), BAD, ids=ids(BAD))
def test_each_bad_example_is_found(rule: Rule, text: str) -> None:
    found = sites(rule, text)
    assert any(not site.ok for site in found)
    assert all(site.message for site in found if not site.ok)


@pytest.mark.parametrize(("rule", "text"), GOOD, ids=ids(GOOD))
def test_each_good_example_is_left_alone(rule: Rule, text: str) -> None:
    assert [site for site in sites(rule, text) if not site.ok] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_can_pass_on_evidence(rule: Rule) -> None:
    assert any(site.ok for text in rule.GOOD for site in sites(rule, text)), "no GOOD example gives a good site"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_is_documented(rule: Rule) -> None:
    assert re.fullmatch(r"(py|js|sql|md)-[a-z0-9-]+", rule.id)
    assert len((rule.__doc__ or "").split()) >= 15
    assert len(rule.BAD) >= 2
    assert len(rule.GOOD) >= 2
    assert rule.cwe is None or 1 <= rule.cwe <= 1500


def test_ids_are_unique_and_there_are_at_least_forty() -> None:
    assert len(RULES_BY_ID) == len(RULES) >= 40


def test_the_rules_document_is_fresh() -> None:
    assert (ROOT / "docs/rules.md").read_text(encoding="utf-8") == document() + "\n", "run `make docs`"


COMMENTS = {"python": "# {}", "javascript": "// {}", "sql": "-- {}"}
SUPPRESSIONS = [
    "noqa",
    "nosec",
    "nosemgrep",
    "eslint-disable-line",
    "squawk-ignore-file",
    "type: ignore",
    "pragma: no cover",
]


@pytest.mark.parametrize(
    ("rule", "text"),
    [pair for pair in BAD if pair[0].languages[0] in COMMENTS],
    ids=ids([p for p in BAD if p[0].languages[0] in COMMENTS]),
)
def test_suppression_comments_change_nothing(rule: Rule, text: str) -> None:
    comment = COMMENTS[rule.languages[0]].format("; ".join(SUPPRESSIONS))
    quiet = f"{comment}\n{text}\n{comment}"
    assert len([s for s in sites(rule, quiet) if not s.ok]) == len([s for s in sites(rule, text) if not s.ok])


@pytest.mark.parametrize(
    "text", ["", "\n\n", "(((((", "```", "def f(:\n  pass", "SELECT 'open", "/* open", "\x00", "é" * 1000, "{" * 300]
)
@pytest.mark.parametrize("language", ["python", "javascript", "typescript", "sql", "markdown"])
def test_odd_input_crashes_no_rule(language: str, text: str) -> None:
    for rule in RULES:
        if language in rule.languages:
            try:
                sites(rule, text, language)
            except ToolError:
                continue
