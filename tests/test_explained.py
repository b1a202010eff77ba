"""Why the service is asked: each kind of reason in its own words, and only where somebody listens."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from evals.cli_voice import heard
from evals.exchange import Message, Provenance, Request, Response, Settings
from evals.providers.cached import Cache, CachedProvider
from evals.providers.explained import MOST, ExplainedProvider

REQUEST = Request(
    model="some-model", system="Be safe.", messages=(Message(role="user", text="hi"),), settings=Settings(max_tokens=10)
)


class Service:
    asked = 0

    async def respond(self, request: Request) -> Response:
        self.asked += 1
        return Response(text="answer", provenance=Provenance(kind="api", request_id="r"), model=request.model)


def ask(folder: Path, *requests: Request, verbosity: int = 1) -> int:
    """Ask for each, through memory; how many reached the service."""
    cache, service = Cache(folder), Service()
    provider = CachedProvider(ExplainedProvider(service, cache), cache)

    async def all_of_them() -> None:
        for request in requests:
            await provider.respond(request)

    with heard(verbosity):
        asyncio.run(all_of_them())
    cache.close()
    return service.asked


def test_an_empty_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(tmp_path, REQUEST) == 1
    assert "asked: nothing is remembered" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"draw": "2026-01-01"}, "`draw` (wanted"),
        ({"model": "another"}, "`model` (wanted"),
        ({"system": "Be quick."}, "`system` (another text)"),
        ({"repeat": 2}, "`repeat` (wanted"),
    ],
)
def test_what_differs_from_the_nearest(
    changed: dict[str, object], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(tmp_path, REQUEST, verbosity=-1)
    assert ask(tmp_path, replace(REQUEST, **changed)) == 1  # type: ignore[arg-type]  # a test names the part
    err = capsys.readouterr().err
    assert "asked: not remembered" in err
    assert said in err
    assert "recording" not in err


def test_what_is_remembered_needs_no_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(tmp_path, REQUEST, verbosity=0)
    assert ask(tmp_path, REQUEST) == 0
    assert capsys.readouterr().err == ""


def test_a_damaged_row_is_named_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(tmp_path, REQUEST, verbosity=0)
    with sqlite3.connect(tmp_path / "cache.db") as rows:
        rows.execute("UPDATE Cache SET value = '{}'")
    rows.close()
    assert ask(tmp_path, REQUEST) == 1
    assert "remembered, and damaged" in capsys.readouterr().err


def test_few_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = [replace(REQUEST, repeat=number) for number in range(1, 2 * MOST)]
    assert ask(tmp_path, *many) == len(many)
    assert capsys.readouterr().err.count("asked:") == MOST
