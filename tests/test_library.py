"""Use as a library: the public names are there and typed, the documentation's examples run, nothing heavy is loaded."""

from __future__ import annotations

import ast
import doctest
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import evals
import graders
from tests.conftest import REPOSITORY

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("package", [evals, graders], ids=lambda package: package.__name__)
def test_every_public_name_is_there_and_typed_under_it(package: object) -> None:
    homes: dict[str, str] = getattr(package, "HOMES")  # noqa: B009 - both packages have it
    file = Path(str(getattr(package, "__file__", "")))
    typed = {
        alias.asname: node.module
        for block in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == homes
    for name in homes:
        assert getattr(package, name).__name__ if hasattr(getattr(package, name), "__name__") else True
    assert set(homes) <= set(dir(package))
    assert file.with_name("py.typed").is_file()


@pytest.mark.parametrize("package", [evals, graders], ids=lambda package: package.__name__)
def test_a_name_that_is_not_there(package: object) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        getattr(package, "nothing")  # noqa: B009 - it must be looked up


def test_importing_the_packages_loads_nothing() -> None:
    code = "import sys, evals, graders; print([m for m in sys.modules if m.startswith(('evals.', 'graders.', 'yaml'))])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_documentation_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    failed, tried = doctest.testfile(
        str(REPOSITORY / "docs/library.md"), module_relative=False, optionflags=doctest.ELLIPSIS
    )
    assert tried > 10
    assert failed == 0


def test_the_documentation_shows_the_examples_as_they_are() -> None:
    text = (REPOSITORY / "docs/library.md").read_text(encoding="utf-8")
    for path in [*(REPOSITORY / "docs/examples").glob("*.py"), REPOSITORY / "docs/examples/evals.toml"]:
        assert path.read_text(encoding="utf-8").strip() in text, path.name


# agent files


def agent(folder: Path, name: str) -> None:
    path = folder / ".claude/agents" / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\nname: {name}\ndescription: d\n---\nBe {name}.\n", encoding="utf-8")


def test_agent_files_are_listed_where_there_is_no_project(tmp_path: Path, cli: Cli) -> None:
    agent(tmp_path, "reviewer")
    (tmp_path / ".claude/agents/README.md").write_text("# Agents\n", encoding="utf-8")
    code, out, err = cli(tmp_path, "list", "personas")
    assert code == 0
    assert "reviewer" in out
    assert ".claude/agents/reviewer.md" in out
    assert "README" not in out
    assert "evals init DIR --persona FILE" in err


def test_agent_files_are_listed_beside_the_revisions_and_can_be_asked(project: Path, cli: Cli) -> None:
    agent(project, "reviewer")
    code, out, err = cli(project, "list", "personas", "--suite", "small")
    assert code == 0
    assert [word in out for word in ("0001", ".claude/agents/reviewer.md")] == [True, True]
    assert "--persona FILE" in err
    args = ("run", "--suite", "small", "--provider", "live", "--dry-run", "--persona")
    assert "2 answers" in cli(project, *args, ".claude/agents/reviewer.md")[1]
    code, _, err = cli(project, *args, "reviewer")
    assert code == 2
    assert (
        "no revision `reviewer` of helper (there: 0000, 0001); name an agent file with --persona (.claude/agents/reviewer.md)"
        in err
    )


def test_a_suite_without_revisions_offers_them(project: Path, cli: Cli) -> None:
    agent(project, "reviewer")
    for path in (project / "prompts/helper").glob("*.md"):
        path.unlink()
    code, _, err = cli(project, "run", "--suite", "small")
    assert code == 2
    assert "name an agent file with --persona (.claude/agents/reviewer.md)" in err
