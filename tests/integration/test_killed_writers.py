"""Import, lock, bless and a replayed run, killed before each change that they make to a file: the old state or the new one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import Cli, answer_pending

ROOT = Path(__file__).parent.parent.parent
RUN = ("run", "--suite", "small", "--no-execute")
IMPORT = ("import", "responses", "results.jsonl", "--suite", "small", "--set", "fixtures", "--declare", "declared.json")


def killed_at(project: Path, number: int, *argv: str) -> tuple[int, int]:
    """Exit code of a command that is killed before its change of that number, and how many it made where it was not."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed_at", str(number), *argv],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1] if done.stderr else ""
    return done.returncode, int(last.split()[1]) if last.startswith("changes ") else 0


def state(project: Path) -> dict[str, bytes]:
    """Every file but drafts and this machine's own."""
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and ".evals" not in path.parts and not path.name.endswith(".tmp")
    }


def drafts(project: Path) -> list[Path]:
    return list(project.rglob(".*.tmp"))


def before(project: Path, cli: Cli, what: str) -> tuple[str, ...]:
    """Bring a project to where the command that is killed has something to do; that command."""
    answer_pending(project, cli)
    if what == "import":
        shutil.rmtree(project / "results/recordings")
        return IMPORT
    answer_pending(project, cli)
    if what == "lock":
        assert cli(project, "lock")[0] == 0
        (project / "evals.lock").write_text('{"format": 1, "suites": {}}\n', encoding="utf-8")
        (project / "cases/case.schema.json").write_text("{}", encoding="utf-8")
        return ("lock",)
    assert cli(project, "lock")[0] == 0
    if what == "run":
        return RUN
    assert cli(project, *RUN)[0] == 0
    return ("bless", "0001", "--suite", "small", "--reason", "It is the first.")


@pytest.mark.parametrize("what", ["import", "lock", "run", "bless"])
def test_killed_before_each_change_every_file_is_the_old_or_the_new(project: Path, cli: Cli, what: str) -> None:
    argv = before(project, cli, what)
    start = project.parent / f"{project.name}-start"
    shutil.copytree(project, start)
    code, changes = killed_at(project, 0, *argv)
    assert code == 0
    assert changes >= 3
    old, new = state(start), state(project)
    assert old != new, "the command does something"
    for number in range(1, changes + 1):
        shutil.rmtree(project)
        shutil.copytree(start, project)
        assert killed_at(project, number, *argv)[0] == -signal.SIGKILL
        between = state(project)
        assert all(text in (old.get(name), new.get(name)) for name, text in between.items()), number
        assert old.keys() <= between.keys(), number
        assert len(drafts(project)) <= 4
        assert cli(project, *argv)[0] == 0
        assert state(project) == new, number
        assert not drafts(project), "what the killed one left behind is gone"


def test_a_replayed_run_that_was_killed_is_resumed(recorded: Path, cli: Cli) -> None:
    new = state(recorded)
    shutil.rmtree(recorded / "results/scorecards")
    _, changes = killed_at(recorded, 0, *RUN, "--persona", "0001")
    shutil.rmtree(recorded / "results/scorecards")
    shutil.rmtree(recorded / ".evals")
    assert killed_at(recorded, changes - 1, *RUN, "--persona", "0001")[0] == -signal.SIGKILL
    assert cli(recorded, "run", "--resume")[0] == 0
    assert {name for name in new if "/0000." in name} == new.keys() - state(recorded).keys()
    assert json.loads(next((recorded / ".evals/runs").iterdir()).read_text().splitlines()[-1])["event"] == "ended"
