"""`evals run` at scale and its memory of grades, from the command line."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evals.cli import main
from evals.commands import shared
from evals.exchange import Provenance, Response
from evals.load import load_suite
from evals.load_personas import revisions
from evals.project import Project
from evals.providers.cached import Cache
from evals.trial import Trial, plan_trials
from graders.criterion import Grade
from graders.task import Task
from graders.work import Criteria, by_rule

ROOT = Path(__file__).parent.parent.parent
ANSWER = 'Because of injection.\n\n```python\n# app.py\ndb.execute("SELECT id FROM t WHERE a = %s", (a,))\n```\n'
REPLY = {"reason": "It says why.", "quotes": ["Because of injection"], "verdict": "pass"}


@pytest.fixture
def scripted(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose answers are written by hand."""
    folder = project / "scripted/small/login"
    (folder / "judge").mkdir(parents=True)
    (folder / "answer.md").write_text(ANSWER, encoding="utf-8")
    for criterion in ("sql-safe", "explains"):
        (folder / f"judge/{criterion}.json").write_text(json.dumps(REPLY), encoding="utf-8")
    monkeypatch.chdir(project)
    return project


def run(*more: str) -> int:
    return main(["run", "--provider", "scripted", *more])


def written(project: Path, out: str) -> dict[str, bytes]:
    folder = project / out / "small/helper"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_memory_of_grades_changes_no_byte(
    scripted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[int] = []

    def counting(criteria: Criteria, task: Task, text: str) -> tuple[Grade, ...]:
        calls.append(len(criteria))
        return by_rule(criteria, task, text)

    monkeypatch.setattr("evals.workers.by_rule", counting)
    assert run("--out", "without", "--no-grade-cache") == 0
    assert not (scripted / ".evals/grades").exists()
    assert run("--out", "first") == 0
    before = len(calls)
    assert run("--out", "second") == 0
    assert len(calls) == before, "all grades were remembered"
    with sqlite3.connect(scripted / ".evals/grades/grades.sqlite3") as rows:
        rows.execute("UPDATE grades SET value = x'00'")
    rows.close()
    assert run("--out", "damaged") == 0
    assert len(calls) > before
    wanted = written(scripted, "without")
    assert set(wanted) == {f"000{n}{end}" for n in (0, 1) for end in (".jsonl", ".grades.jsonl", ".md")}
    assert wanted == written(scripted, "first") == written(scripted, "second") == written(scripted, "damaged")
    capsys.readouterr()


def test_half_a_memory_changes_no_byte(scripted: Path) -> None:
    assert run("--out", "whole", "--no-grade-cache") == 0
    answer = scripted / "scripted/small/login/answer.md"
    assert run("--out", "before", "--persona", "0000") == 0
    answer.write_text(ANSWER + "More.\n", encoding="utf-8")
    assert run("--out", "other") == 0
    answer.write_text(ANSWER, encoding="utf-8")
    assert run("--out", "after") == 0
    assert written(scripted, "after") == written(scripted, "whole")
    assert written(scripted, "other") != written(scripted, "whole")


def test_a_memory_that_cannot_be_used_is_told_and_left_out(scripted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scripted / ".evals/grades").mkdir(parents=True)
    (scripted / ".evals/grades/grades.sqlite3").write_bytes(b"not a database" * 100)
    assert run("--out", "out") == 0
    assert "warning: the memory of grades in" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["dask://nowhere", "cluster", "dask://127.0.0.1:1"])
