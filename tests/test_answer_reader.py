"""Reading answers as a whole, harder cases: fences meant otherwise than written, sessions, versions, hostile text."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graders.answer import Answer, Block, Role, read_answer
from graders.task import Task

FENCE = "```"


def fenced(code: str, info: str = "python", fence: str = FENCE) -> str:
    return f"{fence}{info}\n{code}\n{fence}\n"


def only(text: str, task: Task | None = None) -> Block:
    blocks = read_answer(text, task or Task()).blocks
    assert len(blocks) == 1, blocks
    return blocks[0]


def texts(answer: Answer) -> list[str]:
    return [block.text.rstrip("\n") for block in answer.blocks]


def languages(answer: Answer) -> list[str | None]:
    return [block.language for block in answer.blocks]


def written(answer: Answer, block: Block) -> str:
    """The answer's line on which a block says that it begins."""
    return answer.text.split("\n")[block.line - 1].strip()


# Fences as CommonMark has them


def test_a_longer_fence_holds_shorter_ones() -> None:
    block = only("````markdown\n# T\n\n```bash\nnpm i\n```\n````\n")
    assert block.language == "markdown"
    assert "npm i" in block.text


def test_a_fence_of_the_other_kind_does_not_close() -> None:
    assert only("~~~text\n```\n~~~\n").text == "```\n"


def test_lines_are_those_of_the_answer() -> None:
    answer = read_answer("One\n\n" + fenced("a = f()") + "\n- x\n\n  ```sql\n  SELECT 1;\n  ```\n")
    assert [written(answer, block) for block in answer.blocks] == ["a = f()", "SELECT 1;"]


# Fences of one length, nested

README = "# Title\n\n```bash\nnpm install\n```\n\nThen:\n\n```bash\nnpm start\n```"


def test_a_readme_with_fences_in_it_stays_whole() -> None:
    answer = read_answer(f"Readme:\n\n{fenced(README, 'markdown')}\nAnd the code:\n\n{fenced('import os')}")
    assert languages(answer) == ["markdown", "python"]
    assert texts(answer) == [README, "import os"]
    assert written(answer, answer.blocks[1]) == "import os"
    assert any("nested" in note for note in answer.notes)


def test_two_readmes_in_a_row() -> None:
    answer = read_answer(f"{fenced(README, 'md')}\ntext\n\n{fenced(README, 'md')}\n{fenced('import os')}")
    assert texts(answer) == [README, README, "import os"]


def test_a_block_that_was_not_closed_ends_where_the_next_begins() -> None:
    answer = read_answer("```python\nimport os\n```python\nimport sys\n```\n\nThe end.\n")
    assert texts(answer) == ["import os", "import sys"]
    assert [written(answer, block) for block in answer.blocks] == ["import os", "import sys"]


def test_a_fence_too_many_does_not_swallow_the_rest() -> None:
    answer = read_answer(f"{fenced('import os')}{FENCE}\n\nText.\n\n{fenced('const a = f();', 'js')}")
    assert languages(answer) == ["python", "javascript"]
    assert "Text." in [paragraph.text for paragraph in answer.paragraphs]


# Fences inside code


def test_a_fence_inside_a_docstring_does_not_end_the_block() -> None:
    code = 'def f():\n    """Example:\n\n```\nf()\n```\n    """\n    return 1'
    answer = read_answer(f"{fenced(code)}\nDone.\n\n{fenced('import os')}")
    assert texts(answer) == [code, "import os"]


def test_a_labelled_fence_inside_a_docstring_does_not_end_the_block() -> None:
    code = 'def f():\n    """\n```python\nf()\n```\n    """\n    return 1'
    assert texts(read_answer(fenced(code))) == [code]


def test_a_fence_inside_a_here_document_does_not_end_the_block() -> None:
    code = "cat > README.md <<'EOF'\n# T\n```\nnpm i\n```\nEOF\nls"
    assert texts(read_answer(f"{fenced(code, 'bash')}\n{fenced('import os')}")) == [code, "import os"]


