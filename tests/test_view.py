"""`evals view` as a user meets it: a file, its path, and one clear error."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evals.scorecard_file import card_folder, write_card
from tests.pages import World, card

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scored(project: Path) -> Path:
    """The small project with scorecards of three revisions."""
    from evals.project import Project

    folder = card_folder(Project(project), "small", "helper")
    base, candidate = card(World(), "base"), card(World(), "candidate")
    oldest = replace(base, header=replace(base.header, revision="0000"))
    for one in (oldest, base, candidate):
        write_card(folder, one, "")
    return project


def test_without_names_it_compares_the_newest_two(scored: Path, cli: Cli) -> None:
    code, out, _ = cli(scored, "view", "--suite", "small")
    assert (code, out.strip()) == (0, ".evals/view.html")
    page = (scored / ".evals/view.html").read_text(encoding="utf-8")
    assert "helper 0001 → 0002" in page


def test_named_sides_and_file_are_taken(scored: Path, cli: Cli) -> None:
    code, out, _ = cli(scored, "view", "--suite", "small", "0000", "0002", "--to", "out/page.html")
    assert (code, out.strip()) == (0, "out/page.html")
    assert "helper 0000 → 0002" in (scored / "out/page.html").read_text(encoding="utf-8")


def test_compare_writes_the_same_page(scored: Path, cli: Cli) -> None:
    assert cli(scored, "view", "--suite", "small", "0001", "0002", "--to", "one.html")[0] == 0
    assert cli(scored, "compare", "--suite", "small", "0001", "0002", "--html", "two.html")[0] == 0
    assert (scored / "one.html").read_bytes() == (scored / "two.html").read_bytes()


def test_a_browser_is_opened_only_when_asked(scored: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(webbrowser, "open", asked.append)
    assert cli(scored, "view", "--suite", "small")[0] == 0
    assert asked == []
    assert cli(scored, "view", "--suite", "small", "--open")[0] == 0
    assert asked == [(scored / ".evals/view.html").as_uri()]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("0001",), "name both BASE and CANDIDATE"),
        (("0001", "0002", "0000"), "name both BASE and CANDIDATE"),
        (("0001", "9999"), "9999"),
        (("--to", "prompts"), "cannot be written to prompts"),
    ],
)
def test_what_cannot_be_is_one_error(scored: Path, cli: Cli, argv: tuple[str, ...], said: str) -> None:
    code, out, err = cli(scored, "view", "--suite", "small", *argv)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_without_two_scorecards_it_says_what_to_do(project: Path, cli: Cli) -> None:
    code, _, err = cli(project, "view", "--suite", "small")
    assert code == 2
    assert "two scorecards of `small` are needed (there: none); run `evals run`" in err