def test_a_bad_executor_is_one_line_before_anything_is_asked(
    scripted: Path, where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("evals.dask_workers.PATIENCE", 1)
    monkeypatch.setattr("evals.scripts.read_scripts", lambda *_: pytest.fail("it was about to ask"))
    assert run("--executor", where) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert len(errors) == 1
    assert where in errors[0]


def test_without_dask_the_extra_is_named(
    scripted: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert run("--executor", "dask://127.0.0.1:8786") == 2
    assert "pip install 'persona-evals[dask]'" in capsys.readouterr().err


def test_cache_tells_clears_and_prunes_grades(scripted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    capsys.readouterr()
    assert main(["cache", "info"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("0 responses, ")
    assert "grades of 1 answer, " in told
    assert main(["cache", "prune"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "forgot 0 damaged responses",
        "forgot 0 grades that no grader here would look for",
    ]
    case = scripted / "cases/small/login.yaml"
    case.write_text(
        case.read_text(encoding="utf-8").replace("as parameters only", "as parameters, always"), encoding="utf-8"
    )
    assert main(["cache", "prune", "--only", "grades"]) == 0
    assert capsys.readouterr().out == "forgot 1 grade that no grader here would look for\n"
    assert run() == 0
    capsys.readouterr()
    assert main(["cache", "clear", "--only", "grades"]) == 0
    assert capsys.readouterr().out == "forgot the grades of 1 answer\n"


def planned(project: Path) -> list[Trial]:
    """What a live run of the suite would ask."""
    home = Project(project)
    suite = load_suite(home, "small")
    return list(plan_trials(suite, suite.cases, revisions(home, "helper"), model=suite.model, repeats=2))


def test_cache_why_names_what_is_known_of_a_trial(scripted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *_ = planned(scripted)
    cache = Cache(scripted / ".evals/cache")
    cache.put(
        first.request,
        Response(text=ANSWER, model="some-model", provenance=Provenance(kind="api"), stop_reason="end_turn"),
    )
    cache.close()
    assert main(["cache", "why", first.name]) == 0
    told = capsys.readouterr().out
    assert f"remembered: {len(ANSWER)} characters by some-model" in told
    assert "sql-safe: no grade of these rules" in told
    assert run() == 0
    capsys.readouterr()
    assert main(["cache", "why", first.request.digest[:10]]) == 0
    assert "sql-safe: grade by rule remembered" in capsys.readouterr().out
    assert main(["cache", "why", second.name]) == 0
    told = capsys.readouterr().out
    assert "not remembered: no response for request" in told
    assert "the nearest is request " in told
    assert main(["cache", "why", "login/9999/1"]) == 2
    assert "has the key 'login/9999/1'" in capsys.readouterr().err
    assert main(["cache", "why"]) == 2
    assert main(["cache", "info", "login/0000/1"]) == 2


def test_prune_forgets_damaged_responses(scripted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "info"]) == 0
    with sqlite3.connect(shared.project().memory / "cache/cache.db") as rows:
        for key in ("a" * 64, "no digest", b"blob"):
            rows.execute(
                "INSERT INTO Cache (key, raw, store_time, access_time, access_count, tag, size, mode, filename, value) "
                "VALUES (?, 1, 0, 0, 0, NULL, 0, 1, NULL, 'not JSON')",
                (key,),
            )
    rows.close()
    assert main(["cache", "prune", "--only", "responses"]) == 0
    assert capsys.readouterr().out.endswith("forgot 3 damaged responses\n")
    assert main(["cache", "info"]) == 0
    assert capsys.readouterr().out.startswith("0 responses")


def test_cache_is_data_on_demand(scripted: Path, cli: Callable[..., tuple[int, str, str]]) -> None:
    def ask(*argv: str) -> Any:
        code, out, err = cli(scripted, "cache", *argv, "--format", "json")
        assert code == 0, err
        return json.loads(out)

    assert run() == 0
    found = ask("info")
    assert (found["responses"]["count"], found["grades"]["count"]) == (0, 1)
    assert ask("prune") == {"responses": 0, "grades": 0}
    why = ask("why", "login/0001/1")
    assert why["trial"] == "login/0001/1"
    assert (why["response"], why["rules"]) == (None, [])
    assert f"request {why['request'][:12]}" in why["missing"]
    with closing(Cache(scripted / ".evals/cache")) as cache:
        (trial,) = [trial for trial in planned(scripted) if trial.name == "login/0001/1"]
        cache.put(trial.request, Response(text=ANSWER, model="some-model", provenance=Provenance(kind="api")))
    why = ask("why", why["request"])
    assert why["missing"] is None
    assert why["response"] == {"characters": len(ANSWER), "model": "some-model", "stop_reason": None}
    assert why["rules"] == [{"criterion": "sql-safe", "remembered": True}]
    assert ask("clear", "--only", "grades") == {"responses": None, "answers": 1}
    assert ask("clear") == {"responses": 1, "answers": 0}


def peak(project: Path, repeats: int) -> float:
    """Peak memory of a whole run in a process of its own, KB."""
    shutil.rmtree(project / ".evals", ignore_errors=True)
    code = (
        "import resource, sys; from evals.cli import main\n"
        f"done = main(['run', '--provider', 'scripted', '--repeats', '{repeats}', '--format', 'json'])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(done)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=env, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)[0]["repeats"] == repeats
    return float(done.stderr.splitlines()[-1])


def test_the_whole_process_does_not_grow_with_the_trials(scripted: Path) -> None:
    few, many = peak(scripted, 1_000), peak(scripted, 3_000)
    assert (many - few) / (2 * 2_000) < 3.0, "KB a trial"