def test_two_broken_blocks_are_not_joined_over_prose() -> None:
    answer = read_answer(f"{fenced('def f(:')}\nSome words in between.\n\n{fenced('def g(:')}")
    assert texts(answer) == ["def f(:", "def g(:"]


# HTML and reasoning


@pytest.mark.parametrize("tag", ["details", "div", "p", "section", "table"])
def test_html_does_not_swallow_a_fence(tag: str) -> None:
    answer = read_answer(f"<{tag}>\n<summary>Code</summary>\n{fenced('import os')}</{tag}>\n")
    assert texts(answer) == ["import os"]


@pytest.mark.parametrize("tag", ["thinking", "think", "reasoning", "THINKING", "scratchpad"])
def test_reasoning_is_left_out_and_lines_stay(tag: str) -> None:
    draft = f"<{tag}>\nPerhaps so:\n{fenced('import draft')}\n{FENCE}never closed\n</{tag}>\n\n"
    answer = read_answer(draft + fenced("import os"))
    assert texts(answer) == ["import os"]
    assert "draft" not in answer.text
    assert "Perhaps" not in " ".join(paragraph.text for paragraph in answer.paragraphs)
    assert written(answer, answer.blocks[0]) == "import os"
    assert answer.notes == ("a reasoning section was left out",)


def test_reasoning_that_began_in_the_prompt_is_left_out() -> None:
    assert texts(read_answer(f"Hmm.\n{fenced('import draft')}</think>\n{fenced('import os')}")) == ["import os"]


def test_an_answer_that_never_left_its_reasoning_is_empty() -> None:
    answer = read_answer(f"<thinking>\nI would\n{fenced('import draft')}")
    assert answer.blocks == ()
    assert not answer.text.strip()


@pytest.mark.parametrize(
    "text",
    [
        fenced('TAG = "<thinking>"\nprint("</thinking>")'),
        f"Strip the `<thinking>` and `</thinking>` tags:\n\n{fenced('import os')}",
        f"The <thinking> tag is stripped.\n\n{fenced('import os')}",
        f"{fenced('import os')}\n<b>bold</b> </details>\n",
    ],
)
def test_tags_that_are_talked_about_hide_nothing(text: str) -> None:
    answer = read_answer(text)
    assert len(answer.blocks) == 1
    assert answer.text == text


# Truncated answers


@pytest.mark.parametrize(
    "text",
    [
        "```python\ndef f():",
        "```python\ndef f():\n",
        "Text\n\n- a\n  ```python\n  def f():",
        "> ```python\n> x(",
        "```sql",
    ],
)
def test_an_answer_that_ends_inside_a_block_says_so(text: str) -> None:
    assert only(text).truncated


@pytest.mark.parametrize(
    "text", [fenced("f()") + "\n\nText\n", "> ```python\n> f()\n> ```", "```python\n```", "    f()\n    g()\n"]
)
def test_a_closed_block_is_not_truncated(text: str) -> None:
    assert not only(text).truncated


def test_a_truncated_file_does_not_replace_a_whole_one() -> None:
    answer = read_answer(f"{fenced('import os', 'app.py')}\nAgain:\n\n```app.py\nimport sys\nx = (")
    block = answer.file("app.py")
    assert block is not None
    assert block.text == "import os\n"


# Fences in lists and quotes, and indented ones


