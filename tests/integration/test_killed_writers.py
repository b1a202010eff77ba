"""Import, lock, bless and a replayed run, killed before changes that they make to files, at most 15 spread over all: the old state or the new."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from tests.integration.conftest import Cli, answer_pending
from tests.killed_at import killing

RUN = ("run", "--suite", "small", "--no-execute")
IMPORT = ("import", "responses", "results.jsonl", "--suite", "small", "--set", "fixtures", "--declare", "declared.json")


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
def test_killed_before_a_change_every_file_is_the_old_or_the_new(project: Path, cli: Cli, what: str) -> None:
    argv = before(project, cli, what)
    start = project.parent / f"{project.name}-start"
    shutil.copytree(project, start)
    with killing(project, *argv) as kill:
        code, changes = kill(0)
        assert code == 0
        assert changes >= 3
        old, new = state(start), state(project)
        assert old != new, "the command does something"
        for number in range(1, changes + 1, 1 + changes // 15):
            shutil.rmtree(project)
            shutil.copytree(start, project)
            assert kill(number)[0] == -signal.SIGKILL
            between = state(project)
            assert all(text in (old.get(name), new.get(name)) for name, text in between.items()), number
            assert old.keys() <= between.keys(), number
            assert cli(project, *argv)[0] == 0
            assert state(project) == new, number
            assert not drafts(project), "what the killed one left behind is gone"


def test_a_replayed_run_that_was_killed_is_resumed(recorded: Path, cli: Cli) -> None:
    new = state(recorded)

    def forget() -> None:
        shutil.rmtree(recorded / "results/scorecards")
        shutil.rmtree(recorded / ".evals")

    forget()
    with killing(recorded, *RUN, "--persona", "0001") as kill:
        _, changes = kill(0)
        forget()
        assert kill(changes - 1)[0] == -signal.SIGKILL
    assert cli(recorded, "run", "--resume")[0] == 0
    assert {name for name in new if "/0000." in name} == new.keys() - state(recorded).keys()
    (log,) = (recorded / ".evals/runs").iterdir()
    assert json.loads(log.read_text(encoding="utf-8").splitlines()[-1])["event"] == "ended"
