"""`evals run --provider live` from end to end against a server with faults: scorecards, money, messages. Answers are fixtures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from evals.commands.run import _log_spent
from evals.exchange import Message, Request, Settings
from evals.prices import read_prices
from evals.providers.live import LiveProvider
from evals.providers.retry import Patience
from evals.run_log import RunLog
from evals.scorecard_file import read_card, write_card
from evals.spending import Spending
from tests.integration.conftest import ANSWER, VERDICT
from tests.live_server import LiveServer, Params, Reply, error, message

Cli = Callable[..., tuple[int, str, str]]

KEY = "sk-canary-0123456789"
COMMAND = ("run", "--suite", "small", "--provider", "live", "--no-execute")
FAULTS = (
    Reply(529, error("overloaded_error", "busy")),
    Reply(200, b'{"torn": '),
    Reply(429, error("rate_limit_error", "slower"), {"retry-after": "0"}),
    Reply(200, b"<html></html>", kind="text/html"),
    Reply(200, message(), cut=20),
    Reply(500, error("api_error", "oops")),
)
ANSWERS, JUDGED = 4, 8
"""One case, two revisions, two repeats; two criteria ask the judge about each answer."""


def good(body: Params, more: str = "") -> Reply:
    usage = {"input_tokens": 1000, "output_tokens": 500}
    text = VERDICT if "output_config" in body else f"{ANSWER}{more}"
    return Reply(200, message(text, model="claude-sonnet-5-5", usage=usage))


@pytest.fixture
def serve(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., LiveServer]]:
    servers: list[LiveServer] = []
    suite = project / "cases/small/suite.yaml"
    text = (
        suite.read_text(encoding="utf-8")
        .replace("some-model", "claude-sonnet-5-5")
        .replace("some-judge", "claude-opus-5-5")
    )
    suite.write_text(text, encoding="utf-8")
    init = LiveProvider.__init__

    def soon(self: LiveProvider, **options: Any) -> None:
        init(self, **options, patience=Patience(first=0.0001, longest=0.001))

    monkeypatch.setattr(LiveProvider, "__init__", soon)

    def start(reply: Callable[[int, Params], Reply]) -> LiveServer:
        server = LiveServer(reply)
        servers.append(server)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        return server

    yield start
    for server in servers:
        server.close()


def cards(project: Path) -> dict[str, str]:
    folder = project / ".evals/scorecards/small/helper"
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.jsonl"))}


def test_faults_change_no_score_and_what_was_spent_is_told(
    project: Path, serve: Callable[..., LiveServer], cli: Cli
) -> None:
    serve(lambda _, body: good(body))
    code, _, err = cli(project, *COMMAND)
    assert code == 0, err
    sound = cards(project)
    assert set(sound) >= {"0001.jsonl", "0001.grades.jsonl"}
    assert cli(project, "cache", "clear")[0] == 0
    faulty = serve(lambda number, body: FAULTS[number // 2 % len(FAULTS)] if number % 2 else good(body))
    code, _, err = cli(project, *COMMAND)
    assert code == 0, err
    assert cards(project) == sound
    assert f"{len(faulty.seen) // 2} requests had to be asked again" in err
    assert "USD spent" in err


def test_the_same_again_asks_and_spends_nothing(project: Path, serve: Callable[..., LiveServer], cli: Cli) -> None:
    server = serve(lambda _, body: good(body))
    cli(project, *COMMAND)
    asked = len(server.seen)
    code, _, err = cli(project, *COMMAND)
    assert (code, len(server.seen)) == (0, asked)
    assert "spent" not in err


def test_a_run_stops_before_its_limit_and_goes_on_with_a_higher_one(
    project: Path, serve: Callable[..., LiveServer], cli: Cli
) -> None:
    server = serve(lambda number, body: good(body, f"\nAnswer {number}.\n"))
    limit = 0.025  # a request of this model may cost up to about 0.016 USD, and costs 0.007
    code, out, err = cli(project, *COMMAND, "--max-cost", str(limit))
    assert (code, out) == (3, ""), err
    assert "error: stopped before --max-cost 0.03 USD was passed" in err
    assert "Traceback" not in err
    kept = len(server.seen)
    assert 1 <= kept < 4
    assert kept * 0.007 <= limit
    code, _, err = cli(project, "run", "--resume")
    assert code == 3, "the limit is an option of the run, and each call has as much"
    (log,) = [path.read_text(encoding="utf-8") for path in (project / ".evals/runs").glob("*.jsonl")]
    assert log.count('"event":"spent"') == 2
    code, _, err = cli(project, "run", "--resume", "--max-cost", "10")
    assert code == 0, err
    judged = sum("output_config" in body for _, body in server.seen)
    assert (len(server.seen) - judged, judged) == (ANSWERS, JUDGED), "nothing that was paid is asked again"


def test_a_dry_run_says_requests_tokens_and_money(project: Path, serve: Callable[..., LiveServer], cli: Cli) -> None:
    server = serve(lambda _, body: good(body))
    code, out, err = cli(project, *COMMAND, "--dry-run", "--max-cost", "0.001")
    assert (code, err, server.seen) == (0, "", [])
    first, tokens, money = out.splitlines()
    assert "4 answers (claude-sonnet-5-5), 8 judge requests, provider live; nothing was asked" in first
    assert "tokens in and" in tokens
    assert "USD" in money
    assert "--max-cost 0.00 would stop it before its end" in money
    cli(project, *COMMAND)
    code, out, _ = cli(project, *COMMAND, "--dry-run")
    assert "4 of the answers are remembered" in out


def test_a_dry_run_as_json_has_the_same_figures(project: Path, serve: Callable[..., LiveServer], cli: Cli) -> None:
    server = serve(lambda _, body: good(body))
    text = cli(project, *COMMAND, "--dry-run")[1]
    code, out, _ = cli(project, *COMMAND, "--dry-run", "--format", "json", "--max-cost", "5")
    found = json.loads(out)
    assert (code, found["answers"], found["judge_requests"], server.seen) == (0, 4, 8, [])
    estimate = found["estimate"]
    assert (estimate["remembered"], estimate["unpriced"], estimate["max_cost"]) == (0, [], 5)
    assert f"about {estimate['input_tokens']:,} tokens in and {estimate['output_tokens']:,} out" in text
    assert f"about {estimate['usd']:,.2f} USD" in text
    out = cli(project, *COMMAND, "--dry-run", "--format", "json", "--model", "somebody-elses")[1]
    estimate = json.loads(out)["estimate"]
    assert (estimate["usd"], estimate["unpriced"]) == (None, ["somebody-elses"])


def test_an_unknown_model_runs_with_a_warning_and_no_cost(
    project: Path, serve: Callable[..., LiveServer], cli: Cli
) -> None:
    serve(lambda _, body: good(body))
    code, _, err = cli(project, *COMMAND, "--model", "somebody-elses")
    assert code == 0, err
    assert "warning: no price is known for somebody-elses" in err
    code, _, err = cli(project, *COMMAND, "--model", "somebody-elses", "--max-cost", "5")
    assert code == 2
    assert "--max-cost cannot be kept: no price is known for somebody-elses" in err
    row = {"model": "somebody-elses", "input": 1, "output": 2, "source": "contract"}
    table = {"as_of": "2026-11-01", "batch_factor": 0.5, "prices": [row]}
    (project / "prices.json").write_text(json.dumps(table), encoding="utf-8")
    code, _, err = cli(project, *COMMAND, "--model", "somebody-elses", "--max-cost", "5")
    assert code == 0, err
    assert "warning" not in err


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401, error("authentication_error", f"bad key {KEY}")), "does not accept the key"),
        (Reply(404, error("not_found_error", "model: x")), "knows no such model"),
        (
            Reply(429, error("rate_limit_error", "x", details={"error_code": "enforced_spend_limit_reached"})),
            "spend limit is reached",
        ),
    ],
)
def test_what_is_fatal_is_one_clear_line(
    project: Path, serve: Callable[..., LiveServer], cli: Cli, reply: Reply, words: str
) -> None:
    serve(lambda *_: reply)
    code, out, err = cli(project, *COMMAND)
    assert (code, out) == (2, "")
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert words in line
    assert KEY not in err


def test_a_key_planted_in_every_reply_is_in_no_file(project: Path, serve: Callable[..., LiveServer], cli: Cli) -> None:
    def planted(number: int, body: Params) -> Reply:
        if number % 3 == 1:
            return Reply(500, error("api_error", f"the key {KEY}"))
        sound = good(body)
        data = json.loads(sound.data)
        data["content"][0]["text"] = data["content"][0]["text"].replace("I take parameters", f"I take {KEY}")
        return Reply(200, data, {"request-id": f"req-{KEY}"})

    server = serve(planted)
    code, out, err = cli(project, *COMMAND)
    assert code == 0, err
    assert any(KEY in headers["authorization"] for headers, _ in server.seen)
    files = [path for path in project.rglob("*") if path.is_file()]
    assert any("cache.db" in path.name for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in out + err


@pytest.mark.parametrize("kind", ["bedrock", "vertex"])
def test_batches_are_not_offered_everywhere(
    project: Path, serve: Callable[..., LiveServer], cli: Cli, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    server = serve(lambda _, body: good(body))
    for name, value in {
        "AWS_REGION": "us-east-1",
        "AWS_BEARER_TOKEN_BEDROCK": "bedrock-canary-0123456789",
        "CLOUD_ML_REGION": "global",
    }.items():
        monkeypatch.setenv(name, value)
    code, out, err = cli(project, "run", "--suite", "small", "--provider", "batch", "--endpoint", kind)
    assert (code, out, server.seen) == (2, "", [])
    assert f"the endpoint `{kind}` offers no Message Batches; take `--provider live`" in err


def test_a_batch_that_may_become_too_dear_is_not_submitted(
    project: Path, serve: Callable[..., LiveServer], cli: Cli
) -> None:
    server = serve(lambda _, body: good(body))
    command = ("run", "--suite", "small", "--provider", "batch", "--no-execute", "--max-cost", "0.024")
    code, out, err = cli(project, *command)
    assert (code, out) == (3, ""), err
    assert "3 requests in a batch may cost up to" in err
    assert [path for path in server.paths if "batches" in path] == []
    assert list((project / ".evals/batches").glob("*.json")) == []


def test_a_refused_request_does_not_end_the_run_in_which_all_others_are_remembered(
    project: Path, serve: Callable[..., LiveServer], cli: Cli
) -> None:
    server = serve(
        lambda number, body: good(body) if number != 2 else Reply(400, error("invalid_request_error", "odd one"))
    )
    for _ in range(2):
        code, _, err = cli(project, *COMMAND, "-j", "1")
        assert code == 3, err
        assert err.count("no answer: ") == 1
        assert "odd one" in err
        asked = len(server.seen)
        server = serve(lambda _, body: Reply(400, error("invalid_request_error", "odd one")))
    assert asked == 1


def test_what_other_answers_cost_does_not_stay_beside_a_scorecard(
    project: Path, serve: Callable[..., LiveServer], cli: Cli
) -> None:
    serve(lambda _, body: good(body))
    assert cli(project, *COMMAND)[0] == 0
    folder = project / ".evals/scorecards/small/helper"
    usage = folder / "0001.usage.json"
    assert usage.is_file()
    card = read_card(folder / "0001.jsonl", "card")
    write_card(folder, card, "")
    assert not usage.exists()


def test_a_run_that_was_refused_is_not_resumed(
    project: Path, serve: Callable[..., LiveServer], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(lambda _, body: good(body))
    assert cli(project, *COMMAND, "--max-cost", "0.025")[0] == 3
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert cli(project, *COMMAND)[0] == 2
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    code, _, err = cli(project, "run", "--resume", "--max-cost", "10")
    assert code == 0, err
    assert "going on with the run of" in err


def test_money_for_replies_that_were_all_lost_is_in_the_log() -> None:
    written: list[dict[str, Any]] = []

    class Log:
        def write(self, event: str, **more: Any) -> None:
            written.append({"event": event, **more})

    purse = Spending(read_prices(), "2026-11-28")
    request = Request(
        model="claude-sonnet-5-5", messages=(Message(role="user", text="u"),), settings=Settings(max_tokens=1000)
    )
    purse.lose(purse.take([request], 1.0))
    _log_spent(cast("RunLog", Log()), purse)
    assert written[0]["event"] == "spent"
    assert written[0]["lost_usd"] > 0