@pytest.mark.parametrize(
    "text",
    [
        "1. Do:\n   ```python\n   if f():\n       g()\n   ```\n2. Then\n",
        "> Quoted:\n>\n> ```python\n> if f():\n>     g()\n> ```\n",
        "> - a\n>   ```python\n>   if f():\n>       g()\n>   ```\n",
        "Text:\n\n\t```python\n\tif f():\n\t    g()\n\t```\n",
        "Text:\n    ```python\n    if f():\n        g()\n    ```\nmore\n",
        "1. Do:\n   ```python\nif f():\n    g()\n   ```\n2. Then\n",
        "- Do:\n    ```python\n    if f():\n        g()\n    ```\n- Then\n",
        "1. Do:\n\n      ```python\n      if f():\n          g()\n      ```\n",
    ],
)
def test_code_in_lists_and_quotes_has_no_indentation_of_theirs(text: str) -> None:
    block = only(text)
    assert block.text == "if f():\n    g()\n"
    assert block.language == "python"
    assert not block.truncated


def test_an_indented_block_is_code() -> None:
    block = only("Run it:\n\n    import os\n    os.getpid()\n\nDone.\n")
    assert block.text == "import os\nos.getpid()\n"
    assert (block.language, block.line) == ("python", 3)


# Versions of one file


def test_of_two_whole_versions_the_earlier_is_an_alternative() -> None:
    answer = read_answer(fenced("a = f(1)", "app.py") + "\nBetter:\n\n" + fenced("a = f(2)", "app.py"))
    assert [block.alternative for block in answer.blocks] == [True, False]


def test_a_version_with_gaps_does_not_replace_a_whole_one() -> None:
    answer = read_answer(fenced("a = f(1)\nb = 2", "app.py") + "\n" + fenced("# ... rest unchanged\nb = 3", "app.py"))
    block = answer.file("app.py")
    assert block is not None
    assert block.text == "a = f(1)\nb = 2\n"
    assert not any(block.alternative for block in answer.blocks)


def test_an_excerpt_shown_later_does_not_replace_the_file() -> None:
    whole = "\n".join(f"x{n} = f({n})" for n in range(20))
    answer = read_answer(fenced(whole, "app.py") + "\nThe heart of it is this:\n\n" + fenced("# app.py\nx3 = f(3)"))
    block = answer.file("app.py")
    assert block is not None
    assert block.text.startswith("x0")


@pytest.mark.parametrize("label", ["diff", "patch", "python", "", "app.py"])
def test_a_diff_is_no_file(label: str) -> None:
    code = "--- a/app.py\n+++ b/app.py\n@@ -1,2 +1,2 @@\n-a = 1\n+a = 2\n b = 3"
    answer = read_answer("**app.py**\n\n" + fenced(code, label), Task(files=("app.py",)))
    assert languages(answer) == ["diff"]
    assert answer.file("app.py") is None
    assert answer.blocks[0].role is not Role.PROPOSED


def test_a_diff_without_headers_is_a_diff() -> None:
    assert only(fenced("-cur.execute(a)\n+cur.execute(b)\n conn.commit()")).language == "diff"


def test_lists_and_comments_are_no_diffs() -> None:
    assert only(fenced("-- one\n-- two\nSELECT 1;", "sql")).language == "sql"
    assert only(fenced("- a: 1\n- b: 2", "yaml")).language == "yaml"


# Alternatives and sessions


def test_an_option_holds_for_all_below_its_heading() -> None:
    answer = read_answer(
        f"## Option A: sync\n\n{fenced('a = f()')}\n## Option B: async\n\n### Set-up\n\n{fenced('b = f()')}\n"
        f"## Tests\n\n{fenced('c = f()')}"
    )
    assert [block.alternative for block in answer.blocks] == [False, True, False]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("**Approach 1**", "**Approach 2**"),
        ("### Sync version", "### Async version"),
        ("Option 1:", "Option 2:"),
        ("Do it:", "Alternatively, so:"),
    ],
)
def test_options_are_told_by_the_line_above_too(first: str, second: str) -> None:
    answer = read_answer(f"{first}\n\n{fenced('a = f()')}\n{second}\n\n{fenced('b = f()')}")
    assert [block.alternative for block in answer.blocks] == [False, True]


