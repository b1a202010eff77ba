"""Live and batch runs against fakes of the API that others wrote, with faults of theirs: right, or unscored with a reason.

`@copilotkit/aimock` answers single messages and spoils a share of them at random. `mock-ai-api` has batches. Its batch ends
when its results are first read, which a client that waits for the end never does: so a bystander reads them here. All its
requests succeed with one fixed text, and its `results_url` is relative.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

import pytest

from evals.providers.batch import Pace
from evals.providers.retry import Patience
from tests.fake_api.canary import KEY
from tests.integration.conftest import ANSWER, VERDICT
from tests.third_party.servers import aimock, mock_ai_api

Cli = Callable[..., tuple[int, str, str]]

LIVE = ("run", "--suite", "small", "--provider", "live", "--no-execute")
BATCH = ("run", "--suite", "small", "--provider", "batch", "--no-execute")
USAGE = {"input_tokens": 900, "output_tokens": 60}
FIXTURES = [
    # a question to the judge quotes the task as well, so it comes first
    {"match": {"userMessage": " ENDS ==="}, "response": {"content": VERDICT, "usage": USAGE}},
    {"match": {"userMessage": "Add a login route"}, "response": {"content": ANSWER, "usage": USAGE}},
]
FIXED = "A unified model API gateway."
"""What mock-ai-api answers in every batch."""
CHAOS = [
    ("--chaos-drop", "0.3"),
    ("--chaos-malformed", "0.3"),
    ("--chaos-disconnect", "0.3"),
    ("--chaos-ratelimit", "0.1"),
    ("--chaos-latency", "20"),
    ("--chaos-drop", "0.08", "--chaos-malformed", "0.08", "--chaos-disconnect", "0.08", "--chaos-latency", "5"),
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of the provider's own are cut short; those that a server names are not."""
    monkeypatch.setattr(Patience, "wait", lambda _self, _tries, named=None: named or 0.001)
    monkeypatch.setattr(Pace, "waits", lambda _self: repeat(0.02))
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def cards(project: Path) -> dict[str, str]:
    folder = project / ".evals/scorecards/small/helper"
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.jsonl"))}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The scorecards without chaos, once they are known."""
    return []


@pytest.mark.parametrize("chaos", [(), *CHAOS], ids=lambda chaos: " ".join(chaos) or "none")
def test_chaos_changes_no_scorecard(
    project: Path,
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sound: list[dict[str, str]],
    chaos: tuple[str, ...],
) -> None:
    with aimock(tmp_path, FIXTURES, *chaos) as address:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", address)
        code, _, err = cli(project, *LIVE)
        for _ in range(5):  # a request that met a fault each time is unscored, and asked again by the same command
            if code == 3:
                assert "no answer" in err
                code, _, err = cli(project, *LIVE)
    assert code == 0, err
    assert "Traceback" not in err
    assert KEY not in err
    sound.append(cards(project))
    assert cards(project) == sound[0]
    assert "chaos" not in "".join(sound[0].values())


def test_without_a_single_answer_everything_is_unscored(
    project: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with aimock(tmp_path, FIXTURES, "--chaos-malformed", "1") as address:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", address)
        code, _, err = cli(project, *LIVE)
    assert code == 3, err
    assert "login/0001/1: no answer" in err
    for text in cards(project).values():
        grades = [json.loads(line) for line in text.splitlines()]
        statuses = {row["status"] for row in grades if "status" in row}
        assert statuses <= {"unscored"}
        assert all(row["unscored"] for row in grades if "passes" in row)


def test_what_the_fake_has_no_answer_to_is_unscored_with_its_words(
    project: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with aimock(tmp_path, FIXTURES[:1]) as address:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", address)
        code, _, err = cli(project, *LIVE)
    assert code == 3
    assert err.count("no answer: the API failed (status 503: Strict mode: no fixture matched)") == 4


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url) as reply:  # noqa: S310 - an address of loopback
        data: bytes = reply.read()
    return data


@contextmanager
def bystander(address: str) -> Iterator[list[str]]:
    """Reads the results of each batch once, over and over, until it is told to stop; the ids of the batches."""
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            for batch in json.loads(fetched(f"{address}/v1/messages/batches"))["data"]:
                if batch["processing_status"] != "ended":
                    seen.append(batch["id"])
                    fetched(address + batch["results_url"])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def test_a_batch_run_takes_what_the_other_fake_says(
    project: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock_ai_api(tmp_path) as address, bystander(address) as batches:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", address)
        code, _, err = cli(project, *BATCH)
        again = cli(project, *BATCH)
    assert code == 3, err
    assert len(set(batches)) == 3, "answers, judge, and the judge's invalid verdicts asked again"
    assert again[0] == 3
    assert "submitted" not in again[2], "every answer was kept"
    rows = [json.loads(line) for line in cards(project)["0001.grades.jsonl"].splitlines()]
    judged = [row for row in rows if row.get("criterion") == "explains"]
    assert len(judged) == 2
    assert all(row["status"] == "unscored" and row["reason"] for row in judged), "its text is no verdict"
    assert not list((project / ".evals/batches").glob("*.json"))


@pytest.mark.parametrize("scenario", ["mock-400", "mock-401"])
def test_what_the_other_fake_refuses_ends_the_run(
    project: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: str
) -> None:
    with mock_ai_api(tmp_path) as address:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", address)
        code, out, err = cli(project, *BATCH, "--model", f"claude-sonnet-5-5:{scenario}")
        made = json.loads(fetched(f"{address}/v1/messages/batches"))["data"]
    assert (code, out, made) == (2, "", [])
    assert f"Mock scenario {scenario} triggered" in err
    assert "Traceback" not in err
