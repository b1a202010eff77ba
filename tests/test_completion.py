"""Tab in real shells, and the names that it offers."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal import REPOSITORY, Terminal

REQUIRED = "EVALS_REQUIRE_SHELLS"
"""Variable that turns a missing shell into a failure."""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which `evals` is this one."""
    command = tmp_path / "bin/evals"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(REPOSITORY))} exec {shlex.quote(sys.executable)} -m evals "$@"\n',
        encoding="utf-8",
    )
    command.chmod(0o755)
    return f"{command.parent}:{os.environ['PATH']}"


def shell(name: str) -> str:
    """The shell's path; skips without it, or fails where EVALS_REQUIRE_SHELLS says that it must be there."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, and there is no {name}")
        pytest.skip(f"no {name} here")
    return found


OFFERED = {
    "evals val": {"validate"},
    "evals show --dis": {"--disagreements"},
    "evals list r": {"rules", "recordings"},
    "evals run --case s": {"schema-review"},
    "evals run --persona 000": {"0000", "0001", "0002"},
    "evals scan --rule py-sq": {"py-sql-injection"},
    "evals show --case jwt-auth --criterion sec": {"secrets-kept", "secret-rotation"},
    "evals selftest --attacks j": {"jwt"},
    "evals compare 0000 0001 --allow rec": {"recording-set"},
    "evals gate --suite back": {"backend-engineer"},
    "evals cache why --suite back": {"backend-engineer"},
    "evals export results 000": {"0000", "0001", "0002"},
}
BASH = """
source <(evals completion bash)
COMP_LINE=$1; COMP_POINT=${#1}; COMP_TYPE=9
_python_argcomplete evals
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize("line", OFFERED)
def test_bash_offers(line: str, path: str) -> None:
    done = subprocess.run(
        [shell("bash"), "-c", BASH, "bash", line],
        cwd=REPOSITORY,
        env={"PATH": path, "HOME": "/"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {word.strip() for word in done.stdout.split()} == OFFERED[line], done.stderr


@pytest.mark.parametrize("line", OFFERED)
def test_fish_offers(line: str, path: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [shell("fish"), "-c", 'evals completion fish | source; complete -C "$argv"', line],
        cwd=REPOSITORY,
        env={"PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {row.split("\t")[0].strip() for row in done.stdout.splitlines()} == OFFERED[line], done.stderr


def test_zsh_completes(path: str, tmp_path: Path) -> None:
    with Terminal([shell("zsh"), "-f", "-i"], REPOSITORY, env={"PATH": path, "HOME": str(tmp_path)}) as terminal:
        terminal.type("PS1='> '; autoload -U compinit; compinit -u -D; source <(evals completion zsh); echo rea''dy\n")
        terminal.wait_for("ready")
        terminal.type("evals selftest --attacks j\t")
        terminal.wait_for("--attacks jwt")
        terminal.type("\x15evals run --case sch\t")
        terminal.wait_for("--case schema-review")
        terminal.type("\x15exit\n")
        terminal.end()


def test_names_of_files_that_a_shell_could_stumble_over_are_not_offered(project: Path, path: str) -> None:
    (project / "cases/small/$(touch x).yaml").write_text("", encoding="utf-8")
    (project / "cases/small/a b;c.yaml").write_text("", encoding="utf-8")
    done = subprocess.run(
        [shell("bash"), "-c", BASH, "bash", "evals run --case "],
        cwd=project,
        env={"PATH": path, "HOME": "/"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["login"]


def test_outside_a_project_nothing_is_offered_and_nothing_said(tmp_path: Path, path: str) -> None:
    done = subprocess.run(
        [shell("bash"), "-c", BASH, "bash", "evals run --suite "],
        cwd=tmp_path,
        env={"PATH": path, "HOME": "/"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")