def test_two_series_of_options_have_two_first_ones() -> None:
    option = "### Option {}\n\n" + fenced("a = f()") + "\n"
    series = [f"## {name}\n\n{option.format('A')}{option.format('B')}" for name in ("Cache", "Queue")]
    assert [block.alternative for block in read_answer("".join(series)).blocks] == [False, True, False, True]


def test_a_file_given_in_two_options_is_the_first() -> None:
    answer = read_answer(
        f"## Option A\n\n{fenced('a = f(1)', 'app.py')}\n## Option B\n\n{fenced('a = f(2)', 'app.py')}"
    )
    block = answer.file("app.py")
    assert block is not None
    assert block.text == "a = f(1)\n"
    assert [block.alternative for block in answer.blocks] == [False, True]


def test_a_file_cannot_hide_in_a_second_option() -> None:
    text = f"## Option A\n\nDo nothing.\n\n## Option B\n\n{fenced('a = f(2)', 'app.py')}"
    assert not only(text, Task(files=("app.py",))).alternative


@pytest.mark.parametrize(
    ("label", "code", "language", "expected"),
    [
        ("console", "$ npm i\nadded 5 packages\n$ node app.js\nlistening", "bash", "npm i\n\nnode app.js"),
        ("bash", "$ curl -X POST \\\n    http://x\n{}", "bash", "curl -X POST \\\n    http://x"),
        ("", "me@host:~/x$ ls\na  b", "bash", "ls"),
        ("", "(venv) $ ls", "bash", "ls"),
        ("python", ">>> f(1)\n2\n>>> for a in b:\n...     c(a)\n...\n3", "python", "f(1)\n\nfor a in b:\n    c(a)"),
        ("psql", "shop=# SELECT 1;\n ?column?\n 1", "sql", "SELECT 1;"),
        ("bash", "$ cat > a <<EOF\nx\nEOF\n$ ls", "bash", "cat > a <<EOF\nx\nEOF\nls"),
    ],
)
def test_a_session_is_what_was_typed_line_for_line(label: str, code: str, language: str, expected: str) -> None:
    block = only(fenced(code, label))
    assert (block.text.rstrip("\n"), block.language) == (expected, language)
    assert block.text.count("\n") == code.count("\n") + 1


def test_output_is_no_code() -> None:
    answer = read_answer(fenced("HTTP server ready\n... waiting", "text") + "\n" + fenced("row 1\nrow 2", ""))
    assert languages(answer) == ["text", None]
    assert not any(block.elided for block in answer.blocks)


def test_shell_variables_are_no_prompts() -> None:
    assert only(fenced("$x = f();", "php")).text == "$x = f();\n"


# Odd characters


def test_odd_characters_are_normalised_and_noted() -> None:
    answer = read_answer("\ufeffText\r\n\r\n```python\r\nx\u00a0=\u200b f(1)\r\n```\r\n")
    assert texts(answer) == ["x = f(1)"]
    assert answer.text == "Text\n\n```python\nx = f(1)\n```\n"
    assert len(answer.notes) == 2


def test_line_ends_alone_are_not_worth_a_note() -> None:
    assert read_answer("\ufeffText\r\n").notes == ()


def test_a_fence_behind_an_invisible_character_is_found() -> None:
    assert only("\u200b```python\nimport os\n\u200b```").text == "import os\n"


def test_curly_quotes_in_code_become_plain_and_are_noted() -> None:
    answer = read_answer(fenced("print(“hello”, x[‘a’])"))
    assert texts(answer) == ["print(\"hello\", x['a'])"]
    assert any("quotes" in note for note in answer.notes)


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("python", "# it’s fine\nprint('don’t')"),
        ("js", 'say("It’s", `“x”`); // “quoted”'),
        ("sql", "SELECT 'it’s'; -- “x”"),
        ("python", 'def f():\n    """It’s “fine”.\n\n    It’s.\n    """'),
        ("text", "“out”"),
    ],
)
def test_curly_quotes_that_are_text_stay(label: str, code: str) -> None:
    answer = read_answer(fenced(code, label))
    assert texts(answer) == [code]
    assert answer.notes == ()


