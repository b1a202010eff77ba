"""Message Batches as a provider, against a real HTTP server on loopback."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.errors import FatalProviderError, InputError, ProviderError
from evals.exchange import Gatherer, Message, Request, Response, Settings
from evals.prices import read_prices
from evals.providers.batch import BatchProvider, Pace
from evals.providers.batch_api import BatchApi
from evals.providers.batch_ledger import Ledger
from evals.providers.cached import Cache
from evals.providers.live import LiveProvider
from evals.providers.retry import LONGEST_WAIT, named_wait
from evals.usage import spent
from tests.batch_server import BatchServer, error

KEY = "sk-canary-0123456789"
SOON = {"retry-after": "0.01"}


def requests(count: int, **more: object) -> list[Request]:
    given: dict[str, Any] = {"model": "claude-sonnet-5-5", "system": "Be safe.", **more}
    return [
        Request(
            messages=(Message(role="user", text=f"question {n}"),), settings=Settings(max_tokens=100), repeat=n, **given
        )
        for n in range(1, count + 1)
    ]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BatchServer]:
    server = BatchServer(lambda params: f"answer to {params['messages'][0]['content']}")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    yield server
    server.close()


Go = Callable[..., list[Response | ProviderError]]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def go(tmp_path: Path, said: list[str]) -> Go:
    """Gather and answer, as a run does, from a fresh start each time."""

    async def answers(wanted: list[Request], limits: dict[str, Any]) -> list[Response | ProviderError]:
        ledger = Ledger(tmp_path / "batches")
        cache = Cache(tmp_path / "cache")
        try:
            async with LiveProvider(retries=0) as live, BatchApi(pause=0.001) as api:
                pace = Pace(first=0.001, longest=0.01)
                provider = BatchProvider(live, api, cache, ledger, say=said.append, pace=pace, **limits)
                assert isinstance(provider, Gatherer)
                await provider.gather(wanted)
                found = await asyncio.gather(*map(provider.respond, wanted), return_exceptions=True)
                return [one if isinstance(one, Response | ProviderError) else _unexpected(one) for one in found]
        finally:
            cache.close()
            ledger.close()

    return lambda wanted, **limits: asyncio.run(answers(wanted, limits))


def _unexpected(one: BaseException) -> ProviderError:
    raise one


def texts(found: list[Response | ProviderError]) -> list[str]:
    return [one.text if isinstance(one, Response) else f"failed: {one}" for one in found]


def right(count: int) -> list[str]:
    return [f"answer to question {n}" for n in range(1, count + 1)]


def files(folder: Path) -> list[Path]:
    return sorted((folder / "batches").glob("*.json"))


def test_one_is_asked_alone_and_the_rest_together_in_any_order(server: BatchServer, go: Go, tmp_path: Path) -> None:
    wanted = requests(5)
    found = go(wanted)
    assert texts(found) == right(5)
    assert [len(lines) for lines in server.batches.values()] == [4]
    assert len(server.single) == 1
    assert {line["custom_id"] for line in server.batches["msgbatch_1"]} == {r.digest for r in wanted[1:]}
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", key) for key in server.asked())
    params = server.batches["msgbatch_1"][0]["params"]
    assert params["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert files(tmp_path) == [], "a batch that is kept whole is forgotten"


def test_the_same_again_asks_nothing(server: BatchServer, go: Go) -> None:
    go(requests(3))
    calls = len(server.calls)
    assert texts(go(requests(3))) == right(3)
    assert len(server.calls) == calls


def test_answers_of_a_batch_cost_half(server: BatchServer, go: Go) -> None:
    found = [one for one in go(requests(3)) if isinstance(one, Response)]
    table = read_prices()
    whole, half = (spent(part, table, "2026-11-23") for part in (found[:1], found[1:2]))
    both = spent(found, table, "2026-11-23")
    assert whole is not None
    assert half is not None
    assert both is not None
    assert whole.cost_usd
    assert half.cost_usd == pytest.approx(whole.cost_usd * table.batch_factor)
    assert (whole.batch_answers, both.batch_answers) == (0, 2)
    assert both.cost_usd == pytest.approx(whole.cost_usd * (1 + 2 * table.batch_factor))


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [({"most_requests": 2}, [2, 2, 2]), ({"most_bytes": 1200}, None), ({"most_bytes": 1}, [1] * 6)],
)
def test_what_does_not_fit_is_split(
    server: BatchServer, go: Go, limits: dict[str, int], sizes: list[int] | None
) -> None:
    assert texts(go(requests(7), **limits)) == right(7)
    lengths = [len(lines) for lines in server.batches.values()]
    if sizes is not None:
        assert lengths == sizes
    else:
        assert len(lengths) > 1
        assert all(len(json.dumps(lines)) <= 1200 + 2 for lines in server.batches.values())
    assert set(server.asked().values()) == {1}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (400, "invalid_request_error"),
    ],
)
def test_what_every_request_would_meet_stops_before_a_batch(
    server: BatchServer, go: Go, status: int, kind: str, tmp_path: Path
) -> None:
    server.faults["messages"] = [(status, kind, {})]
    with pytest.raises(FatalProviderError, match="as planned") as caught:
        go(requests(3))
    assert (server.calls, files(tmp_path)) == (["messages"], [])
    assert KEY not in str(caught.value)


def test_a_probe_that_fails_by_chance_is_followed_by_another(server: BatchServer, go: Go) -> None:
    server.faults["messages"] = [(529, "overloaded_error", {})]
    assert texts(go(requests(4))) == right(4)
    server.faults["messages"] = [(529, "overloaded_error", {})] * 3
    with pytest.raises(ProviderError, match="no batch was made"):
        go(requests(4, model="other"))
    assert len(server.batches) == 1


@pytest.mark.parametrize("kind", ["expired", "canceled", "errored"])
def test_what_can_help_is_submitted_again_a_bounded_number_of_times(
    server: BatchServer, go: Go, kind: str, tmp_path: Path
) -> None:
    wanted = requests(4)
    result: dict[str, Any] = {"type": kind} | ({"error": error("api_error", "oops")} if kind == "errored" else {})

    def outcomes(key: str, _: object, times: int) -> dict[str, Any] | None:
        return result if key == wanted[3].digest or (key == wanted[2].digest and times == 1) else None

    server.outcomes = outcomes
    found = go(wanted)
    assert texts(found)[:3] == right(3)
    assert isinstance(found[3], ProviderError)
    assert (kind if kind != "errored" else "oops") in str(found[3])
    assert [server.asked()[r.digest] for r in wanted] == [0, 1, 2, 3]
    assert files(tmp_path) == []


def test_a_refused_request_is_an_error_of_its_own_and_not_asked_again(server: BatchServer, go: Go) -> None:
    wanted = requests(3)
    refused = {"type": "errored", "error": error("invalid_request_error", "max_tokens: too many")}
    server.outcomes = lambda key, *_: refused if key == wanted[1].digest else None
    found = go(wanted)
    assert texts(found) == [
        right(1)[0],
        "failed: the API refuses the request (invalid_request_error): max_tokens: too many",
        right(3)[2],
    ]
    assert server.asked()[wanted[1].digest] == 1


@pytest.mark.parametrize(
    "result",
    [
        {"type": "succeeded", "message": None},
        {"type": "succeeded", "message": {"id": "m", "content": "text"}},
        {"type": "succeeded", "message": {"id": "m", "content": ["text"], "usage": {}, "stop_reason": "end_turn"}},
        {"type": "won"},
        {},
        None,
        {"type": "errored"},
    ],
)
def test_no_broken_result_becomes_an_answer(server: BatchServer, go: Go, result: Any) -> None:
    wanted = requests(3)
    row = server._row
    server._row = lambda line, number: (  # type: ignore[method-assign]
        {"custom_id": line["custom_id"], "result": result}
        if line["custom_id"] == wanted[1].digest
        else row(line, number)
    )
    found = go(wanted)
    assert isinstance(found[1], ProviderError)
    assert texts([found[0], found[2]]) == [right(3)[0], right(3)[2]]


def test_strangers_and_second_results_are_left(server: BatchServer, go: Go) -> None:
    results = server._results
    extra = {"custom_id": "f" * 64, "params": {"model": "m", "messages": [{"content": "stranger"}]}}

    def with_strangers(handler: Any, name: str) -> None:
        server.batches[name] = [extra, *server.batches[name], server.batches[name][0]]
        results(handler, name)

    server._results = with_strangers  # type: ignore[method-assign]
    assert texts(go(requests(3))) == right(3)


@pytest.mark.parametrize("step", ["create", "retrieve", "results"])
@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limit_error"), (529, "overloaded_error")])
def test_passing_faults_are_waited_for(server: BatchServer, go: Go, step: str, status: int, kind: str) -> None:
    server.faults[step] = [(status, kind, SOON)] * 3
    assert texts(go(requests(3))) == right(3)
    assert set(server.asked().values()) == {1}


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "86400"}, LONGEST_WAIT),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "Fri, 01 Jan 2099 00:00:00 GMT"}, LONGEST_WAIT),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_the_api_says_how_long_to_wait_within_reason(headers: dict[str, str], wait: float | None) -> None:
    assert named_wait(headers) == wait


def test_a_batch_is_looked_at_more_and_more_rarely() -> None:
    waits = Pace(first=5, growth=2, longest=30).waits()
    assert [next(waits) for _ in range(5)] == [5, 10, 20, 30, 30]


def test_after_an_unclear_fault_a_batch_is_not_simply_made_again(server: BatchServer, go: Go, said: list[str]) -> None:
    server.faults["create"] = [(500, "api_error", {})]
    with pytest.raises(ProviderError, match="whether the API made the batch is not known"):
        go(requests(3))
    assert server.calls.count("create") == 1
    assert texts(go(requests(3))) == right(3)
    assert any("stopped while it made a batch of 2 requests" in line for line in said)


@pytest.mark.parametrize("clean", [False, True])
def test_results_that_break_off_are_read_again(server: BatchServer, go: Go, clean: bool) -> None:
    server.cut, server.clean_cut = [1, 2, 0], clean
    assert texts(go(requests(5))) == right(5)
    assert (server.calls.count("results"), set(server.asked().values())) == (4, {1})


def test_a_batch_that_the_api_keeps_refusing_leaves_nothing_behind(
    server: BatchServer, go: Go, tmp_path: Path, said: list[str]
) -> None:
    server.faults["create"] = [(429, "rate_limit_error", SOON)] * 10
    with pytest.raises(ProviderError, match="failed 10 times"):
        go(requests(3))
    assert (server.batches, files(tmp_path), said) == ({}, [], [])
    server.faults["create"] = [(403, "permission_error", {})]
    with pytest.raises(FatalProviderError, match="refuses the batch"):
        go(requests(3))
    assert files(tmp_path) == []


def test_the_id_and_what_the_batch_holds_are_on_disk_before_it_is_looked_at(
    server: BatchServer, go: Go, tmp_path: Path
) -> None:
    kept: list[dict[str, Any]] = []
    server.hooks["retrieve"] = [lambda: kept.extend(json.loads(p.read_text()) for p in files(tmp_path))]
    wanted = requests(4)
    go(wanted)
    assert [(one["batch"], one["digests"]) for one in kept] == [("msgbatch_1", [r.digest for r in wanted[1:]])]


def test_results_that_never_come_whole_end_the_run_and_what_came_is_kept(
    server: BatchServer, go: Go, tmp_path: Path
) -> None:
    server.cut = [2] * 5
    with pytest.raises(ProviderError, match="cannot be read whole"):
        go(requests(5))
    assert len(files(tmp_path)) == 1
    assert texts(go(requests(5))) == right(5)
    assert set(server.asked().values()) == {1}


def test_a_smaller_run_leaves_what_it_did_not_want_on_record(server: BatchServer, go: Go, tmp_path: Path) -> None:
    server.cut = [0] * 5
    with pytest.raises(ProviderError, match="cannot be read whole"):
        go(requests(5))
    assert texts(go(requests(3))) == right(3)
    assert len(files(tmp_path)) == 1, "two paid answers wait"
    assert texts(go(requests(5))) == right(5)
    assert (set(server.asked().values()), files(tmp_path)) == ({1}, [])


def test_a_batch_that_the_api_no_longer_has_is_named(server: BatchServer, go: Go) -> None:
    server.archived = True
    with pytest.raises(InputError, match="no longer has batch msgbatch_1"):
        go(requests(3))


def test_a_batch_made_elsewhere_is_not_looked_for_here(
    server: BatchServer, go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.cut = [0] * 5
    with pytest.raises(ProviderError):
        go(requests(3))
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url.replace("127.0.0.1", "localhost"))
    with pytest.raises(InputError, match="another address"):
        go(requests(3))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"batch": "../x", "endpoint": "e", "digests": []}', '{"batch": null}']
)
def test_a_damaged_record_stops_the_run(server: BatchServer, go: Go, tmp_path: Path, text: str) -> None:
    (tmp_path / "batches").mkdir()
    (tmp_path / "batches" / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="not the record of a batch"):
        go(requests(2))
    assert server.calls == []


def test_a_second_run_is_refused_while_the_first_is_there(tmp_path: Path) -> None:
    first = Ledger(tmp_path)
    with pytest.raises(InputError, match="another run with batches"):
        Ledger(tmp_path)
    first.close()
    Ledger(tmp_path).close()


def test_the_key_is_in_no_file(server: BatchServer, go: Go, tmp_path: Path, said: list[str]) -> None:
    server.cut = [1] * 5
    with pytest.raises(ProviderError):
        go(requests(4))
    assert any(KEY in key for key in server.keys), "it was sent"
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 2
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in " ".join(said)
