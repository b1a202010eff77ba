"""`evals run --provider live` and `batch` against the fake API with faults: the scorecards are those without faults.

The answers are the repository's recordings, so the scorecards are also held against those of a replay. Waits of the
provider's own are cut short; what a server names is waited for.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from evals.exchange import UNSTATED
from evals.load import load_suite, select_cases
from evals.load_personas import find_persona
from evals.project import Project
from evals.providers.batch import Pace
from evals.providers.retry import Patience
from evals.recording import read_recordings
from evals.trial import plan_trials
from tests.conftest import REPOSITORY
from tests.fake_api.canary import KEY
from tests.fake_api.faults import BROKEN, LASTING, MIXED, PASSING, SILENT, SPOILT, Fault, Plan
from tests.fake_api.recorded import Recorded
from tests.fake_api.server import ApiServer
from tests.integration.conftest import ANSWER, VERDICT

Cli = Callable[..., tuple[int, str, str]]

SUITE, PERSONA, CASE = "backend-engineer", "backend-engineer", "jwt-auth"
CHOSEN = ("run", "--suite", SUITE, "--case", CASE, "--persona", "0001", "--no-execute")
SMALL = ("run", "--suite", "small", "--provider", "live", "--no-execute")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Patience, "wait", lambda _self, _tries, named=None: named or 0.001)
    monkeypatch.setattr(Pace, "waits", lambda _self: repeat(0.01))
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The repository's cases, persona and recordings, with a memory of its own."""
    for name in ("cases", "prompts", "results"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    shutil.copy2(REPOSITORY / "evals.lock", tmp_path / "evals.lock")
    return tmp_path


def recorded(folder: Path) -> Recorded:
    """The recordings that the chosen command asks for."""
    home = Project(folder)
    suite = load_suite(home, SUITE)
    persona = find_persona(home, PERSONA, "0001")
    trials = list(
        plan_trials(suite, select_cases(suite, CASE), [persona], model=UNSTATED, repeats=suite.repeats, draw="0")
    )
    found, faults = read_recordings(home.recordings / SUITE, "recordings")
    assert faults == []
    return Recorded(trials, found)


def run_live(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, plan: Plan | None, *, provider: str = "live"
) -> tuple[ApiServer, int, dict[str, str]]:
    """The chosen command, from an empty memory: the server, how many different requests there were, the files of results."""
    shutil.rmtree(folder / ".evals", ignore_errors=True)
    script = recorded(folder)
    with ApiServer(script, plan) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        code, _, err = cli(folder, *CHOSEN, "--provider", provider, "--out", str(folder / "out"))
    assert code == 0, err
    assert "no answer" not in err
    assert server.refused == []
    return server, script.size, results(folder / "out")


def results(folder: Path) -> dict[str, str]:
    """Every file of results by name; the lines of grades without the number of the repeat, since equal requests have no order."""
    found = {}
    for path in sorted(folder.rglob("*.json*")):
        text = path.read_text(encoding="utf-8")
        if path.name.endswith(".grades.jsonl"):
            text = "\n".join(sorted(json.dumps(dict(json.loads(line), repeat=0)) for line in text.splitlines()))
        found[path.name] = text
    shutil.rmtree(folder)
    return found


def counted(card: str) -> dict[str, tuple[int, ...]]:
    """What a scorecard counts for each criterion."""
    names = ("passes", "fails", "not_applicable", "unscored")
    lines = [json.loads(line) for line in card.splitlines()]
    return {line["criterion"]: tuple(line.get(name, 0) for name in names) for line in lines if "passes" in line}


def test_a_fifth_of_faults_changes_no_scorecard(repository: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    sound, size, expected = run_live(cli, repository, monkeypatch, None)
    assert len(sound.single) == size > 50, "each request once"
    plan = Plan(0.2, MIXED, seed=6)
    server, _, found = run_live(cli, repository, monkeypatch, plan)
    assert len(plan.met) > size / 10
    assert server.calls.count("messages") == size + len(plan.met)
    assert len(server.single) == size, "no answer was paid twice"
    assert found == expected
    assert SPOILT not in "".join(found.values())
    code, _, err = cli(repository, *CHOSEN, "--provider", "replay", "--out", str(repository / "out"))
    assert code == 0, err
    assert counted(results(repository / "out")["0001.jsonl"]) == counted(expected["0001.jsonl"])


def test_a_twentieth_of_faults_costs_as_many_requests(
    repository: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(0.05, [*PASSING.values(), *BROKEN.values()], seed=5)
    server, size, _ = run_live(cli, repository, monkeypatch, plan)
    assert len(plan.met) > 0
    assert server.calls.count("messages") == size + len(plan.met)


# what warns is the client's transport, of a body beyond a megabyte; nothing is wrong with it
@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
def test_a_batch_run_has_the_scorecard_of_a_live_one(
    repository: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, live = run_live(cli, repository, monkeypatch, None)
    server, size, batch = run_live(cli, repository, monkeypatch, None, provider="batch")
    assert len(server.single) + sum(server.asked().values()) == size
    assert counted(batch["0001.jsonl"]) == counted(live["0001.jsonl"])


def answered(params: dict[str, Any]) -> str:
    return VERDICT if "output_config" in params else ANSWER


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    with ApiServer(answered) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        yield server


@pytest.mark.parametrize("name", [*PASSING, *BROKEN])
def test_each_fault_is_overcome(project: Path, cli: Cli, server: ApiServer, name: str) -> None:
    fault = {**PASSING, **BROKEN}[name]
    server.faults["messages"] = [fault] * 2
    code, _, err = cli(project, *SMALL)
    assert code == 0, err
    assert server.calls.count("messages") == len(server.single) + 2
    assert not stored(project, SPOILT)


@pytest.mark.parametrize("name", [*BROKEN, "nothing said"])
def test_what_stays_broken_is_unscored_and_no_answer(project: Path, cli: Cli, server: ApiServer, name: str) -> None:
    fault = {**BROKEN, "nothing said": SILENT}[name]
    server.plan = Plan(1.0, [fault], seed=1)
    code, _, err = cli(project, *SMALL)
    assert code == 3, err
    assert err.count("no answer") == 4
    assert (server.single, stored(project, SPOILT)) == ([], [])
    server.plan = None
    assert cli(project, *SMALL)[0] == 0, "the same command asks for what is missing"


@pytest.mark.parametrize("name", list(LASTING))
def test_what_lasts_ends_the_run_with_one_line(project: Path, cli: Cli, server: ApiServer, name: str) -> None:
    server.plan = Plan(1.0, [LASTING[name]], seed=1)
    code, out, err = cli(project, *SMALL, "-j", "1")
    assert (code, out, server.calls) == (2, "", ["messages"]), err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == len([line for line in err.splitlines() if line.startswith("warning")]) + 1


def test_a_fault_in_the_middle_keeps_what_is_paid(project: Path, cli: Cli, server: ApiServer) -> None:
    def spent(params: dict[str, Any]) -> str:
        if len(server.single) == 2:
            server.plan = Plan(1.0, [LASTING["spend limit of the tier"]], seed=1)
        return answered(params)

    server.answer = spent
    assert cli(project, *SMALL, "-j", "1")[0] == 2
    assert len(server.single) == 3
    server.plan, server.answer = None, answered
    assert cli(project, *SMALL, "-j", "1")[0] == 0
    assert len(server.single) == 6, "four answers, two different questions to the judge; none twice"


def stored(folder: Path, text: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_no_fault_is_left_out_of_the_mix() -> None:
    faults: list[Fault] = [*PASSING.values(), *BROKEN.values()]
    assert all(fault in MIXED for fault in faults)
    assert len(MIXED) == len(faults) + 1