def test_halves_of_characters_are_replaced() -> None:
    answer = read_answer("a \ud83d\ude00 b \ud800 c \0")
    assert answer.text == "a \U0001f600 b \ufffd c \ufffd"


# Prose


def test_prose_has_lines_and_headings() -> None:
    answer = read_answer(
        "# Plan\n\nUse `SELECT ... FOR UPDATE` and\nretry.\n\n- first **bold** step\n- [second](http://x)\n\n"
        "| a | b |\n|---|---|\n| c | d |\n\n> said\n"
    )
    assert answer.blocks == ()
    assert [(p.text, p.line, p.heading) for p in answer.paragraphs] == [
        ("Use SELECT ... FOR UPDATE and\nretry.", 3, "Plan"),
        ("first bold step", 6, "Plan"),
        ("second", 7, "Plan"),
        ("| a | b |\n|---|---|\n| c | d |", 9, "Plan"),
        ("said", 13, "Plan"),
    ]


def test_prose_holds_no_code() -> None:
    answer = read_answer(f"Before it.\n{fenced('secret = 1')}\nAfter it.\n")
    assert [paragraph.text for paragraph in answer.paragraphs] == ["Before it.", "After it."]


def test_names_in_prose_keep_their_underscores_and_stars() -> None:
    (paragraph,) = read_answer("Set `a_b` and JWT_SECRET_KEY to 2 * 3, or List<int> and <uuid>.\n").paragraphs
    assert paragraph.text == "Set a_b and JWT_SECRET_KEY to 2 * 3, or List<int> and <uuid>."


def test_a_rule_below_a_paragraph_makes_it_no_heading() -> None:
    answer = read_answer("First line\nsecond line\n---\n\nText\n")
    assert [paragraph.heading for paragraph in answer.paragraphs] == ["", ""]


# The contract

CONTRACT = Task(files=("app.py", "schema.sql"))


def test_a_contract_file_is_found_with_a_leading_dot() -> None:
    assert only(fenced("import os", "./app.py"), CONTRACT).file == "app.py"


def test_a_lone_block_is_not_guessed_to_be_the_missing_file() -> None:
    answer = read_answer(fenced("CREATE TABLE t (id int);", "sql") + "\n" + fenced("import os"), CONTRACT)
    assert [block.file for block in answer.blocks] == [None, None]
    assert answer.file("app.py") is None


def test_a_contract_name_without_an_ending_is_known() -> None:
    assert only(fenced("import os", "run"), Task(files=("run",))).file == "run"


# Any text at all

PIECES = ["```", "```python\n", "~~~", "\n", "\n\n", "> ", "- ", "1. ", "    ", "\t", "# ", "---\n", "<thinking>", "`",
          "</thinking>", "<!--", "-->", "**", "$ ls", ">>> ", "...", "app.py", "x = (", '"""', "'", "“", "\ud800", "\0",
          "\r", "\u200b", "Before:\n", "SELECT 1;", "{", "[a](", "\\", "<<EOF\n", "## Option B\n", "@@ -1 @@\n"]  # fmt: skip


def rough() -> st.SearchStrategy[str]:
    """Texts of the pieces that Markdown is made of, and of any characters."""
    pieces = st.one_of(st.sampled_from(PIECES), st.text(alphabet=st.characters(codec=None), max_size=8))
    return st.lists(pieces, max_size=60).map("".join)


@settings(max_examples=200, deadline=None)
@given(rough(), rough())
@example("```\n```python\n```", "```")
@example("", "")
@example("\ud800", "\udfff")
def test_no_text_makes_reading_fail(text: str, asked: str) -> None:
    answer = read_answer(text, Task(text=asked, attachments=(("a.py", asked),), files=("app.py",)))
    count = answer.text.count("\n") + 1
    assert all(1 <= block.line <= count + 1 for block in answer.blocks)
    assert all(1 <= paragraph.line <= count for paragraph in answer.paragraphs)
    assert answer.text.encode().decode() == answer.text


