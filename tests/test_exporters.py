"""Exporters: what other people's tools receive, offline, and that nothing is sent where nobody asked for it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from evals.export.tracking import figures, said, settings
from evals.scorecard import Scorecard
from evals.scorecard_file import card_text, read_card
from graders.criterion import Status
from tests import offline

assert offline.ENVIRONMENT
ROOT = Path(__file__).parent.parent
CARDS = ROOT / "results/scorecards/backend-engineer/backend-engineer"
CARD = read_card(CARDS / "0002.jsonl", "0002.jsonl")
Cli = Callable[..., tuple[int, str, str]]


def emitted(*cards: Scorecard) -> list[Any]:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

    from evals.export.otel import emit

    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the package leaves it untyped
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    assert emit(cards, provider) == len(memory.get_finished_logs())
    return [one.log_record for one in memory.get_finished_logs()]


def test_one_event_for_each_grade_that_counts() -> None:
    records = emitted(CARD)
    counted = [line for line in CARD.grades if line.prevails]
    assert len(records) == len(counted) == sum(line.repeats for line in CARD.criteria)
    assert {record.event_name for record in records} == {"gen_ai.evaluation.result"}
    labels = [record.attributes["gen_ai.evaluation.score.label"] for record in records]
    assert sorted(labels) == sorted(line.grade.status.value for line in counted)
    for record in records:
        label = record.attributes["gen_ai.evaluation.score.label"]
        score = record.attributes.get("gen_ai.evaluation.score.value")
        assert score == {"pass": 1.0, "fail": 0.0, "not_applicable": None}[label]
        assert "gen_ai.response.id" not in record.attributes


def test_names_are_those_of_the_conventions() -> None:
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
    from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE

    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_EVALUATION")}
    used = {name for record in emitted(CARD) for name in record.attributes if name.startswith("gen_ai.")}
    assert used == known
    assert ERROR_TYPE == "error.type"


def test_what_nobody_decided_has_no_score(card: Callable[..., Scorecard]) -> None:
    [undecided, inapplicable] = emitted(card({"login/security-sql": "UN"}))
    assert undecided.attributes["error.type"] == Status.UNSCORED
    for name in ("gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label"):
        assert name not in undecided.attributes
    assert inapplicable.attributes["gen_ai.evaluation.score.label"] == "not_applicable"
    assert "gen_ai.evaluation.score.value" not in inapplicable.attributes


@contextmanager
def collector(status: int) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A collector on this machine: its address, and what it was sent."""
    received: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_collector_receives_them(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    with collector(200) as (address, received):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        code, out, err = cli(ROOT, "export", "otel", "0001", "0002")
    assert (code, err) == (0, "")
    assert out == "sent 468 events of 2 scorecards\n"
    assert {path for path, _ in received} == {"/v1/logs"}
    messages = [ExportLogsServiceRequest.FromString(body) for _, body in received]
    groups = [group for message in messages for group in message.resource_logs]
    records = [record for group in groups for scope in group.scope_logs for record in scope.log_records]
    assert len(records) == 468
    assert {record.event_name for record in records} == {"gen_ai.evaluation.result"}
    sent = {pair.key for group in groups for pair in group.resource.attributes}
    assert not {key for key in sent if key.startswith(("host.", "process.", "os."))}, "nothing about this machine"


def test_a_collector_that_refuses_is_an_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector(400) as (address, _):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        code, out, err = cli(ROOT, "export", "otel", "0001")
    assert (code, out) == (2, "")
    assert err == f"error: the collector at {address} did not take the events (0 of 234 were sent)\n"


def mlflow(address: str) -> subprocess.CompletedProcess[str]:
    """An export to a server at an address, in a process of its own: the library keeps what it was told first."""
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MLFLOW_TRACKING_URI": address,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }
    argv = [sys.executable, "-m", "evals", "export", "mlflow", "0001"]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_an_address_where_nobody_is_ends_in_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector(200) as (address, _):
        pass
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    code, _, err = cli(ROOT, "export", "otel", "0001")
    assert (code, err) == (2, f"error: the collector at {address} did not take the events (0 of 234 were sent)\n")
    done = mlflow(address)
    assert done.returncode == 2
    assert f"error: MLflow at {address}" in done.stderr
    assert "Traceback" not in done.stderr


def test_passwords_of_addresses_are_not_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector(200) as (address, _):
        pass
    address = address.replace("//", "//me:open-sesame@")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    code, out, err = cli(ROOT, "export", "otel", "0001")
    assert code == 2
    assert "the collector at http://127.0.0.1" in err
    assert "sesame" not in out + err
    done = mlflow(address)
    assert done.returncode == 2
    assert "error: MLflow at http://127.0.0.1" in done.stderr
    assert "sesame" not in done.stdout + done.stderr


def test_an_error_that_says_nothing_is_named_by_its_type() -> None:
    assert said(TimeoutError()) == "TimeoutError"
    assert said(OSError("one\n two")) == "one two"


def test_half_a_character_does_not_stop_an_export(card: Callable[..., Scorecard]) -> None:
    one = card({"login/security-sql": "P"}, model="m\ud83d")
    [record] = emitted(one)
    assert record.attributes["persona_evals.model"] == "m\ufffd"
    assert settings(one)["model"] == "m\ufffd"


@pytest.mark.parametrize(("tool", "name"), [("otel", "OTEL_EXPORTER_OTLP_ENDPOINT"), ("mlflow", "MLFLOW_TRACKING_URI")])
def test_without_an_address_nothing_is_sent(tool: str, name: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name, raising=False)
    code, _, err = cli(ROOT, "export", tool)
    assert (code, len(err.splitlines())) == (2, 1)
    assert name in err


@pytest.mark.parametrize("package", ["opentelemetry.sdk._logs", "mlflow", "wandb"])
def test_a_missing_extra_is_named(package: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = {"opentelemetry.sdk._logs": "otel"}.get(package, package)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    code, _, err = cli(ROOT, "export", tool, "--to", str(tmp_path))
    assert code == 2
    assert f"pip install 'persona-evals[{tool}]'" in err


def test_figures_leave_out_what_was_not_scored(card: Callable[..., Scorecard]) -> None:
    assert figures(card({"login/security-sql": "UU"})).keys() == {"unscored_share"}
    found = figures(CARD)
    for line in CARD.dimensions:
        assert found[f"{line.dimension.value}.score"] == line.score
    assert settings(CARD)["judge_licence"] == "none"


def outside(tmp_path: Path, *argv: str, **env: str) -> str:
    """Run the command in a process of its own; what it said. These packages keep threads and settings of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "WANDB"))}
    kept |= {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), **env}
    done = subprocess.run(
        [sys.executable, *argv], cwd=ROOT, env=kept, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_mlflow_keeps_a_run_for_each_scorecard(tmp_path: Path) -> None:
    env = {"MLFLOW_TRACKING_URI": f"file://{tmp_path}/runs", "MLFLOW_ALLOW_FILE_STORE": "true"}
    said = outside(tmp_path, "-m", "evals", "export", "mlflow", "0001", "0002", "--experiment", "prompts", **env)
    assert "logged 2 scorecards" in said
    code = (
        "import json, mlflow; from mlflow import MlflowClient\n"
        "client = MlflowClient(); e = client.get_experiment_by_name('prompts')\n"
        "print(json.dumps([{'name': r.info.run_name, 'status': r.info.status, 'metrics': r.data.metrics, 'params': r.data.params,"
        " 'uri': r.info.artifact_uri} for r in client.search_runs([e.experiment_id])]))"
    )
    runs = {run["name"]: run for run in json.loads(outside(tmp_path, "-c", code, **env))}
    assert set(runs) == {"backend-engineer/backend-engineer/0001", "backend-engineer/backend-engineer/0002"}
    run = runs["backend-engineer/backend-engineer/0002"]
    assert run["status"] == "FINISHED"
    assert run["metrics"] == figures(CARD)
    assert run["params"] == settings(CARD)
    assert Path(run["uri"].removeprefix("file://"), "scorecard.jsonl").read_text(encoding="utf-8") == card_text(CARD)


def test_a_store_that_mlflow_refuses_is_an_error(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": f"file://{tmp_path}/runs"}
    env.pop("MLFLOW_ALLOW_FILE_STORE", None)
    done = subprocess.run(
        [sys.executable, "-m", "evals", "export", "mlflow", "0001"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "error: MLflow at file:" in done.stderr
    assert "Traceback" not in done.stderr


READ_WANDB = """\
import json, struct, sys
from wandb.proto import wandb_internal_pb2 as pb

def records(data):  # blocks of 32 KiB; each part: checksum, length, kind (1 whole, 2 first, 3 middle, 4 last)
    at, whole = 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", data[at:at + 7])
        whole += data[at + 7:at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield pb.Record.FromString(whole)
            whole = b""

found = {"bytes": open(sys.argv[1], "rb").read().decode("latin-1")}
for record in records(open(sys.argv[1], "rb").read()):
    if record.HasField("run"):
        run = record.run
        found |= {"name": run.display_name, "project": run.project, "host": run.host, "git": run.git.remote_url}
        found["config"] = {item.key: json.loads(item.value_json) for item in run.config.update}
    if record.HasField("history"):
        found["history"] = {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in record.history.item}
print(json.dumps(found))
"""


def test_wandb_keeps_a_run_offline_and_tells_nothing_of_this_machine(tmp_path: Path) -> None:
    said = outside(
        tmp_path, "-m", "evals", "export", "wandb", "0002", "--to", str(tmp_path / "w"), "--experiment", "prompts"
    )
    assert "offline in" in said
    [log] = (tmp_path / "w").rglob("*.wandb")
    run = json.loads(outside(tmp_path, "-c", READ_WANDB, str(log)))
    assert (run["name"], run["project"]) == ("backend-engineer/backend-engineer/0002", "prompts")
    assert (run["host"], run["git"]) == ("-", "")
    assert platform.node() not in run["bytes"], "the name of this machine"
    assert str(ROOT) not in run["bytes"], "the folder in which it ran"
    assert {key: value for key, value in run["history"].items() if key in figures(CARD)} == figures(CARD)
    assert settings(CARD).items() <= run["config"].items()
    [table] = (tmp_path / "w").rglob("*.table.json")
    assert len(json.loads(table.read_text(encoding="utf-8"))["data"]) == len(CARD.criteria)
    assert not list((tmp_path / "w").rglob("requirements.txt"))
    assert not list((tmp_path / "w").rglob("wandb-metadata.json"))
