"""Secrets are planted, and the service sends them back in headers and messages of its errors: they are shown nowhere.

Searched is everything that a process of its own leaves behind: its output, and each file below its project, home and
folder for temporary files, rows of databases included.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.fake_api.canary import ALL, HEADER, KEY, TOKEN, files_with_one, shown_in
from tests.fake_api.faults import BROKEN, LASTING, PASSING, Plan, failing
from tests.fake_api.messages import error
from tests.fake_api.server import ApiServer
from tests.integration.conftest import ANSWER, VERDICT

RUN = ("run", "--suite", "small", "--no-execute", "--provider")
CRASH = """\
import sys
from unittest import mock
from evals.cli import main
with mock.patch({where!r}, side_effect=RuntimeError("a defect of our own")):
    sys.exit(main(sys.argv[1:]))
"""
BY_KEY = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_CUSTOM_HEADERS": f"x-gateway-auth: {HEADER}"}
BY_TOKEN = {"ANTHROPIC_AUTH_TOKEN": TOKEN, "ANTHROPIC_CUSTOM_HEADERS": f"x-gateway-auth: Bearer {HEADER}"}


def answered(params: dict[str, Any]) -> str:
    return VERDICT if "output_config" in params else ANSWER


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(answered) as server:
        server.echo = True
        yield server


@pytest.fixture
def start(project: Path, server: ApiServer) -> Callable[..., subprocess.Popen[bytes]]:
    """Starts Python in the project with the secrets in its environment."""

    def begin(secrets: dict[str, str], *argv: str) -> subprocess.Popen[bytes]:
        places = {"HOME": project / "home", "TMPDIR": project / "temporary"}
        for place in places.values():
            place.mkdir(exist_ok=True)
        env = {name: value for name, value in os.environ.items() if not name.startswith("ANTHROPIC_")}
        env |= {name: str(place) for name, place in places.items()}
        env |= {"PYTHONPATH": str(REPOSITORY), "ANTHROPIC_BASE_URL": server.url, **secrets}
        return subprocess.Popen(
            [sys.executable, *argv], cwd=project, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    return begin


Start = Callable[..., subprocess.Popen[bytes]]


def ended(process: subprocess.Popen[bytes], project: Path, server: ApiServer) -> tuple[int, str]:
    """Exit code and output, once nothing of a secret was found anywhere though it was sent."""
    out, _ = process.communicate(timeout=120)
    assert any(secret in key for secret in ALL for key in server.keys), "it was sent"
    assert not shown_in(out), "it is not in the output"
    assert files_with_one(project) == []
    return process.returncode, out.decode()


@pytest.mark.parametrize("secrets", [BY_KEY, BY_TOKEN], ids=["key", "token"])
@pytest.mark.parametrize("provider", ["live", "batch"])
def test_a_run_that_comes_to_its_end(
    project: Path, server: ApiServer, start: Start, provider: str, secrets: dict[str, str]
) -> None:
    server.faults["messages"] = [PASSING["overloaded"], BROKEN["bad JSON"]]
    code, out = ended(start(secrets, "-m", "evals", *RUN, provider), project, server)
    assert code == 0, out
    assert list((project / ".evals").rglob("cache.db")), "there are rows to search"


@pytest.mark.parametrize("name", list(LASTING))
def test_a_fatal_error(project: Path, server: ApiServer, start: Start, name: str) -> None:
    server.plan = Plan(1.0, [LASTING[name]], seed=1)
    code, out = ended(start(BY_KEY, "-m", "evals", *RUN, "live"), project, server)
    assert code == 2, out
    assert "Traceback" not in out


@pytest.mark.parametrize("step", ["create", "retrieve", "results"])
def test_a_batch_that_is_refused(project: Path, server: ApiServer, start: Start, step: str) -> None:
    server.faults[step] = [failing(403, "permission_error")] * 3
    code, out = ended(start(BY_KEY, "-m", "evals", *RUN, "batch"), project, server)
    assert code == 2, out
    assert "Traceback" not in out


def test_a_result_that_tells_the_key(project: Path, server: ApiServer, start: Start) -> None:
    told = {"type": "errored", "error": error("invalid_request_error", f"the key {KEY} may not")}
    server.batches.outcomes = lambda *_: told
    code, out = ended(start(BY_KEY, "-m", "evals", *RUN, "batch"), project, server)
    assert code == 3, out
    assert "may not" in out


def test_an_answer_that_tells_the_key(project: Path, server: ApiServer, start: Start) -> None:
    server.answer = lambda params: answered(params) if "output_config" in params else f"{ANSWER}\n{KEY}\n"
    ended(start(BY_KEY, "-m", "evals", *RUN, "live"), project, server)


@pytest.mark.parametrize(
    "where", ["evals.providers.live.response_of", "evals.providers.cached.Cache.put", "evals.judging.judged"]
)
def test_a_crash_with_its_traceback(project: Path, server: ApiServer, start: Start, where: str) -> None:
    code, out = ended(start(BY_KEY, "-X", "dev", "-c", CRASH.format(where=where), *RUN, "live"), project, server)
    assert code != 0
    assert "a defect of our own" in out


def test_a_kill_in_the_middle(project: Path, server: ApiServer, start: Start) -> None:
    running: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        running[0].send_signal(signal.SIGKILL)
        running[0].wait()

    server.hooks["probe"] = [lambda: None, lambda: None, kill]
    running.append(start(BY_KEY, "-m", "evals", *RUN, "live", "-j", "1"))
    code, _ = ended(running[0], project, server)
    assert code == -signal.SIGKILL


@pytest.mark.parametrize(
    "options", [("--resume",), ("--dry-run",), ("--format", "json"), ("--model", "no-such-model")], ids=" ".join
)
def test_no_other_way_of_asking_shows_it(
    project: Path, server: ApiServer, start: Start, options: Sequence[str]
) -> None:
    server.keys.add(f"Bearer {KEY}")  # a dry run sends nothing
    ended(start(BY_KEY, "-m", "evals", *RUN, "live", *options), project, server)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    import sqlite3
    import zlib

    (tmp_path / "plain").write_text(f"x {KEY} y", encoding="utf-8")
    (tmp_path / "packed").write_bytes(zlib.compress(TOKEN.encode()))
    (tmp_path / "clean").write_text("sk-canary", encoding="utf-8")
    database = sqlite3.connect(tmp_path / "rows")
    database.execute("CREATE TABLE t (a BLOB)")
    database.execute("INSERT INTO t VALUES (?)", (HEADER.encode() + b" " * 9000,))
    database.commit()
    database.close()
    assert files_with_one(tmp_path) == ["packed", "plain", "rows"]