HOSTILE = {
    "backticks": "`" * 1_000_000,
    "fences": "```\n" * 250_000,
    "openings": "```python\n" * 100_000,
    "odd ticks": "`a``b```c" * 60_000,
    "quotes": "> " * 500_000,
    "lists": "- " * 500_000,
    "nested list": "".join("  " * depth + "- a\n" for depth in range(900)),
    "items": "- a\n" * 250_000,
    "paragraphs": "a\n\n" * 300_000,
    "brackets": "[" * 1_000_000,
    "stars": "*a" * 500_000,
    "links": "[a](b" * 200_000,
    "tags": "<a " * 300_000,
    "thinking": "<thinking>" * 100_000,
    "closings": "<thinking>x</think>\n" * 50_000,
    "minus": fenced("-" * 100_000 + "1"),
    "parentheses": fenced("(" * 100_000, "js"),
    "comments": fenced("/*" * 100_000, "js"),
    "escapes": fenced('"\\' * 100_000, "js"),
    "marks": fenced("#\n" * 100_000),
    "dashes": fenced("-- a\n" * 20_000, "sql"),
    "select": fenced("SELECT " * 30_000, ""),
    "words": fenced("a " * 100_000, ""),
    "creates": fenced("CREATE OR REPLACE " * 20_000, ""),
    "broken blocks": fenced("def f(:") * 3_000,
    "options": f"## Option A\n\n{fenced('x = 1', 'app.py')}" * 4_000,
    "here": fenced("<<A " * 20_000, "bash"),
    "here lines": fenced("cat <<A\n" * 15_000, "bash"),
    "dots": fenced("# ... " * 30_000),
    "spaces": " " * 1_000_000,
    "from": fenced("FROM a\n" * 20_000, ""),
    "label": "```" + "a" * 500_000 + "\nx\n```\n",
    "slashes": "a/" * 200_000 + ":\n\n" + fenced("x = 1"),
    "colons": "x" * 300 + "`" * 200_000 + ":\n\n" + fenced("x = 1"),
    "rests": fenced("\n".join("# " + "existing " * 500 for _ in range(200))),
    "imports": fenced("import a b " * 20_000, ""),
    "strings": fenced("'" * 100_001, "sql"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_is_read_in_bounded_time(name: str) -> None:
    began = time.process_time()
    answer = read_answer(HOSTILE[name], Task(text="SELECT 1", files=("app.py",)))
    spent = time.process_time() - began
    assert len(answer.text) <= len(HOSTILE[name])
    assert spent < 60, f"{spent:.1f} s"  # a guard against growth without bound, no measure of speed


def test_a_long_answer_is_read_to_its_end() -> None:
    handler = "def handler_{0}(request: Request) -> Response:\n    return reply(request, {0})  # step {0}\n"
    code = "\n".join(handler.format(n) for n in range(500))
    route = "app.get('/notes/{0}', async (req, res) => {{ res.json(await store.get({0})); }});"
    script = "\n".join(route.format(n) for n in range(500))
    part = f"## Part\n\nSome words on it.\n\n{fenced(code)}\n{fenced(script, 'js')}\n"
    text = part * 2 + "A paragraph with `code` and **words**.\n\n" * 500
    began = time.process_time()
    answer = read_answer(text, Task(text=code * 4, attachments=(("app.py", code * 4),)))
    spent = time.process_time() - began
    assert len(answer.blocks) == 4
    assert spent < 60, f"{spent:.2f} s"  # the same


def test_importing_the_answer_imports_no_parser() -> None:
    check = (
        "import sys, graders.answer; print([m for m in ('ast_grep_py', 'sqlglot', 'markdown_it') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
