"""What many tests need: a small sound project, and a wall between tests and the network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent

SUITE = """\
persona: helper
max_tokens: 1000
repeats: 2
model: some-model
judge: some-judge
"""

CASE = """\
id: login
version: 1
family: authentication
title: A login route
message: |
  Add a login route to `app.py`.
attachments: [old.py]
files: [app.py]
criteria:
  - id: sql-safe
    dimension: security
    sort: tripwire
    points: 3
    statement: Values reach SQL as parameters only.
    guidance: "Pass: parameters. Fail: text."
    covers: [be-safe]
    graders:
      - rules: [py-sql-injection]
      - judge
  - id: explains
    dimension: documentation
    sort: promise
    points: 1
    statement: The answer explains its choice.
    guidance: "Pass: it does. Fail: it does not."
    covers: [explain]
    graders: [judge]
"""

PERSONA = """\
---
name: helper
description: Helps.
---

Be safe. Explain yourself.
"""

INSTRUCTIONS = """\
persona: helper
instructions:
  be-safe:
    "0001": "Be safe."
  explain:
    "0001": "Explain yourself."
framing: {}
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="rewrite tests/golden/")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "local"
        if host not in ("local", "127.0.0.1", "::1", "localhost"):
            message = f"a test tried to reach {host}"
            raise AssertionError(message)
        connect(self, address)  # type: ignore[arg-type]  # passed through unchanged

    monkeypatch.setattr(socket.socket, "connect", guarded)
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "NO_COLOR", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A sound project with one suite, one case, a control and one revision, and no recordings."""
    write = {
        "cases/small/suite.yaml": SUITE,
        "cases/small/login.yaml": CASE,
        "cases/small/login/old.py": "print('old')\n",
        "prompts/helper/0000-none.md": "---\nname: helper\ndescription: The control.\n---\n",
        "prompts/helper/0001-first.md": PERSONA,
        "prompts/helper/instructions.yaml": INSTRUCTIONS,
    }
    for name, text in write.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run the command in a folder: exit code, standard output, standard error."""
    from evals.cli import main

    def call(folder: Path, *argv: str) -> tuple[int, str, str]:
        monkeypatch.chdir(folder)
        capsys.readouterr()
        try:
            code = main(argv)
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call
