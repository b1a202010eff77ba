"""From sites to a grade."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.answer import read_answer
from graders.criterion import Criterion, Dimension, Grade, GraderRef, Kind, Sort, Status
from graders.registry import RULES_BY_ID
from graders.rules import source as source_module
from graders.rules.grading import grade_rules, scan, sources_of
from graders.task import NO_TASK, Task

SAFE = 'def f(db, name):\n    return db.execute("SELECT 1 FROM t WHERE n = %s", (name,))'
UNSAFE = "def f(db, name):\n    return db.execute(f\"SELECT 1 FROM t WHERE n = '{name}'\")"


def grade(answer: str, *rules: str, veto: bool = False, file: str | None = None, task: Task = NO_TASK) -> Grade:
    criterion = Criterion(
        id="c",
        dimension=Dimension.SECURITY,
        sort=Sort.DEPTH,
        points=1,
        statement="s",
        guidance="g",
        covers=(),
        graders=(GraderRef(kind=Kind.RULE, rules=rules or ("py-sql-injection",), veto=veto, file=file),),
    )
    (only,) = grade_rules([criterion], read_answer(answer, task), task, RULES_BY_ID)
    return only


def block(code: str, label: str = "python") -> str:
    return f"```{label}\n{code}\n```\n"


def test_a_bad_site_fails_with_quote_and_line() -> None:
    found = grade(f"Here it is.\n\n{block(UNSAFE)}")
    assert found.status is Status.FAIL
    assert found.evidence[0].line == 5
    assert "SELECT 1" in found.evidence[0].quote


def test_good_sites_pass_with_a_quote() -> None:
    found = grade(block(SAFE))
    assert found.status is Status.PASS
    assert found.evidence


def test_a_bad_site_outweighs_good_ones() -> None:
    assert grade(block(SAFE) + "\n" + block(UNSAFE)).status is Status.FAIL


@pytest.mark.parametrize(
    "answer", ["Only words: all my queries are parameterised.", block("x = 1"), block('# db.execute("…", (name,))'), ""]
)
def test_silence_and_claims_decide_nothing(answer: str) -> None:
    assert grade(answer).status is Status.UNSCORED


def test_a_comment_that_claims_safety_does_not_help() -> None:
    assert (
        grade(block("# parameterised, safe from SQL injection  # noqa: S608  # nosec\n" + UNSAFE)).status is Status.FAIL
    )


def test_a_veto_can_fail_but_never_pass() -> None:
    assert grade(block(SAFE), veto=True).status is Status.UNSCORED
    assert grade(block(UNSAFE), veto=True).status is Status.FAIL


def test_quoted_code_is_never_held_against_a_review() -> None:
    task = Task(text=f"Review this.\n\n```old.py\n{UNSAFE}\n```\n", attachments=(("old.py", UNSAFE),))
    answer = f"## Problem in the current code\n\n{block(UNSAFE)}\n## Fixed\n\n{block(SAFE)}"
    assert grade(answer, task=task).status is Status.PASS


def test_code_left_out_proves_nothing_good_but_something_bad() -> None:
    assert grade(block(SAFE + "\n\n# ... rest of the file unchanged")).status is Status.UNSCORED
    assert grade(block(UNSAFE + "\n\n# ... rest of the file unchanged")).status is Status.FAIL


def test_a_block_that_does_not_parse_is_unscored() -> None:
    assert grade(block(SAFE + "\n\ndef broken(:\n    pass")).status is not Status.PASS


def test_only_the_named_file_is_looked_at() -> None:
    answer = f"**`other.py`**\n\n{block(UNSAFE)}\n**`app.py`**\n\n{block(SAFE)}"
    assert grade(answer, file="app.py").status is Status.PASS
    assert grade(answer).status is Status.FAIL


def test_the_version_names_reader_and_rules() -> None:
    found = grade(block(SAFE), "py-sql-injection", "py-float-money")
    assert found.grader == "py-sql-injection+py-float-money"
    assert found.version.startswith("reader-")


def test_a_missing_tool_is_unscored_never_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "_program", lambda name: str(Path("/nonexistent") / name))
    good = RULES_BY_ID["py-undefined-name"].GOOD[0]
    assert grade(block(good), "py-undefined-name").status is Status.UNSCORED


def test_scan_reports_lines_of_the_whole_answer() -> None:
    found, _ = scan(
        sources_of(read_answer(f"One.\n\nTwo.\n\n{block(UNSAFE)}"), NO_TASK), [RULES_BY_ID["py-sql-injection"]]
    )
    assert [(placed.rule.id, placed.line) for placed in found] == [("py-sql-injection", 7)]
