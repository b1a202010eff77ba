"""Which language a block is in, by its label where it has a true one, by its text where not."""

from __future__ import annotations

import pytest

from graders.answer import read_answer
from graders.answer_languages import guessed, is_diff, of_file, valid


def language(label: str, code: str) -> str | None:
    (block,) = read_answer(f"```{label}\n{code}\n```\n").blocks
    return block.language


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Python3", "python"), ("py", "python"), ("python-3.12", "python"), ("node", "javascript"), ("jsx", "javascript"),
        ("ts", "typescript"), ("postgresql", "sql"), ("psql", "sql"), ("PgSQL", "sql"), ("sh", "bash"), ("console", "bash"),
        ("shell-session", "bash"), ("yml", "yaml"), ("env", "dotenv"), ("{.python .numberLines}", "python"),
        ("python{1,3}", "python"), ("cobol", "cobol"), ("", None), ("text", "text"),
    ],
)  # fmt: skip
def test_labels_are_normalised(label: str, expected: str | None) -> None:
    assert language(label, "") == expected


TYPED = "interface A { b: string }\nconst c: A = { b: '1' };"


@pytest.mark.parametrize(
    ("label", "code", "expected"),
    [
        ("", "from flask import Flask\n\napp = Flask(__name__)", "python"),
        ("", "def f():\n    return 1", "python"),
        ("", "const a = require('a');\na.b();", "javascript"),
        ("js", TYPED, "typescript"),
        ("", TYPED, "typescript"),
        ("", "-- first\nCREATE TABLE t (id bigint);", "sql"),
        ("python", "CREATE TABLE t (id bigint);\nALTER TABLE t ADD c text;", "sql"),
        ("sql", "import os\n\nprint(os.environ)", "python"),
        ("python", "const a = () => { return 1; };\nmodule.exports = { a };", "javascript"),
        ("text", "import os\n\nprint(os.environ)", "python"),
        ("", '{"a": [1, 2]}', "json"),
        ("", "npm install express\nnode app.js", "bash"),
        ("", "services:\n  db:\n    image: postgres\n", "yaml"),
        ("", "PORT=3000\nJWT_SECRET=x", "dotenv"),
        ("", "package main\n\nfunc main() {\n}", "go"),
        ("", "#!/usr/bin/env python3\nx = 1", "python"),
        ("", "FROM python:3.12\nRUN pip install x", "dockerfile"),
        ("", "hello world", None),
        ("", "Listening on 3000", None),
        ("", "export A=1\nexport B=2\ncurl http://x", "bash"),
        ("bash", "export A=1\ncurl http://x", "bash"),
        ("js", "async function f() {\n  // ... existing\n  await g();", "javascript"),
        ("python", "def f(:\n    x", "python"),
        ("sql", "\\set ON_ERROR_STOP on\nSELECT 1;", "sql"),
        ("sql", "SET lock_timeout = '3s';", "sql"),
        ("sql", "balance numeric NOT NULL CHECK (balance >= 0)", "sql"),
    ],
)
def test_languages_are_told_by_the_code(label: str, code: str, expected: str | None) -> None:
    assert language(label, code) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/b.py", "python"),
        ("x.mjs", "javascript"),
        ("Dockerfile", "dockerfile"),
        (".env.example", "dotenv"),
        ("a", None),
    ],
)
def test_files_have_the_language_of_their_ending(name: str, expected: str | None) -> None:
    assert of_file(name) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("python", "    x = 1\n    y = 2", True),
        ("python", "x = '\\d'", True),
        ("python", "x = (", False),
        ("python", "a\0", False),
        ("json", "[" * 100_000, False),
        ("javascript", "f({", False),
        ("bash", "cat <<EOF\nx", False),
        ("bash", "ls", None),
        ("cobol", "x", None),
    ],
)
def test_validity_is_told_where_it_can_be(name: str, text: str, expected: bool | None) -> None:
    assert valid(name, text) is expected


def test_nothing_is_guessed_of_nothing() -> None:
    assert guessed(" \n") is None
    assert not is_diff("")
