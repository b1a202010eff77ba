"""`evals run --provider batch` as a process of its own, killed at each step and started again. Answers here are fixtures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fake_api.faults import failing
from tests.fake_api.messages import batch_id, error
from tests.fake_api.server import ApiServer

Cli = Callable[..., tuple[int, str, str]]

ROOT = Path(__file__).parent.parent.parent
KEY = "sk-canary-0123456789"
ANSWER = """\
I take parameters, because text in SQL can be injected.

**`app.py`**

```python
def login(db, name):
    return db.execute("SELECT id FROM users WHERE name = %s", (name,))
```
"""
VERDICT = json.dumps({"reason": "It says why.", "quotes": ["because text in SQL can be injected"], "verdict": "pass"})
COMMAND = ("run", "--suite", "small", "--provider", "batch", "--no-execute")
ANSWERS, JUDGED = 4, 2
"""One case, two revisions, two repeats give four answers, each the same: so two different questions for the judge."""


def answer(params: dict[str, Any]) -> str:
    return VERDICT if "output_config" in params else ANSWER


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    server = ApiServer(answer)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    yield server
    server.close()
    assert server.refused == []


def start(project: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "evals", *COMMAND],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def paid(server: ApiServer) -> Counter[str]:
    """How often each text was asked for, alone or in a batch, answers of the same text told apart by their ids."""
    return server.asked() + Counter(json.dumps(params, sort_keys=True) for params in server.single)


def cards(project: Path) -> dict[str, str]:
    folder = project / ".evals/scorecards/small/helper"
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}


def test_answers_then_judge_in_a_second_batch_at_half_price(project: Path, server: ApiServer, cli: Cli) -> None:
    code, out, err = cli(project, *COMMAND)
    assert code == 0, err
    kinds = [{"output_config" in line["params"] for line in lines} for lines in server.batches.lines.values()]
    assert kinds == [{False}, {True}]
    assert f"batch {batch_id(1)}: 3 requests submitted" in err
    usage = json.loads(cards(project)["0001.usage.json"])
    assert (usage["answers"], usage["batch_answers"]) == (2, 2)
    assert "0001" in out
    assert KEY not in out + err


def test_the_same_command_again_asks_nothing_and_changes_nothing(project: Path, server: ApiServer, cli: Cli) -> None:
    assert cli(project, *COMMAND)[0] == 0
    calls, before = list(server.calls), cards(project)
    assert cli(project, *COMMAND)[0] == 0
    assert (server.calls, cards(project)) == (calls, before)


def test_a_refused_request_is_named_by_its_trial(project: Path, server: ApiServer, cli: Cli) -> None:
    refused = {"type": "errored", "error": error("invalid_request_error", "no such setting")}
    server.batches.outcomes = lambda _key, params, _n: (
        None if "output_config" in params or "system" not in params else refused
    )
    code, _, err = cli(project, *COMMAND)
    assert code == 3, "too much was left unscored"
    assert "login/0001/1: no answer: the API refuses the request (invalid_request_error): no such setting" in err
    assert "login/0001/2: no answer" in err


def test_an_invalid_verdict_is_asked_for_again_in_a_third_batch(project: Path, server: ApiServer, cli: Cli) -> None:
    server.answer = lambda params: "I think it passes." if "output_config" in params else ANSWER
    code, _, _ = cli(project, *COMMAND)
    assert code == 3
    judged = [params for params in server.single if "output_config" in params]
    assert (
        len(judged) + sum("output_config" in x["params"] for lines in server.batches.lines.values() for x in lines) == 4
    )
    assert len(server.batches.lines) == 3


@pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (404, "not_found_error")])
def test_a_bad_key_or_model_ends_with_one_line(
    project: Path, server: ApiServer, cli: Cli, status: int, kind: str
) -> None:
    server.faults["messages"] = [failing(status, kind)]
    code, out, err = cli(project, *COMMAND)
    assert (code, out, server.calls) == (2, "", ["messages"])
    assert "the API refuses the request" in err
    assert "Traceback" not in err


def test_a_dry_run_sends_nothing(project: Path, server: ApiServer, cli: Cli) -> None:
    code, out, _ = cli(project, *COMMAND, "--dry-run")
    assert (code, server.calls) == (0, [])
    assert "provider batch (half the price)" in out


@pytest.mark.parametrize(
    ("step", "nth", "twice"),
    [
        ("probe", 1, 1),  # answered, and killed before the answer was kept
        ("made", 1, ANSWERS - 1),  # made, and killed before its id was kept: nobody can know of it
        ("retrieve", 1, 0),
        ("retrieve", 2, 0),
        ("results", 1, 0),
        ("probe", 2, 1),
        ("made", 2, JUDGED - 1),
        ("retrieve", 3, 0),
        ("results", 2, 0),
    ],
)
def test_killed_at_any_step_the_same_command_completes(
    project: Path, server: ApiServer, step: str, nth: int, twice: int
) -> None:
    running = start(project)

    def kill() -> None:
        running.send_signal(signal.SIGKILL)
        running.wait()

    if step == "results":
        server.cut = [1] if nth == 1 else []
    server.hooks[step] = [*[lambda: None] * (nth - 1), kill]
    running.communicate(timeout=120)
    assert running.returncode == -signal.SIGKILL, "it was killed where it was meant to be"
    again = start(project)
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert "0001" in out
    assert "Traceback" not in err
    everything = len(server.single) + sum(map(len, server.batches.lines.values()))
    assert everything == ANSWERS + JUDGED + twice
    if twice == 0:
        assert set(server.asked().values()) == {1}
    grades = [json.loads(line) for line in cards(project)["0001.grades.jsonl"].splitlines()]
    rows = [(g["case"], g["criterion"], g["repeat"], g["grader"]) for g in grades if "criterion" in g]
    assert len(rows) == len(set(rows)) > 0
    assert not list((project / ".evals/batches").glob("*.json"))


def test_a_second_run_at_once_is_refused_and_the_first_completes(project: Path, server: ApiServer, cli: Cli) -> None:
    said: list[subprocess.CompletedProcess[str]] = []

    def second() -> None:
        said.append(
            subprocess.run(
                [sys.executable, "-m", "evals", *COMMAND],
                cwd=project,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=False,
            )
        )

    server.hooks["retrieve"] = [second]
    assert cli(project, *COMMAND)[0] == 0
    assert said[0].returncode == 2
    assert "another run with batches is under way" in said[0].stderr
    assert "Traceback" not in said[0].stderr
    assert set(server.asked().values()) == {1}


def test_the_key_is_in_no_file_of_the_project(project: Path, server: ApiServer, cli: Cli) -> None:
    assert cli(project, *COMMAND)[0] == 0
    assert any(KEY in key for key in server.keys), "it was sent"
    written = [path for path in project.rglob("*") if path.is_file()]
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
