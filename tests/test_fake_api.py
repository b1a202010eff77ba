"""The fake API itself: its replies against the SDK's types, its checks of requests, its faults."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from jsonschema import Draft202012Validator

from tests.fake_api.faults import BROKEN, LASTING, PASSING, SILENT, SLOW, SPOILT, Fault, Plan, failing
from tests.fake_api.messages import PromptCache, batch_id
from tests.fake_api.server import ApiServer

ASK: dict[str, Any] = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
KEY = {"x-api-key": "sk-any", "anthropic-version": "2023-06-01"}


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(lambda params: f"answer to {params['messages'][-1]['content']}") as server:
        yield server


@pytest.fixture
def client(server: ApiServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key="sk-any", max_retries=0) as client:
        yield client


def post(server: ApiServer, path: str, body: object, headers: dict[str, str] = KEY) -> tuple[int, dict[str, Any]]:
    """Send anything; status and JSON."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request("POST", path, json.dumps(body), headers)
    reply = connection.getresponse()
    status, data = reply.status, json.loads(reply.read())
    connection.close()
    return status, data


def test_a_message_is_one_by_the_sdks_schema(server: ApiServer) -> None:
    status, body = post(server, "/v1/messages", ASK)
    assert status == 200
    assert body["content"][0]["text"] == "answer to Hi"
    Draft202012Validator(anthropic.types.Message.model_json_schema()).validate(body)


def test_a_stream_adds_up_to_the_message(client: anthropic.Anthropic) -> None:
    long = "word " * 500
    with client.messages.stream(**{**ASK, "messages": [{"role": "user", "content": long}]}) as stream:
        message = stream.get_final_message()
    assert isinstance(message.content[0], anthropic.types.TextBlock)
    assert message.content[0].text == f"answer to {long}"
    assert (message.stop_reason, message.usage.output_tokens > 100) == ("end_turn", True)


def test_replies_carry_ids_and_limits(client: anthropic.Anthropic) -> None:
    replies = [client.messages.with_raw_response.create(**ASK) for _ in range(2)]
    assert len({reply.headers["request-id"] for reply in replies}) == 2
    assert replies[0].headers["anthropic-ratelimit-input-tokens-limit"] == "2000000"


WRONG: list[dict[str, Any]] = [
    {"temperature": 0},
    {"seed": 1},
    {"max_tokens": "100"},
    {"model": None},
    {"messages": [{"role": "robot", "content": "Hi"}]},
    {"messages": [{"role": "user", "text": "Hi"}]},
    {"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "2h"}}]},
    {"output_config": {"effort": "huge"}},
    {"output_config": {"format": {"type": "json"}}},
    {"tool_choice": {"type": "any"}, "tools": []},
    {"thinking": {"type": "disabled"}},
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The"}]},
]


@pytest.mark.parametrize("change", WRONG, ids=str)
def test_a_request_against_the_types_is_refused(server: ApiServer, change: dict[str, Any]) -> None:
    status, body = post(server, "/v1/messages", {**ASK, **change})
    assert (status, body["error"]["type"]) == (400, "invalid_request_error")
    assert (server.single, len(server.refused)) == ([], 1)
    line = {"custom_id": "a", "params": {**ASK, **change}}
    assert post(server, "/v1/messages/batches", {"requests": [line]})[0] == 400


@pytest.mark.parametrize(
    "requests",
    [
        [{"custom_id": "a b", "params": ASK}],
        [{"custom_id": "a", "params": ASK}, {"custom_id": "a", "params": ASK}],
        [{"custom_id": "a", "params": {**ASK, "stream": True}}],
        [{"custom_id": "a", "params": {**ASK, "max_tokens": 0}}],
        [{"custom_id": "a" * 65, "params": ASK}],
        [{"params": ASK}],
        "none",
    ],
)
def test_a_batch_against_the_rules_is_refused(server: ApiServer, requests: object) -> None:
    assert post(server, "/v1/messages/batches", {"requests": requests})[0] == 400
    assert server.batches.lines == {}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/v1/messages", {}, 401), ("/v1/messages", {"x-api-key": "k"}, 400), ("/v2/messages", KEY, 404)],
)
def test_key_version_and_route_are_asked_for(
    server: ApiServer, path: str, headers: dict[str, str], status: int
) -> None:
    assert post(server, path, ASK, headers)[0] == status


def test_a_batch_from_its_making_to_its_deletion(server: ApiServer, client: anthropic.Anthropic) -> None:
    lines: Any = [{"custom_id": name, "params": ASK} for name in ("one", "two")]
    made = client.messages.batches.create(requests=lines)
    assert (made.id, made.processing_status, made.request_counts.processing) == (batch_id(1), "in_progress", 2)
    with pytest.raises(anthropic.BadRequestError, match="cancel it first"):
        client.messages.batches.delete(made.id)
    assert client.messages.batches.retrieve(made.id).results_url is None
    ended = client.messages.batches.retrieve(made.id)
    assert (ended.processing_status, ended.request_counts.succeeded) == ("ended", 2)
    results = list(client.messages.batches.results(made.id))
    assert [result.custom_id for result in results] == ["two", "one"]
    assert all(result.result.type == "succeeded" for result in results)
    assert [batch.id for batch in client.messages.batches.list()] == [made.id]
    client.messages.batches.delete(made.id)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(made.id)


