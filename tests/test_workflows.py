"""The workflows: sound by actionlint's and zizmor's checks, and by this project's own rules on secrets and strangers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"\s+(?:- )?uses: [a-z-]+/[a-z/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def tool(name: str) -> str:
    """The program that a development dependency installed."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert found, f"{name} is a development dependency; `make setup` installs it"
    return found


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return data


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield f"{path.stem}/{name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        for step in job["steps"]:
            yield name, step


BAD = """\
name: x
on: pull_request_target
permissions: write-all
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: echo "${{ github.event.pull_request.title }}" ${{ nope.x }}
"""


def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    done = run(tool("jactionlint"), "--shellcheck=", "--pyflakes=", "--no-online", *map(str, WORKFLOWS))
    assert (done.returncode, done.stdout) == (0, "")
    (tmp_path / "bad.yml").write_text(BAD, encoding="utf-8")
    bad = run(tool("jactionlint"), "--shellcheck=", "--pyflakes=", "--no-online", str(tmp_path / "bad.yml"))
    assert bad.returncode != 0
    assert "nope" in bad.stdout


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    done = run(tool("zizmor"), "--offline", "--no-progress", *map(str, WORKFLOWS))
    assert done.returncode == 0, done.stdout
    (tmp_path / "bad.yml").write_text(BAD, encoding="utf-8")
    bad = run(tool("zizmor"), "--offline", "--no-progress", str(tmp_path / "bad.yml"))
    assert "template-injection" in bad.stdout
    assert bad.returncode != 0


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_is_granted_that_no_job_asks_for(path: Path) -> None:
    data = read(path)
    assert data["permissions"] == {}
    assert data["concurrency"]["group"]
    for job in data["jobs"].values():
        assert 1 <= job["timeout-minutes"] <= 300
        assert isinstance(job["permissions"], dict)
    assert "pull_request_target" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_with_their_version(path: Path) -> None:
    uses = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert uses
    assert [line for line in uses if not PINNED.fullmatch(line)] == []


def test_no_expression_reaches_a_shell() -> None:
    assert [(name, step["run"]) for name, step in steps() if "${{" in step.get("run", "")] == []


def test_no_checkout_leaves_a_token_behind() -> None:
    checkouts = [step for _, step in steps() if "actions/checkout" in step.get("uses", "")]
    assert len(checkouts) > 5
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def writes(job: dict[str, Any]) -> bool:
    return "write" in job["permissions"].values()


def test_who_may_write_runs_no_proposed_code() -> None:
    """No checkout of anything but the default branch, and nothing installed."""
    writing = {name: job for name, job in jobs() if writes(job)}
    assert set(writing) == {"comment/comment", "nightly/tell"}
    for job in writing.values():
        for step in job["steps"]:
            assert not {"ref", "repository"} & set(step.get("with", {}))
            assert not re.search(r"\b(make|pip|npm|uv|bash -c|sh -c|eval|source)\b", step.get("run", ""))


def holds_key(step: dict[str, Any]) -> bool:
    return "${{ secrets.ANTHROPIC_API_KEY }}" in step.get("env", {}).values()


def test_the_key_meets_trusted_code_alone() -> None:
    holding = {name: step for name, step in steps() if holds_key(step)}
    assert set(holding) == {"pull-request/live", "nightly/nightly"}
    assert holding["pull-request/live"]["working-directory"] == "base"
    live = dict(jobs())["pull-request/live"]
    assert "head.repo.full_name == github.repository" in live["if"]
    for step in live["steps"]:
        assert step.get("working-directory", "base") == "base"
        assert "head/" not in step.get("run", "")
        assert "-C head" not in step.get("run", "")
    for name, job in jobs():
        assert "ANTHROPIC" not in str(job.get("env", {})), name


def test_a_forks_recordings_are_replaced_before_anything_is_installed() -> None:
    regrade = dict(jobs())["pull-request/regrade"]["steps"]
    names = [step.get("run", "") for step in regrade]
    taken = next(i for i, text in enumerate(names) if "evals.ci take --from base --to head results/recordings" in text)
    installed = next(i for i, text in enumerate(names) if "make -C head" in text)
    assert taken < installed
    assert regrade[taken]["if"] == "env.FORK == 'true'"


def test_no_cache_is_written_by_a_pull_request() -> None:
    saving = {name for name, step in steps() if re.search(r"actions/cache(/save)?@", step.get("uses", ""))}
    assert saving == {"nightly/nightly"}


def test_every_make_target_and_module_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for _, step in steps():
        for targets in re.findall(r"\bmake (?:-C \w+ )?([a-z ]+)", step.get("run", "")):
            for target in targets.split():
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
        for module in re.findall(r"python3? -m ([a-z.]+)", step.get("run", "")):
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file()


def test_every_option_of_every_command_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `evals …` of a workflow, and of the Makefile's nightly target, is read by the real parser."""
    from evals.cli import parser

    commands = [command for _, step in steps() for command in evals_commands(step.get("run", ""))]
    night = run("make", "-n", "nightly", "VENV=.none", "REVISION=0001").stdout
    keyed = run("make", "-n", "nightly", "VENV=.none", "REVISION=0001", "ANTHROPIC_API_KEY=x").stdout
    commands += [*evals_commands(night), *evals_commands(keyed)]
    assert len(commands) >= 10
    for command in commands:
        parser().parse_args(command)


def evals_commands(script: str) -> Iterator[list[str]]:
    import shlex

    for line in script.replace("\\\n", " ").splitlines():
        if line.split(maxsplit=1)[:1] and line.split(maxsplit=1)[0].endswith("bin/evals"):
            yield shlex.split(line)[1:]


def test_the_gitlab_example_is_sound() -> None:
    """The one example of docs/ci.md: a job that GitLab can read, with commands that exist."""
    from evals.cli import parser

    text = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(# \.gitlab-ci\.yml\n.*?)```", text, re.DOTALL)
    data = yaml.safe_load(example)
    assert set(data) == {"persona-evals", "persona-evals-nightly"}
    for job in data.values():
        assert all(isinstance(line, str) for line in job["script"])
        assert job["artifacts"]["when"] == "always"
        assert job["artifacts"]["reports"]["junit"].endswith(".xml")
        assert job["rules"]
        for command in evals_commands("\n".join(job["script"])):
            parser().parse_args(command)
