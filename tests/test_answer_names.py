"""File names that answers give their blocks: where they may stand, and which are refused."""

from __future__ import annotations

import pytest

from graders.answer import Block, read_answer
from graders.answer_names import safe, split_info
from graders.task import Task


def block(text: str, *files: str) -> Block:
    (found,) = read_answer(text, Task(files=files)).blocks
    return found


def fenced(info: str, code: str = "x = f(1)") -> str:
    return f"```{info}\n{code}\n```\n"


@pytest.mark.parametrize(
    ("info", "file", "language"),
    [
        ("python:app/main.py", "app/main.py", "python"),
        ('python title="app.py"', "app.py", "python"),
        ("python title=app.py", "app.py", "python"),
        ("python {filename='app.py'}", "app.py", "python"),
        ("python file=app.py linenos", "app.py", "python"),
        ("python app.py", "app.py", "python"),
        ("python (app.py)", "app.py", "python"),
        ("app.py", "app.py", "python"),
        ("./app.py", "app.py", "python"),
        ("`app.py`", None, None),
        ("src/db/schema.sql", "src/db/schema.sql", "sql"),
        ("Dockerfile", "Dockerfile", "dockerfile"),
        ("dockerfile", None, "dockerfile"),
        (".env.example", ".env.example", "dotenv"),
        (".env", ".env", "dotenv"),
        ("app/[id]/page.tsx", "app/[id]/page.tsx", "typescript"),
        ('python title="Before"', None, "python"),
        ("python showLineNumbers", None, "python"),
        ("js {1,3-4}", None, "javascript"),
    ],
)
def test_names_in_info_strings(info: str, file: str | None, language: str | None) -> None:
    if "`" in info:
        assert read_answer(fenced(info)).blocks[0].file is None
        return
    found = block(fenced(info, "") if language in {"dotenv", "dockerfile", "sql", "typescript"} else fenced(info))
    assert (found.file, found.language) == (file, language)


@pytest.mark.parametrize(
    "lead",
    [
        "**app.py**",
        "**`app.py`**",
        "`app.py`:",
        "`app.py`",
        "app.py:",
        "### `app.py`",
        "### 2. `app.py`",
        "## 1. app.py: the server",
        "### app.py (new)",
        "**app.py** — the server",
        "File: app.py",
        "File: `app.py`",
        "**File:** `app.py`",
        "Filename: app.py",
        "1. **app.py**",
        "- `app.py`",
        "<summary>app.py</summary>",
        "Here is the complete `app.py`:",
        "Save this as `app.py`:",
        "Create a file `app.py` with:",
        "The new `app.py`:",
        "In `app.py`:",
        "It all goes into one place. The full `app.py`:",
        "Some text first.\n`app.py`:",
    ],
)
def test_names_in_the_line_before(lead: str) -> None:
    assert block(f"{lead}\n\n{fenced('python')}").file == "app.py"


@pytest.mark.parametrize(
    "lead",
    [
        "Run `python app.py` and then:",
        "In `app.py`, replace the handler with:",
        "Add this to `app.py`:",
        "Compare `app.py` and `jobs.py`:",
        "`app.py` calls it, and this is how the tests see it in general, which matters to everybody who reads the code of the whole project today.",
        "The server is in `app.py`.",
        "Use Node.js:",
        "**Node.js**",
        "Read it from process.env:",
        "**orders.total**",
        "`schema.sql`",
        "Send it to me@example.py:",
        "See https://example.com/app.py:",
    ],
)
def test_sentences_that_name_no_block(lead: str) -> None:
    assert block(f"{lead}\n\n{fenced('python')}").file is None


def test_a_heading_names_the_first_block_below_it() -> None:
    answer = read_answer(
        f"### `app.py`\n\nThe server.\n\n{fenced('python')}\nUse it:\n\n{fenced('python', 'y = g(2)')}"
    )
    assert [found.file for found in answer.blocks] == ["app.py", None]


def test_a_name_far_above_is_not_taken() -> None:
    assert read_answer(f"`app.py`\n\nWords.\n\n{fenced('python')}").blocks[0].file is None


@pytest.mark.parametrize(
    ("label", "code", "file"),
    [
        ("python", "# app.py\nx = f(1)", "app.py"),
        ("python", "# app/main.py - the server\nx = f(1)", "app/main.py"),
        ("python", "#!/usr/bin/env python3\n# app.py\nx = f(1)", "app.py"),
        ("js", "// app.js\nf();", "app.js"),
        ("js", "/* src/app.js */\nf();", "src/app.js"),
        ("js", "'use strict';\n// File: app.js\nf();", "app.js"),
        ("sql", "-- schema.sql\nSELECT 1;", "schema.sql"),
        ("", "# app.py\nimport os", "app.py"),
        ("python", "# see app.py for the rest\nx = f(1)", None),
        ("python", "x = f(1)  # app.py\ny = 1", None),
        ("python", "x = 1\ny = 2\n# app.py\nx = f(1)", None),
        ("python", "# /etc/app.py\nx = f(1)", None),
        ("python", "# ../app.py\nx = f(1)", None),
    ],
)
def test_names_in_the_first_comment(label: str, code: str, file: str | None) -> None:
    assert block(fenced(label, code)).file == file


UNSAFE = ["/etc/cron.d/app.py", "../app.py", "a/../../app.py", "..", "C:/app.py", "c:app.py", "C:\\app.py", "a\\app.py", "~/app.py", "a//app.py",
          "a/./app.py", "app.py\0", "a/b\nc.py", "", ".", "./", "x" * 300 + ".py", "/app.py", "./../app.py", "a／app.py", "$HOME/app.py", "-\u202eyp.ppa"]  # fmt: skip


@pytest.mark.parametrize("name", UNSAFE)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    assert safe(name) is None


@pytest.mark.parametrize("name", ["/etc/app.py", "../app.py", "C:\\app.py", "a\\app.py", "a/../app.py"])
@pytest.mark.parametrize(
    "text",
    [
        "```python:{}\nx = f(1)\n```",
        '```python title="{}"\nx = f(1)\n```',
        "**{}**\n\n```python\nx = f(1)\n```",
        "`{}`:\n\n```python\n# app.py\nx = 1\n```",
    ],
)
def test_an_unsafe_name_leaves_a_block_without_one(name: str, text: str) -> None:
    answer = read_answer(text.replace("{}", name))
    assert [found.file for found in answer.blocks] == [None]
    assert any("refused" in note for note in answer.notes)


def test_a_contract_file_is_matched_by_its_whole_path() -> None:
    assert block(fenced("./src/app.py"), "src/app.py").file == "src/app.py"
    assert block(fenced("lib/app.py"), "app.py").file == "lib/app.py"


def test_the_info_string_goes_before_the_line_above_and_that_before_the_comment() -> None:
    assert block(f"**a.py**\n\n{fenced('python:b.py', '# c.py')}").file == "b.py"
    assert block(f"**a.py**\n\n{fenced('python', '# c.py')}").file == "a.py"


@pytest.mark.parametrize(
    ("info", "split"),
    [
        ("python", ("python", "")),
        ("python:app.py", ("python", "app.py")),
        ("app.py", ("", "app.py")),
        ("{.python}", ("python", "")),
        ("js{1}", ("js", "")),
        ('title="a.py"', ("", 'title="a.py"')),
        ("", ("", "")),
        ("c++", ("c++", "")),
    ],
)
def test_info_strings_are_split(info: str, split: tuple[str, str]) -> None:
    assert split_info(info) == split
