"""The cache remembers responses, and treats rows that it did not write as absent."""

from __future__ import annotations

import asyncio
import json
import pickle
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import diskcache
import pytest

from evals.errors import InputError, ProviderError
from evals.exchange import Message, Provenance, Request, Response, Settings, Usage
from evals.providers.cached import Cache, CachedProvider
from evals.providers.scripted import ScriptedProvider

REQUEST = Request(model="m", system="s", messages=(Message(role="user", text="u"),), settings=Settings(max_tokens=5))
RESPONSE = Response(
    text="hello",
    model="m-1",
    stop_reason="max_tokens",
    usage=Usage(input_tokens=3, output_tokens=4),
    provenance=Provenance(kind="api", request_id="req_1"),
)


class Boom:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.path, "pwned")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = Cache(tmp_path / "cache")
    yield cache
    cache.close()


def database(tmp_path: Path) -> sqlite3.Connection:
    return sqlite3.connect(tmp_path / "cache" / "cache.db")


def test_what_is_put_is_got(cache: Cache) -> None:
    cache.put(REQUEST, RESPONSE)
    assert cache.get(REQUEST) == RESPONSE
    assert cache.get(replace(REQUEST, repeat=2)) is None


def test_a_long_answer_goes_to_a_file_and_comes_back(cache: Cache) -> None:
    long = replace(RESPONSE, text="ä" * 200_000)
    cache.put(REQUEST, long)
    assert cache.get(REQUEST) == long


def test_it_survives_closing(tmp_path: Path) -> None:
    first = Cache(tmp_path / "c")
    first.put(REQUEST, RESPONSE)
    first.close()
    second = Cache(tmp_path / "c")
    assert second.get(REQUEST) == RESPONSE
    second.close()


def test_the_provider_behind_is_asked_once(cache: Cache) -> None:
    behind = ScriptedProvider(lambda request: request.model)
    provider = CachedProvider(behind, cache)
    for _ in range(3):
        assert asyncio.run(provider.respond(REQUEST)).text == "m"
    assert len(behind.requests) == 1


def test_errors_are_not_remembered(cache: Cache) -> None:
    def fail(request: Request) -> str:
        raise ProviderError("overloaded")

    for _ in range(2):
        with pytest.raises(ProviderError):
            asyncio.run(CachedProvider(ScriptedProvider(fail), cache).respond(REQUEST))
    assert len(cache) == 0


def test_a_pickled_value_is_never_unpickled(cache: Cache, tmp_path: Path) -> None:
    cache.put(REQUEST, RESPONSE)
    with database(tmp_path) as rows:
        rows.execute(
            "UPDATE Cache SET mode = ?, value = ?", (diskcache.core.MODE_PICKLE, pickle.dumps(Boom(tmp_path / "pwned")))
        )
    assert cache.get(REQUEST) is None
    assert not (tmp_path / "pwned").exists()


def test_a_pickled_key_is_never_unpickled(cache: Cache, tmp_path: Path) -> None:
    cache.put(REQUEST, RESPONSE)
    with database(tmp_path) as rows:
        rows.execute("UPDATE Cache SET raw = 0, key = ?", (pickle.dumps(Boom(tmp_path / "pwned")),))
    assert cache.get(REQUEST) is None
    cache.clear()
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["../../outside.txt", "OUTSIDE", "ab/cd/../../../../outside.txt"])
def test_a_row_cannot_read_or_delete_a_file_outside(cache: Cache, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("precious", encoding="utf-8")
    named = str(outside) if name == "OUTSIDE" else name
    cache.put(REQUEST, RESPONSE)
    with database(tmp_path) as rows:
        rows.execute("UPDATE Cache SET mode = ?, filename = ?, value = NULL", (diskcache.core.MODE_TEXT, named))
    assert cache.get(REQUEST) is None
    cache.clear()
    assert outside.read_text(encoding="utf-8") == "precious"


def test_a_row_with_another_answer_is_refused(cache: Cache, tmp_path: Path) -> None:
    cache.put(REQUEST, RESPONSE)
    with database(tmp_path) as rows:
        (text,) = rows.execute("SELECT value FROM Cache").fetchone()
        rows.execute("UPDATE Cache SET value = ?", (text.replace("hello", "jello"),))
    assert cache.get(REQUEST) is None


def test_a_row_moved_to_another_key_is_refused(cache: Cache, tmp_path: Path) -> None:
    other = replace(REQUEST, repeat=2)
    cache.put(REQUEST, RESPONSE)
    with database(tmp_path) as rows:
        rows.execute("UPDATE Cache SET key = ?", (other.digest,))
    assert cache.get(other) is None


def test_torn_json_counts_as_absent(cache: Cache, tmp_path: Path) -> None:
    cache.put(REQUEST, RESPONSE)
    with database(tmp_path) as rows:
        rows.execute("UPDATE Cache SET value = ?", (json.dumps({"recording": 1})[:-3],))
    assert cache.get(REQUEST) is None


def test_a_folder_that_is_no_cache_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "cache.db").write_bytes(b"not a database" * 100)
    with pytest.raises(InputError, match="is damaged"):
        Cache(tmp_path / "cache")


def test_nothing_is_evicted(cache: Cache) -> None:
    for repeat in range(1, 60):
        cache.put(replace(REQUEST, repeat=repeat), replace(RESPONSE, text="x" * 50_000))
    assert len(cache) == 59
