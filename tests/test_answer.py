"""The fifteen ways in which a model's Markdown defeats a careless reader, and hostile text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.answer import Answer, Block, Role, read_answer
from graders.task import Task

PYTHON = "import os\n\n\ndef f(a):\n    return os.environ[a]"
JAVASCRIPT = (
    "const express = require('express');\nconst app = express();\napp.get('/', (req, res) => res.json({ ok: true }));"
)
SQL = "CREATE TABLE accounts (\n    id bigint PRIMARY KEY,\n    balance numeric NOT NULL\n);"


def only(text: str, task: Task | None = None) -> Block:
    (block,) = read_answer(text, task or Task()).blocks
    return block


def codes(answer: Answer) -> list[str]:
    return [block.text.strip() for block in answer.blocks]


@pytest.mark.parametrize("fence", ["```", "~~~", "`````"])
@pytest.mark.parametrize("info", ["python", " python ", "python title=x", "Python3", "py"])
def test_1_fences_of_every_kind(fence: str, info: str) -> None:
    block = only(f"Text.\n\n{fence}{info}\n{PYTHON}\n{fence}\n")
    assert (block.language, block.text.strip(), block.line) == ("python", PYTHON, 4)


def test_1_crlf() -> None:
    assert (
        only(f"Text.\r\n\r\n```python\r\n{PYTHON}\r\n```\r\n".replace("\n", "\r\n").replace("\r\r", "\r")).text.strip()
        == PYTHON
    )


def test_2_a_readme_that_holds_fences_of_the_same_length() -> None:
    text = f"```markdown\n# Run\n\n```bash\nmake run\n```\n\nDone.\n```\n\n```python\n{PYTHON}\n```\n"
    blocks = read_answer(text).blocks
    assert (blocks[-1].language, blocks[-1].text.strip()) == ("python", PYTHON)


def test_3_a_fence_inside_a_docstring() -> None:
    code = 'def f():\n    """Use it.\n\n```\nf()\n```\n    """\n    return 1'
    assert any(
        block.language == "python" and "return 1" in block.text and "def f" in block.text
        for block in read_answer(f"```python\n{code}\n```\n").blocks
    )


@pytest.mark.parametrize("tag", ["<details>\n<summary>Code</summary>", "<div>"])
def test_4_html_does_not_swallow_a_fence(tag: str) -> None:
    assert only(f"{tag}\n```python\n{PYTHON}\n```\n</details>\n").text.strip() == PYTHON


def test_4_reasoning_is_stripped_and_lines_stay_right() -> None:
    block = only(f"<thinking>\n```python\nbad = eval(input())\n```\n</thinking>\n\n```python\n{PYTHON}\n```\n")
    assert (block.text.strip(), block.line) == (PYTHON, 8)


def test_5_a_block_that_the_answer_ends_in() -> None:
    assert only(f"```python\n{PYTHON}\n    if").truncated
    assert not only(f"```python\n{PYTHON}\n```").truncated


@pytest.mark.parametrize("lead", ["- ", "1. ", "> "])
def test_6_fences_in_lists_and_quotes(lead: str) -> None:
    rest = "> " if lead == "> " else " " * len(lead)
    lines = ["```python", *PYTHON.split("\n"), "```"]
    text = f"{lead}Do this:\n{rest.rstrip()}\n" + "\n".join(f"{rest}{line}" for line in lines) + "\n"
    assert only(text).text.strip() == PYTHON


@pytest.mark.parametrize(
    ("label", "code", "language"),
    [("", PYTHON, "python"), ("", SQL, "sql"), ("", JAVASCRIPT, "javascript"), ("js", "const a: number = 1;\ninterface B { c: string }", "typescript"),
     ("node", JAVASCRIPT, "javascript"), ("postgresql", SQL, "sql"), ("pgsql", SQL, "sql"), ("Python3", PYTHON, "python"), ("sh", "make run", "bash")],
)  # fmt: skip
def test_7_labels_lie_or_are_absent(label: str, code: str, language: str) -> None:
    assert only(f"```{label}\n{code}\n```\n").language == language


@pytest.mark.parametrize(
    "text",
    [
        f"```python:app.py\n{PYTHON}\n```\n",
        f"```python title=\"app.py\"\n{PYTHON}\n```\n",
        f"```python app.py\n{PYTHON}\n```\n",
        f"```app.py\n{PYTHON}\n```\n",
        f"**`app.py`**\n\n```python\n{PYTHON}\n```\n",
        f"### `app.py`\n\n```python\n{PYTHON}\n```\n",
        f"File: `./app.py`\n\n```python\n{PYTHON}\n```\n",
        f"```python\n# app.py\n{PYTHON}\n```\n",
    ],
)  # fmt: skip
def test_8_where_file_names_stand(text: str) -> None:
    block = only(text, Task(files=("app.py",)))
    assert (block.file, block.language) == ("app.py", "python")


@pytest.mark.parametrize("name", ["/etc/passwd.py", "../app.py", "a/../../app.py", "C:\\app.py", "..\\app.py"])
def test_8_names_that_lead_out_are_refused(name: str) -> None:
    assert only(f"```python title={name}\n{PYTHON}\n```\n").file is None


def test_8_the_last_full_version_of_a_file_wins() -> None:
    answer = read_answer(
        "```app.py\nx = 1\n```\n\nBetter:\n\n```app.py\nx = 2\n```\n\nAnd so on:\n\n```app.py\n# ... rest unchanged\nx = 3\n```\n",
        Task(files=("app.py",)),
    )
    found = answer.file("app.py")
    assert found is not None
    assert found.text.strip() == "x = 2"


def test_9_quoted_bad_code_is_no_proposal() -> None:
    task = Task(text=f"Review:\n```old.py\n{PYTHON}\n```", attachments=(("old.py", PYTHON),))
    answer = read_answer(
        f"## The problem\n\nYour current code:\n\n```python\n{PYTHON}\n```\n\n## Fixed version\n\n```python\nx = 1\n```\n",
        task,
    )
    assert [block.role for block in answer.blocks] == [Role.QUOTED, Role.PROPOSED]


@pytest.mark.parametrize("lead", ["Before:", "This is vulnerable:", "Don't do this:", "**Bad:**"])
def test_9_a_bad_example_is_not_held_against_the_answer(lead: str) -> None:
    assert only(f"{lead}\n\n```python\n{PYTHON}\n```\n").role is not Role.PROPOSED


def test_9_a_contract_file_cannot_hide_behind_words() -> None:
    assert (
        only(f"Before, the vulnerable version:\n\n```app.py\n{PYTHON}\n```\n", Task(files=("app.py",))).role
        is Role.PROPOSED
    )


@pytest.mark.parametrize("gap", ["# ... rest unchanged", "...", "# existing code here", "    pass  # TODO: implement"])
def test_10_code_left_out(gap: str) -> None:
    assert only(f"```python\n{PYTHON}\n{gap}\n```\n").elided


@pytest.mark.parametrize(
    "code",
    [
        "from typing import Protocol\n\n\nclass P(Protocol):\n    def f(self) -> int: ...",
        "LIMIT = 7  # ... and fails from here on",
        "x = [1, 2]  # not the rest",
    ],
)
def test_10_dots_that_leave_nothing_out(code: str) -> None:
    assert not only(f"```python\n{code}\n```\n").elided


def test_10_spread_in_javascript_is_no_gap() -> None:
    assert not only("```js\nconst all = { ...one, ...two };\nfunction f(...rest) { return rest; }\n```\n").elided


def test_11_later_options_are_alternatives() -> None:
    answer = read_answer("## Option A\n\n```python\nx = 1\n```\n\n## Option B\n\n```python\nx = 2\n```\n")
    assert [block.alternative for block in answer.blocks] == [False, True]


def test_11_prompts_are_stripped_from_sessions() -> None:
    block = only("```console\n$ make run\n$ curl localhost\n```\n")
    assert "$" not in block.text
    assert "make run" in block.text


def test_12_stray_characters_are_normalised_and_reported() -> None:
    answer = read_answer("\ufeffText\u200b.\n\n```python\nx = “a”\u00a0\n```\n")
    assert "“" not in answer.blocks[0].text
    assert "\u200b" not in answer.text
    assert answer.notes


def test_13_sql_in_strings_is_not_taken_for_a_block() -> None:
    assert [b.language for b in read_answer('```python\nQ = """\nSELECT 1;\n"""\n```\n').blocks] == ["python"]


def test_14_prose_only() -> None:
    answer = read_answer("# Title\n\nUse `bcrypt`.\n\n- one\n- two\n")
    assert answer.blocks == ()
    assert any("bcrypt" in paragraph.text for paragraph in answer.paragraphs)


def test_15_contract_files_are_found_by_name() -> None:
    answer = read_answer(
        f"```python app.py\n{PYTHON}\n```\n\n```sql schema.sql\n{SQL}\n```\n", Task(files=("app.py", "schema.sql"))
    )
    assert [answer.file(name) is not None for name in ("app.py", "schema.sql", "jobs.py")] == [True, True, False]


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec=None), max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    answer = read_answer(text)
    assert all(1 <= block.line <= answer.text.count("\n") + 2 for block in answer.blocks)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "```",
                "```python",
                "~~~",
                "> ",
                "- ",
                "<thinking>",
                "</thinking>",
                "<details>",
                '"""',
                "x = 1",
                "",
                "    y",
                "...",
                "## Option B",
            ]
        ),
        max_size=25,
    )
)
def test_any_mix_of_marks_can_be_read(lines: list[str]) -> None:
    assert isinstance(read_answer("\n".join(lines)), Answer)


@pytest.mark.parametrize(
    "text", ["`" * 1_000_000, "> " * 3000 + "x", "- " * 3000 + "x", "\x00" * 1000, "```\n" * 3000, "\ud800"]
)
def test_hostile_sizes_and_characters(text: str) -> None:
    assert isinstance(read_answer(text), Answer)
