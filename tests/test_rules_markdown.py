"""Rules on a whole answer."""

from __future__ import annotations

import pytest

from graders.answer import Answer, Block, Role, read_answer
from graders.rules.md_answer import RULES_MD_ANSWER, AnswerRule
from graders.rules.rule import Site
from graders.rules.source import Source
from graders.task import NO_TASK, Task

RULES = {rule.id: rule for rule in RULES_MD_ANSWER}


def judge(rule: str, text: str, task: Task = NO_TASK) -> list[Site]:
    return list(RULES[rule].check(Source(text=text, language="markdown", answer=read_answer(text, task), task=task)))


EXAMPLES = [
    *((rule, text, True) for rule in RULES_MD_ANSWER for text in rule.BAD),
    *((rule, text, False) for rule in RULES_MD_ANSWER for text in rule.GOOD),
]


@pytest.mark.parametrize(("rule", "text", "bad"), EXAMPLES)
def test_each_example_is_judged_as_it_says(rule: AnswerRule, text: str, bad: bool) -> None:
    sites = judge(rule.id, text, rule.example_task)
    assert any(not site.ok for site in sites) is bad


@pytest.mark.parametrize("rule", RULES_MD_ANSWER, ids=lambda rule: rule.id)
def test_some_good_example_gives_a_good_site(rule: AnswerRule) -> None:
    assert any(site.ok for text in rule.GOOD for site in judge(rule.id, text, rule.example_task))


def test_every_contract_file_is_judged() -> None:
    text = "`a.py`:\n\n```python\nx = 1\n```\n\n`b.py`:\n\n```python\n# ... rest\n```\n"
    sites = judge("md-contract-files", text, Task(files=("a.py", "b.py", "c.py")))
    assert [(site.line, site.ok) for site in sites] == [(4, True), (10, False), (1, False)]


def test_quoted_blocks_are_not_held_against_the_answer() -> None:
    block = Block(text="# ... rest", line=2, language="python", info="python", file=None, role=Role.QUOTED, elided=True)
    source = Source(text="```python\n# ... rest\n```", language="markdown", answer=Answer(text="", blocks=(block,)))
    assert list(RULES["md-elided-code"].check(source)) == []


def test_findings_are_not_asked_of_other_tasks() -> None:
    assert judge("md-numbered-findings", "No heading.", Task(text="Review it.")) == []


def test_findings_end_at_the_next_heading_of_their_level() -> None:
    text = "## Findings\n\n1. orders.total: float\n\n### Notes\n\n2. payments: x\n\n# Plan\n\n3. then go\n"
    sites = judge("md-numbered-findings", text, Task(text="under `## Findings`"))
    assert [(site.line, site.ok) for site in sites] == [(3, True), (7, True)]


@pytest.mark.parametrize("text", ["", "\n", "# Only a heading", "```", "1. a\n2. b", "| a |\n|---|\n"])
def test_odd_answers_stop_no_rule(text: str) -> None:
    for rule in RULES:
        assert all(site.quote is not None for site in judge(rule, text, Task(text="`## Findings`", files=("a.py",))))
