"""Cases of `claude plugin eval` become cases; what looks at tools and files is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.importers.plugin_eval import read_plugin_eval
from evals.load import load_suite
from evals.project import Project
from evals.run import grade_answer
from graders.criterion import Status

Cli = Callable[..., tuple[int, str, str]]

FILES = {
    "evals/commit/prompt.md": "---\nmax_turns: 10\nallowed_tools: [Read, Skill]\ntags: [smoke]\n---\n\nWrite me a commit message.\n",
    "evals/commit/graders/criteria.md": "---\ntype: llm\nweight: 2\n---\n\nPASS if it names the change.\nFAIL if it does not.\n",
    "evals/commit/graders/skill-fired.md": "---\ntype: tool_used\ntool: Skill\n---\n",
    "evals/commit/graders/subject.md": "---\ntype: regex\nflags: im\n---\n^refactor: .{1,50}$\n",
    "evals/commit/graders/written.md": "---\ntype: regex\ntarget: { source: file, path: MSG }\npattern: x\n---\n",
    "evals/group/whole/case.yaml": (
        'schema_version: "1.1"\nname: whole-case\ndescription: All in one file\nruns: 5\ncontext: {scaffold_script: fixture.sh}\n'
        "execution: {prompt: What is new?, timeout_seconds: 60, append_system_prompt: Be terse.}\n"
        "graders:\n  - {name: quiet, type: regex, pattern: sorry, flags: i, match: not_contains}\n"
        "  - {name: counted, type: regex, pattern: new, match: 'count:2'}\n"
        "  - {name: trace, type: llm, focus: trace, criteria: Uses no tool.}\n"
    ),
    "evals/group/whole/fixture.sh": "exit 1\n",
    "evals/only-tools/prompt.md": "Do it.\n",
    "evals/only-tools/graders/a.md": "---\ntype: file_exists\npath: '*.md'\n---\n",
    "evals/results/2026/prompt.md": "not a case",
    "evals/mocks/tracker/create.md": "Created.\n",
    ".claude-plugin/plugin.json": "{}",
}


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    folder = tmp_path / "my-plugin"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_it_imports_loads_and_runs(plugin: Path, cli: Cli) -> None:
    code, out, err = cli(plugin.parent, "import", "plugin-eval", "my-plugin")
    assert code == 0, err
    assert out.startswith("2 cases in cases/my-plugin/\n")
    suite = load_suite(Project(plugin.parent), "my-plugin")
    commit, whole = suite.cases
    assert (commit.id, commit.message, whole.id, whole.title) == (
        "commit", "Write me a commit message.\n", "whole-case", "All in one file",
    )  # fmt: skip
    assert [(c.id, c.points) for c in commit.criteria] == [("rubric-1", 2), ("matches-2", 1)]
    assert "FAIL if it does not." in commit.criteria[0].guidance
    assert [g.status for g in grade_answer(commit, "Here:\nRefactor: rename getUser")] == [Status.PASS]
    assert [g.status for g in grade_answer(commit, "Here: refactor: rename")] == [Status.FAIL]
    assert [g.status for g in grade_answer(whole, "Sorry, nothing.")] == [Status.FAIL]
    assert cli(plugin.parent, "run", "--provider", "scripted", "--repeats", "1")[0] == 0


def test_what_is_left_out_is_listed(plugin: Path, cli: Cli) -> None:
    _, out, _ = cli(plugin.parent, "import", "plugin-eval", "my-plugin", "--format", "json")
    rows = {(row["where"], row["what"]): row["why"] for row in json.loads(out)["left_out"]}
    assert set(rows) == {
        ("evals/commit: allowed_tools", "allowed_tools"),
        ("evals/commit/graders/skill-fired.md", "tool_used"),
        ("evals/commit/graders/written.md", "regex"),
        ("evals/group/whole: runs", "runs"),
        ("evals/group/whole: context", "context"),
        ("evals/group/whole: append_system_prompt", "append_system_prompt"),
        ("evals/group/whole/case.yaml graders[1]", "regex"),
        ("evals/group/whole/case.yaml graders[2]", "llm"),
        ("evals/only-tools/graders/a.md", "file_exists"),
        ("evals/only-tools", "the whole case"),
        ("mocks", "mocked servers"),
    }
    assert "looks at tool calls" in rows["evals/commit/graders/skill-fired.md", "tool_used"]
    assert "looks at trace" in rows["evals/group/whole/case.yaml graders[2]", "llm"]


def test_one_case_alone(plugin: Path) -> None:
    assert [case.name for case in read_plugin_eval(plugin / "evals/commit").cases] == ["commit"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("evals/commit/prompt.md", "---\na: [\n---\nx\n", "commit/prompt.md:"),
        ("evals/commit/graders/criteria.md", "---\n- 1\n---\nx\n", "the header is no mapping"),
        ("evals/group/whole/case.yaml", "a: &x 1\n", "anchors and aliases"),
    ],
)
def test_broken_files_are_named(plugin: Path, cli: Cli, name: str, text: str, said: str) -> None:
    (plugin / name).write_text(text, encoding="utf-8")
    code, out, err = cli(plugin.parent, "import", "plugin-eval", "my-plugin")
    assert (code, out) == (2, "")
    assert said in err
    assert not (plugin.parent / "cases").exists()


def test_folders_without_cases_and_links(tmp_path: Path, cli: Cli) -> None:
    assert "no such folder" in cli(tmp_path, "import", "plugin-eval", "nowhere")[2]
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/self").symlink_to(tmp_path / "empty")
    code, _, err = cli(tmp_path, "import", "plugin-eval", "empty")
    assert code == 2
    assert "no case here" in err


@pytest.mark.parametrize(
    "link",
    [
        "evals/commit/prompt.md",
        "evals/group/whole/case.yaml",
        "evals/commit/graders/subject.md",
        "evals/commit/graders",
        "evals",
    ],
)
def test_links_out_of_the_plugin_are_not_followed(plugin: Path, cli: Cli, link: str) -> None:
    path = plugin / link
    secret = plugin.parent / "elsewhere"
    path.rename(secret)
    path.symlink_to(secret)
    code, out, err = cli(plugin.parent, "import", "plugin-eval", "my-plugin")
    assert (code, out) == (2, "")
    assert "leads outside the plugin's folder, and is not read" in err
    assert not (plugin.parent / "cases").exists()


def test_links_inside_the_plugin_are_followed(plugin: Path) -> None:
    path = plugin / "evals/commit/prompt.md"
    path.rename(plugin / "shared.md")
    path.symlink_to(plugin / "shared.md")
    assert [case.name for case in read_plugin_eval(plugin).cases] == ["commit", "whole-case"]


@pytest.mark.parametrize("graders", ["5", "text", "{a: 1}", "[5]", "[{type: regex, pattern: x, weight: -1}]"])
def test_graders_that_are_none_leave_the_case_out(plugin: Path, graders: str) -> None:
    text = f"name: whole-case\nprompt: What is new?\ngraders: {graders}\n"
    (plugin / "evals/group/whole/case.yaml").write_text(text, encoding="utf-8")
    found = read_plugin_eval(plugin)
    assert [case.name for case in found.cases] == ["commit"]
    assert ("evals/group/whole", "the whole case") in {(one.where, one.what) for one in found.left_out}