def test_a_canceled_batch_ends_canceled(client: anthropic.Anthropic) -> None:
    made = client.messages.batches.create(requests=[{"custom_id": "one", "params": ASK}])  # type: ignore[typeddict-item]  # a plain dict
    assert client.messages.batches.cancel(made.id).processing_status == "canceling"
    for _ in range(2):
        found = client.messages.batches.retrieve(made.id)
    assert (found.processing_status, found.request_counts.canceled) == ("ended", 1)
    assert [one.result.type for one in client.messages.batches.results(made.id)] == ["canceled"]


def test_lists_come_in_pages(server: ApiServer, client: anthropic.Anthropic) -> None:
    for number in range(5):
        server.batches.make([{"custom_id": f"n{number}", "params": ASK}])
    assert [batch.id for batch in client.messages.batches.list(limit=2)] == [batch_id(n) for n in (5, 4, 3, 2, 1)]
    assert client.models.retrieve("claude-opus-5-5").id == "claude-opus-5-5"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-none")


@pytest.mark.parametrize("name", [*PASSING, *LASTING])
def test_errors_are_those_of_the_sdk(server: ApiServer, client: anthropic.Anthropic, name: str) -> None:
    fault = {**PASSING, **LASTING}[name]
    server.faults["messages"] = [fault]
    expected = anthropic.APIConnectionError if fault.dropped else anthropic.APIStatusError
    with pytest.raises(expected) as caught:
        client.messages.create(**ASK)
    if isinstance(caught.value, anthropic.APIStatusError):
        assert caught.value.status_code == fault.status
    assert client.messages.create(**ASK).stop_reason == "end_turn", "the next one is answered"
    assert len(server.single) == 1, "the fault took no answer away"


def test_a_spend_limit_has_its_code(server: ApiServer, client: anthropic.Anthropic) -> None:
    server.faults["messages"] = [LASTING["spend limit of the tier"]]
    with pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.create(**ASK)
    assert caught.value.error_code == "enforced_spend_limit_reached"
    assert "retry-after" not in caught.value.response.headers


@pytest.mark.parametrize("name", list(BROKEN))
def test_no_broken_reply_is_a_message(server: ApiServer, name: str) -> None:
    server.faults["messages"] = [BROKEN[name]]
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request("POST", "/v1/messages", json.dumps(ASK), KEY)
    reply = connection.getresponse()
    assert reply.status == 200
    with pytest.raises((http.client.IncompleteRead, ValueError, AssertionError)):
        assert not list(Draft202012Validator(strict_message()).iter_errors(json.loads(reply.read())))
    connection.close()


def strict_message() -> dict[str, Any]:
    """A whole message also says why it stopped; the SDK's type leaves that open, as streams begin without."""
    schema = anthropic.types.Message.model_json_schema()
    return {**schema, "properties": {**schema["properties"], "stop_reason": {"type": "string"}}}


def test_a_slow_reply_is_right_and_a_silent_one_is_whole(server: ApiServer, client: anthropic.Anthropic) -> None:
    server.faults["messages"] = [SLOW, SILENT]
    assert SPOILT not in client.messages.create(**ASK).model_dump_json()
    assert client.messages.create(**ASK).content == []


def test_a_plan_is_the_same_for_its_seed() -> None:
    def drawn(seed: int) -> list[Fault | None]:
        plan = Plan(0.2, PASSING.values(), seed=seed)
        return [plan.next() for _ in range(500)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 60 < len([one for one in drawn(1) if one]) < 140
    assert not any(Plan(0.0, PASSING.values(), seed=1).next() for _ in range(100))


def test_a_careless_server_repeats_the_key(server: ApiServer, client: anthropic.Anthropic) -> None:
    server.echo = True
    server.faults["messages"] = [failing(401, "authentication_error")]
    with pytest.raises(anthropic.AuthenticationError, match="sk-any") as caught:
        client.messages.create(**ASK)
    assert "sk-any" in caught.value.response.headers["x-echo-authorization"]


def test_the_first_request_of_a_long_prompt_writes_the_prompt_cache() -> None:
    cache = PromptCache()
    marked = {**ASK, "system": [{"type": "text", "text": "x" * 8000, "cache_control": {"type": "ephemeral"}}]}
    first, second = (cache.usage(marked, "text", "standard") for _ in range(2))
    assert (first["cache_creation_input_tokens"], first["cache_read_input_tokens"]) == (2001, 0)
    assert (second["cache_creation_input_tokens"], second["cache_read_input_tokens"]) == (0, 2001)
    assert first["input_tokens"] == 1
    assert cache.usage({**ASK, "system": "x" * 8000}, "text", "standard")["input_tokens"] == 2002
