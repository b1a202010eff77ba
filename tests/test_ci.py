"""What CI may do with a proposed change: a stranger's change costs nothing, proves nothing, and reaches nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.ci import MARKER, MAX_COMMENT, Mode, Proposal, comment_of, decide, is_fork, look, main, take
from evals.errors import InputError
from evals.project import Project

Edit = Callable[[Path], None]
SAME = Proposal(fork=False, key=False, base="0001", candidate="0001")
NEW = replace(SAME, candidate="0002")


@pytest.mark.parametrize(
    ("proposal", "mode", "words"),
    [
        (SAME, Mode.REGRADE, "recorded"),
        (replace(SAME, key=True), Mode.REGRADE, "recorded"),
        (replace(SAME, cases=("login",), missing=3), Mode.NEUTRAL, "3 requests have no recording"),
        (replace(SAME, cases=("login",), missing=0), Mode.REGRADE, "recorded"),
        (NEW, Mode.REPLAY, "recorded"),
        (replace(NEW, missing=4), Mode.NEUTRAL, "needs a live run"),
        (replace(NEW, key=True, missing=4), Mode.LIVE, "0001 and 0002"),
        (replace(NEW, fork=True), Mode.NEUTRAL, "needs a live run"),
        (replace(NEW, fork=True, recordings=9), Mode.NEUTRAL, "9 recordings it changes are not used"),
        (replace(SAME, fork=True, cases=("login",)), Mode.NEUTRAL, "the cases login"),
        (replace(SAME, fork=True), Mode.REGRADE, "a fork's graders"),
        (replace(SAME, fork=True, recordings=2), Mode.REGRADE, "2 recordings it changes are not used"),
    ],
)
def test_decisions(proposal: Proposal, mode: Mode, words: str) -> None:
    decision = decide(proposal)
    assert decision.mode is mode
    assert words in decision.reason


@pytest.mark.parametrize("fork", [True, False])
@pytest.mark.parametrize("missing", [0, 5])
@pytest.mark.parametrize("candidate", ["0001", "0002"])
def test_a_fork_is_never_live_even_with_a_key(fork: bool, missing: int, candidate: str) -> None:
    mode = decide(Proposal(fork=fork, key=True, base="0001", candidate=candidate, missing=missing)).mode
    assert (mode is Mode.LIVE) == (not fork and candidate == "0002")


def test_an_edited_revision_is_refused() -> None:
    with pytest.raises(InputError, match="revision 0001 was edited"):
        decide(replace(SAME, edited=("0001",)))


@pytest.fixture
def trees(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Project]:
    head = tmp_path_factory.mktemp("head") / "tree"
    shutil.copytree(project, head)
    return Project(project), Project(head)


def test_an_unchanged_tree_proposes_nothing(trees: tuple[Project, Project]) -> None:
    found = look(*trees, "small", fork=False, key=False)
    assert (found.base, found.candidate, found.edited, found.cases, found.recordings) == ("0001", "0001", (), (), 0)
    assert found.missing == 2  # the small project has no recordings; two answers are wanted


def test_what_a_tree_proposes_is_seen(trees: tuple[Project, Project]) -> None:
    base, head = trees
    persona = (head.prompts / "helper/0001-first.md").read_text(encoding="utf-8")
    (head.prompts / "helper/0002-second.md").write_text(persona.replace("Be safe.", "Be quick."), encoding="utf-8")
    (head.prompts / "helper/0001-first.md").write_text(persona.replace("Be safe.", "Be rude."), encoding="utf-8")
    case = head.cases / "small/login.yaml"
    case.write_text(case.read_text(encoding="utf-8").replace("version: 1", "version: 2"), encoding="utf-8")
    recording = head.recordings / "small/login/0001/1.json"
    recording.parent.mkdir(parents=True)
    recording.write_text("{}", encoding="utf-8")
    found = look(base, head, "small", fork=True, key=False)
    assert (found.candidate, found.edited, found.cases, found.recordings) == ("0002", ("0001",), ("login",), 1)


def test_the_header_of_a_persona_is_no_change(trees: tuple[Project, Project]) -> None:
    """Only the body reaches the model."""
    base, head = trees
    path = head.prompts / "helper/0001-first.md"
    path.write_text(path.read_text(encoding="utf-8").replace("Helps.", "Helps much."), encoding="utf-8")
    assert look(base, head, "small", fork=True, key=False).edited == ()


@pytest.mark.parametrize(
    "link", ["prompts/helper/0002-x.md", "cases/small/login/secret.txt", "results/recordings", "prompts"]
)
def test_links_in_a_proposed_tree_are_refused(trees: tuple[Project, Project], link: str, tmp_path: Path) -> None:
    base, head = trees
    path = head.root / link
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(tmp_path)
    with pytest.raises(InputError, match="is a link"):
        look(base, head, "small", fork=True, key=False)
    with pytest.raises(InputError, match="is a link"):
        take(head.root, base.root, [link])


def test_taking_replaces_parts_and_nothing_else(trees: tuple[Project, Project]) -> None:
    base, head = trees
    (head.prompts / "helper/0002-new.md").write_text("new", encoding="utf-8")
    (head.prompts / "helper/0001-first.md").unlink()
    (head.root / "Makefile").write_text("evil:", encoding="utf-8")
    (head.root / "cases/small/login.yaml").write_text("other", encoding="utf-8")
    before = (base.root / "cases/small/login.yaml").read_bytes()
    assert take(head.root, base.root, ["prompts"]) == 3
    assert sorted(p.name for p in (base.prompts / "helper").iterdir()) == [
        "0000-none.md",
        "0002-new.md",
        "instructions.yaml",
    ]
    assert not (base.root / "Makefile").exists()
    assert (base.root / "cases/small/login.yaml").read_bytes() == before


@pytest.mark.parametrize("part", ["../x", "/etc", "", "prompts/../.."])
def test_only_parts_of_a_tree_are_taken(trees: tuple[Project, Project], part: str) -> None:
    base, head = trees
    with pytest.raises(InputError, match="no part of a tree"):
        take(head.root, base.root, [part])


def test_large_files_are_not_taken_and_nothing_is_lost(
    trees: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    base, head = trees
    monkeypatch.setattr("evals.ci.MAX_FILE", 10)
    with pytest.raises(InputError, match="larger than"):
        take(head.root, base.root, ["prompts"])
    assert (base.prompts / "helper/0001-first.md").is_file()


def event(head: str | None) -> dict[str, Any]:
    repo = {"full_name": head} if head else None
    return {"pull_request": {"head": {"repo": repo}, "base": {"repo": {"full_name": "us/it"}}}}


@pytest.mark.parametrize(("head", "expected"), [("us/it", False), ("them/it", True), (None, True)])
def test_forks(head: str | None, expected: bool) -> None:
    assert is_fork(event(head)) is expected


def test_the_command_writes_outputs_that_hold_one_line_each(trees: tuple[Project, Project], tmp_path: Path) -> None:
    base, head = trees
    (tmp_path / "event.json").write_text(json.dumps(event("them/it")), encoding="utf-8")
    (head.prompts / "helper/0002-b.md").write_text("---\nname: helper\n---\nBe quick.\n", encoding="utf-8")
    output = tmp_path / "output"
    code = main(
        [
            *("plan", "--base", str(base.root), "--head", str(head.root), "--suite", "small"),
            *("--event", str(tmp_path / "event.json"), "--key", "true", "--output", str(output)),
            *("--markdown", str(tmp_path / "reason.md")),
        ]
    )
    assert code == 0
    lines = output.read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["mode=neutral", "base=0001", "candidate=0002"]
    assert lines[3:] == ["reason=needs a live run: a fork changes the persona (0002)"]
    assert "needs a live run" in (tmp_path / "reason.md").read_text(encoding="utf-8")


def test_the_command_fails_with_one_line_for_each_fault(
    trees: tuple[Project, Project], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, head = trees
    (tmp_path / "event.json").write_text(json.dumps(event("us/it")), encoding="utf-8")
    (head.cases / "small/login.yaml").write_text("id: [", encoding="utf-8")
    argv = ["--base", str(base.root), "--head", str(head.root), "--suite", "small", "--key", "false"]
    assert main(["plan", *argv, "--event", str(tmp_path / "event.json")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_forks_text_is_a_listing(tmp_path: Path) -> None:
    path = tmp_path / "comparison.md"
    path.write_text("# Approved by @owner\n```\n````\n<img src=x> [x](http://e)\x1b[31m\u202e", encoding="utf-8")
    shown = comment_of(path, fork=True)
    marker, _, gap, fence, *rows, end, last = shown.split("\n")
    assert (marker, gap, fence, end, last) == (MARKER, "", "```text", "```", "")
    assert not any("```" in row for row in rows)
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_a_colleagues_text_is_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "comparison.md"
    path.write_text("### Not worse\n", encoding="utf-8")
    assert comment_of(path, fork=False) == f"{MARKER}\n### Not worse\n"


@pytest.mark.parametrize("content", [b"x" * (MAX_COMMENT + 1), b"\xff\xfe"])
@pytest.mark.parametrize("fork", [True, False])
def test_no_other_artefact_is_shown(tmp_path: Path, content: bytes, fork: bool) -> None:
    path = tmp_path / "comparison.md"
    path.write_bytes(content)
    with pytest.raises(InputError):
        comment_of(path, fork=fork)


def test_an_artefact_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s", encoding="utf-8")
    (tmp_path / "comparison.md").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError):
        comment_of(tmp_path / "comparison.md", fork=False)


def test_a_comment_needs_nothing_installed(tmp_path: Path) -> None:
    """The workflow that may write comments installs nothing: it runs this with a bare Python."""
    (tmp_path / "a.md").write_text("text", encoding="utf-8")
    argv = [sys.executable, "-S", "-m", "evals.ci", "comment", str(tmp_path / "a.md"), "--fork", "false"]
    done = subprocess.run(
        [*argv, "--to", str(tmp_path / "b.md")], cwd=Path(__file__).parent.parent, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.md").read_text(encoding="utf-8") == f"{MARKER}\ntext"


def test_a_plan_runs_nothing_of_the_proposed_tree(trees: tuple[Project, Project], tmp_path: Path) -> None:
    """Its `evals.toml` may name any module, and importing one is running it."""
    base, head = trees
    mark = tmp_path / "was-here"
    (head.root / "evals.toml").write_text('[graders]\nrules = ["planted_grader:RULES"]\n', encoding="utf-8")
    planted = f"from pathlib import Path\nPath({str(mark)!r}).touch()\nRULES = ()\n"
    (head.root / "planted_grader.py").write_text(planted, encoding="utf-8")
    for name in ("us/it", "them/it"):
        (tmp_path / "event.json").write_text(json.dumps(event(name)), encoding="utf-8")
        argv = ["--base", str(base.root), "--head", str(head.root), "--suite", "small", "--key", "true"]
        assert main(["plan", *argv, "--event", str(tmp_path / "event.json")]) == 0
    assert not mark.exists()
    assert "planted_grader" not in sys.modules


def test_graders_of_the_base_are_known(trees: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the base's file is followed, so a case may name what it has, and nothing that the head adds."""
    base, head = trees
    monkeypatch.setattr(sys, "path", list(sys.path))
    rule = (
        "from graders import Dimension, Rule, Severity, Site\n\n\n"
        'class OfBase(Rule):\n    id = "py-of-base"\n    version = 1\n    dimension = Dimension.SECURITY\n'
        '    severity = Severity.LOW\n    cwe = None\n    languages = ("python",)\n    BAD = ("b = 1\\n",)\n'
        '    GOOD = ("g = 1\\n",)\n\n    def check(self, source):\n'
        '        yield Site(line=1, ok="b" not in source.text, quote="x", message="m")\n'
    )
    (base.root / "of_base_only.py").write_text(rule, encoding="utf-8")
    (base.root / "evals.toml").write_text('[graders]\nrules = ["of_base_only:OfBase"]\n', encoding="utf-8")
    case = head.cases / "small/login.yaml"
    text = case.read_text(encoding="utf-8")
    case.write_text(text.replace("py-sql-injection", "py-of-base"), encoding="utf-8")
    assert look(base, head, "small", fork=True, key=False).cases == ("login",)
    (base.root / "evals.toml").rename(head.root / "evals.toml")
    with pytest.raises(InputError, match="no rule 'py-of-base'"):
        look(base, head, "small", fork=True, key=False)
    sys.modules.pop("of_base_only", None)
