"""`evals init`: what it makes, what it finds by itself, and that it never overwrites anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.load import load_suite
from evals.new_project import find_agent, project_files, write_project
from evals.project import Project

Cli = Callable[..., tuple[int, str, str]]
AGENT = "---\nname: {name}\ndescription: Reviews code.\n---\n\nReview what you are given.\n"


def agent(folder: Path, file: str, text: str = "") -> Path:
    path = folder / ".claude/agents" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or AGENT.format(name=Path(file).stem), encoding="utf-8")
    return path


def files_below(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_an_empty_folder_gets_a_project_that_is_sound_and_runs(tmp_path: Path, cli: Cli) -> None:
    assert cli(tmp_path, "init", "demo")[0] == 0
    demo = tmp_path / "demo"
    before = files_below(demo)
    code, out, err = cli(demo, "run", "--provider", "scripted", "--repeats", "1")
    assert code == 0, err
    assert "no model was asked" in out
    assert "--provider live --dry-run" in err
    assert {k: v for k, v in files_below(demo).items() if not k.startswith(".evals/")} == before
    card = (demo / ".evals/scorecards/careful-engineer/careful-engineer/0001.jsonl").read_text(encoding="utf-8")
    assert json.loads(card.splitlines()[0])["model"] == "scripted"
    assert cli(demo, "lock")[0] == 0
    assert cli(demo, "validate")[0] == 0


def test_the_case_has_a_rule_and_a_judge_and_both_can_fail(tmp_path: Path, cli: Cli) -> None:
    cli(tmp_path, "init", "demo")
    demo = tmp_path / "demo"
    script = demo / "scripted/careful-engineer/customer-lookup"
    answer = (script / "answer.md").read_text(encoding="utf-8")
    bad = answer.replace(
        '"SELECT id, name FROM customers WHERE email = ?", (email,)', "f\"SELECT id FROM c WHERE e = '{email}'\""
    )
    (script / "answer.md").write_text(bad, encoding="utf-8")
    reply = script / "judge/absence-explained.json"
    reply.write_text(reply.read_text(encoding="utf-8").replace('"pass"', '"fail"'), encoding="utf-8")
    code, out, _ = cli(demo, "run", "--provider", "scripted", "--repeats", "1", "--format", "json")
    assert code == 0
    lines = json.loads(out)[0]["criteria"]
    assert {line["criterion"]: line["passes"] for line in lines} == {"sql-parameters": 0, "absence-explained": 0}
    assert [line["unscored"] for line in lines] == [0, 0]


def test_a_scripted_text_that_is_missing_is_named(tmp_path: Path, cli: Cli) -> None:
    cli(tmp_path, "init", "demo")
    (tmp_path / "demo/scripted/careful-engineer/customer-lookup/answer.md").unlink()
    code, _, err = cli(tmp_path / "demo", "run", "--provider", "scripted")
    assert code == 2
    assert err.count("scripted/careful-engineer/customer-lookup/answer.md: no such scripted text") == 1


def test_the_only_agent_file_is_found_and_copied_to_the_letter(tmp_path: Path, cli: Cli) -> None:
    text = "---\r\nname: Code_Reviewer\r\ndescription: a: b\r\n---\r\nBe exact.\r\n"
    agent(tmp_path, "team/reviewer.md").write_bytes(text.encode())
    agent(tmp_path, "README.md", "# What is in this folder\n")
    code, out, _ = cli(tmp_path, "init", ".")
    assert code == 0
    assert "Code_Reviewer (a copy of .claude/agents/team/reviewer.md)" in out
    assert (tmp_path / "prompts/code-reviewer/0001-first.md").read_bytes() == text.encode()
    assert load_suite(Project(tmp_path), "code-reviewer").persona == "code-reviewer"


def test_several_agent_files_are_offered(tmp_path: Path, cli: Cli) -> None:
    agent(tmp_path, "one.md")
    agent(tmp_path, "two.md")
    code, _, err = cli(tmp_path, "init", "demo")
    assert code == 2
    assert "2 agent files are here; name one with --persona (.claude/agents/one.md, .claude/agents/two.md)" in err
    assert not (tmp_path / "demo").exists()
    assert cli(tmp_path, "init", "demo", "--persona", ".claude/agents/two.md")[0] == 0
    assert (tmp_path / "demo/prompts/two/0001-first.md").is_file()


@pytest.mark.parametrize("name", ["no", "007", "1e5", "12:30", "Überprüfer", "a" * 90, "---"])
def test_any_name_makes_a_suite_that_loads(tmp_path: Path, name: str) -> None:
    agent(tmp_path, "x.md", AGENT.format(name=f'"{name}"'))
    found = find_agent(tmp_path, None)
    write_project(tmp_path / "demo", project_files(found, ""))
    assert load_suite(Project(tmp_path / "demo"), found.slug).persona == found.slug


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "no such file"), (b"---\nname: x\n---\n", "has no body"), (b"\xff\xfe", "is not UTF-8")],
)
def test_a_file_that_is_no_prompt_is_refused(tmp_path: Path, cli: Cli, text: bytes | None, said: str) -> None:
    if text is not None:
        (tmp_path / "a.md").write_bytes(text)
    code, out, err = cli(tmp_path, "init", "demo", "--persona", "a.md")
    assert (code, out) == (2, "")
    assert err.startswith("error: a.md: ")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "demo").exists()


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "Makefile").write_text("mine\n", encoding="utf-8")
    (tmp_path / "README.md").symlink_to("nowhere")
    before = files_below(tmp_path)
    code, _, err = cli(tmp_path, "init", ".")
    assert code == 2
    assert "Makefile: is there already" in err
    assert "README.md: is there already" in err
    assert files_below(tmp_path) == before
    assert not (tmp_path / "nowhere").exists()
    assert cli(tmp_path, "init", "Makefile")[0] == 2


def test_a_write_that_fails_takes_back_what_it_wrote(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "scripted").write_text("a file where a folder should be\n", encoding="utf-8")
    code, _, err = cli(tmp_path, "init", ".")
    assert code == 2
    assert "nothing was written" in err
    assert list(files_below(tmp_path)) == ["scripted"]


def test_inside_a_repository_the_workflow_works_there_and_its_place_is_told(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / ".git").mkdir()
    code, _, err = cli(tmp_path, "init", "tests/of prompts")
    assert code == 0
    assert "move tests/of prompts/.github/workflows/evals.yml to .github/workflows/" in err
    workflow = (tmp_path / "tests/of prompts/.github/workflows/evals.yml").read_text(encoding="utf-8")
    assert 'working-directory: "tests/of prompts"' in workflow


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_eval_in_it(tmp_path: Path, cli: Cli) -> None:
    cli(tmp_path, "init", "demo")
    root = str(Path(__file__).parent.parent)
    done = subprocess.run(
        ["make", "eval", f"EVALS={sys.executable} -m evals"],
        cwd=tmp_path / "demo",
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "scripted texts" in done.stdout


def test_a_suite_need_not_be_named_where_it_is_the_only_one(tmp_path: Path, cli: Cli) -> None:
    cli(tmp_path, "init", "demo")
    demo = tmp_path / "demo"
    assert "customer-lookup" in cli(demo, "list", "cases")[1]
    shutil.copytree(demo / "cases/careful-engineer", demo / "cases/other")
    code, _, err = cli(demo, "list", "cases")
    assert code == 2
    assert "several suites (careful-engineer, other); name one with --suite" in err
