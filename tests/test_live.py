"""The live provider against a real HTTP server on loopback, and on a clock that jumps."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from evals.capabilities import Capabilities, Capability
from evals.errors import FatalProviderError, Halted, InputError, ProviderError
from evals.exchange import Message, Request, Response, Settings, Usage
from evals.prices import read_prices
from evals.providers.live import LiveProvider
from evals.providers.live_faults import CallFault, Cure
from evals.providers.retry import FEWEST_RETRIES, Patience
from evals.providers.wire import NoText
from evals.spending import Spending
from tests import virtual_time
from tests.live_server import LiveServer, Params, Reply, error, in_turn, message

REQUEST = Request(
    model="claude-sonnet-5-5",
    system="Be safe.",
    messages=(Message(role="user", text="Hello"),),
    settings=Settings(max_tokens=32000),
)
KEY = "sk-canary-0123456789"
SOON = Patience(first=0.0001, longest=0.001)
MESSAGE = message(
    "Hi",
    content=[{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "Hi"}],
    usage={"input_tokens": 7, "output_tokens": 2, "cache_read_input_tokens": 5, "cache_creation_input_tokens": None},
)
GOOD = Reply(200, MESSAGE)

Serve = Callable[..., LiveServer]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    servers: list[LiveServer] = []

    def start(*replies: Reply, by: Callable[[int, Params], Reply] | None = None) -> LiveServer:
        server = LiveServer(by or in_turn(*replies))
        servers.append(server)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        return server

    yield start
    for server in servers:
        server.close()


def ask(*requests: Request, **options: Any) -> list[Response | BaseException]:
    async def call() -> list[Response | BaseException]:
        async with LiveProvider(**{"patience": SOON, **options}) as provider:
            return await asyncio.gather(*map(provider.respond, requests or [REQUEST]), return_exceptions=True)

    return asyncio.run(call())


def ask_one(request: Request = REQUEST, **options: Any) -> Response:
    (found,) = ask(request, **options)
    if isinstance(found, BaseException):
        raise found
    return found


def numbered(count: int, system: str = "Be safe.") -> list[Request]:
    return [
        Request(
            model="claude-sonnet-5-5",
            system=system,
            messages=(Message(role="user", text=f"question {n}"),),
            settings=Settings(max_tokens=100),
            repeat=n,
        )
        for n in range(count)
    ]


def test_an_answer_with_its_provenance(serve: Serve) -> None:
    server = serve(GOOD)
    response = ask_one()
    assert (response.text, response.model, response.stop_reason) == ("Hi", "claude-sonnet-5-5-x", "end_turn")
    assert response.usage == Usage(input_tokens=7, output_tokens=2, cache_read_input_tokens=5)
    assert (response.provenance.kind, response.provenance.request_id) == ("api", "req_9")
    sent = server.seen[0][1]
    assert sent["system"] == [{"type": "text", "text": "Be safe.", "cache_control": {"type": "ephemeral"}}]
    assert sent["messages"] == [{"role": "user", "content": "Hello"}]
    assert not {"temperature", "tool_choice", "tools", "seed"} & set(sent)


def test_it_goes_over_aiohttp_by_one_client(serve: Serve) -> None:
    server = serve(GOOD)

    async def call() -> None:
        from anthropic import DefaultAioHttpClient

        async with LiveProvider() as provider:
            assert isinstance(provider._client._client, DefaultAioHttpClient)
            for request in numbered(3):
                await provider.respond(request)

    asyncio.run(call())
    assert len(server.seen) == 3


def test_a_judge_request_asks_for_its_schema(serve: Serve) -> None:
    server = serve(GOOD)
    ask_one(Request(model="m", messages=REQUEST.messages, settings=Settings(max_tokens=10, schema='{"type":"object"}')))
    assert server.seen[0][1]["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert "system" not in server.seen[0][1]


def questions(answer: str, count: int) -> list[Request]:
    """A judge's questions about one answer."""
    fenced = f"=== ANSWER 0123456789abcdef BEGINS ===\n{answer}\n=== ANSWER 0123456789abcdef ENDS ==="
    return [
        Request(
            model="claude-opus-5-5",
            system="You judge.",
            messages=(Message(role="user", text=f"{fenced}\n\nSTATEMENT: It is {n}."),),
            settings=Settings(max_tokens=100, schema="{}"),
        )
        for n in range(count)
    ]


def test_what_all_questions_about_an_answer_share_is_marked_for_the_prompt_cache(serve: Serve) -> None:
    server = serve(GOOD)
    (question,) = questions("My answer", 1)
    ask_one(question)
    first, second = server.seen[0][1]["messages"][0]["content"]
    assert first["text"].endswith("ENDS ===")
    assert (first["cache_control"], second.get("cache_control")) == ({"type": "ephemeral"}, None)
    assert first["text"] + second["text"] == question.messages[0].text, "not a letter of it changes"


def test_a_persona_is_asked_in_one_piece_whatever_the_case_says(serve: Serve) -> None:
    server = serve(GOOD)
    text = questions("hostile", 1)[0].messages[0].text
    ask_one(Request(model="m", messages=(Message(role="user", text=text),), settings=Settings(max_tokens=10)))
    assert server.seen[0][1]["messages"][0]["content"] == text


@pytest.mark.parametrize("reason", ["refusal", "max_tokens", "model_context_window_exceeded"])
def test_refused_and_cut_replies_are_answers(serve: Serve, reason: str) -> None:
    serve(Reply(200, message(stop_reason=reason, content=[])))
    response = ask_one()
    assert (response.text, response.stop_reason) == ("", reason)


BROKEN = {
    "torn JSON": Reply(200, b'{"id": "msg_1", '),
    "nothing": Reply(200, b""),
    "null": Reply(200, b"null"),
    "a list": Reply(200, []),
    "HTML": Reply(200, b"<html>proxy</html>", kind="text/html"),
    "text instead of content": Reply(200, {"id": "x", "content": "a string"}),
    "an error with status 200": Reply(200, error("api_error", "oops")),
    "no usage": Reply(200, message(usage=None)),
    "half a usage": Reply(200, message(usage={"input_tokens": 5})),
    "usage in words": Reply(200, message(usage={"input_tokens": "five", "output_tokens": 1})),
    "negative usage": Reply(200, message(usage={"input_tokens": -5, "output_tokens": 1})),
    "no stop reason": Reply(200, message(stop_reason=None)),
    "a stop reason that is none": Reply(200, message(stop_reason={"a": 1})),
    "blocks that are none": Reply(200, message(content=["Hi"])),
    "a block without text": Reply(200, message(content=[{"type": "text", "text": None}])),
    "a cut body": Reply(200, message("Hello world"), cut=30),
    "no body at all": Reply(200, message("Hello world"), cut=0),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_replies_are_errors_never_answers(serve: Serve, name: str) -> None:
    server = serve(BROKEN[name])
    with pytest.raises(ProviderError) as caught:
        ask_one(retries=2)
    assert not isinstance(caught.value, FatalProviderError)
    assert str(caught.value).endswith("asked 3 times")
    assert len(server.seen) == 3


@pytest.mark.parametrize("name", BROKEN)
def test_after_a_broken_reply_it_is_asked_again_and_what_was_lost_is_counted(serve: Serve, name: str) -> None:
    serve(BROKEN[name], GOOD)
    purse = Spending(read_prices(), "2026-11-28")
    assert ask_one(spending=purse).text == "Hi"
    assert (purse.replies, purse.lost) == (1, purse.bound(REQUEST))


def test_a_reply_without_text_is_paid_and_not_asked_again(serve: Serve) -> None:
    server = serve(Reply(200, message(content=[])))
    purse = Spending(read_prices(), "2026-11-28")
    with pytest.raises(NoText, match="holds no text"):
        ask_one(spending=purse)
    assert (len(server.seen), purse.replies, purse.lost) == (1, 1, 0.0)
    assert purse.paid == pytest.approx((1000 * 2 + 100 * 10) / 1e6)


FATAL = {
    "bad key": (Reply(401, error("authentication_error", "invalid x-api-key")), "does not accept the key"),
    "no permission": (Reply(403, error("permission_error", "not yours")), "no permission"),
    "unknown model": (Reply(404, error("not_found_error", "model: claude-sonet")), "knows no such model"),
    "spend limit of the tier": (
        Reply(429, error("rate_limit_error", "wait", details={"error_code": "enforced_spend_limit_reached"})),
        "spend limit is reached",
    ),
    "own spend limit": (
        Reply(
            400, error("invalid_request_error", "You have reached your specified workspace API usage limits. Until…")
        ),
        "spend limit is reached",
    ),
    "own spend limit of the organisation": (
        Reply(400, error("invalid_request_error", "You have reached your specified API usage limits.")),
        "spend limit is reached",
    ),
    "no credit": (Reply(400, error("invalid_request_error", "Your credit balance is too low to")), "credit used up"),
    "no bill paid": (Reply(402, error("billing_error", "pay")), "spend limit is reached"),
    "invalid from the first request on": (Reply(400, error("invalid_request_error", "no such thing")), "no such thing"),
    "a redirect": (Reply(307, b"", {"location": "https://elsewhere.example/v1/messages"}), "set the final address"),
}


@pytest.mark.parametrize("name", FATAL)
def test_what_every_request_would_meet_ends_the_run_at_once(serve: Serve, name: str) -> None:
    reply, words = FATAL[name]
    server = serve(reply)
    with pytest.raises(FatalProviderError, match=words) as caught:
        ask_one()
    assert len(server.seen) == 1
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, error("invalid_request_error", "prompt is too long: 300000 tokens > 200000 maximum")),
        Reply(400, error("invalid_request_error", "Output blocked by content filtering policy")),
        Reply(413, error("request_too_large", "Request exceeds the maximum size")),
        Reply(413, b"<html>too big</html>", kind="text/html"),
        Reply(529, error("overloaded_error", "busy"), {"x-should-retry": "false"}),
    ],
)
def test_what_is_about_one_request_leaves_the_others_alone(serve: Serve, reply: Reply) -> None:
    server = serve(reply)
    with pytest.raises(ProviderError) as caught:
        ask_one()
    assert not isinstance(caught.value, FatalProviderError)
    assert len(server.seen) == 1


def test_a_request_refused_as_invalid_after_others_were_answered_is_left(serve: Serve) -> None:
    serve(by=lambda n, body: Reply(400, error("invalid_request_error", "odd")) if n == 2 else GOOD)

    async def call() -> list[str]:
        found = []
        async with LiveProvider(patience=SOON) as provider:
            for request in numbered(5):
                try:
                    found.append((await provider.respond(request)).text)
                except ProviderError as wrong:
                    found.append(type(wrong).__name__)
        return found

    assert asyncio.run(call()) == ["Hi", "Hi", "ProviderError", "Hi", "Hi"]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_passing_faults_are_retried(serve: Serve, status: int) -> None:
    server = serve(Reply(status, error("overloaded_error", "busy")), Reply(status, b"<html>", kind="text/html"), GOOD)
    assert ask_one().text == "Hi"
    assert len(server.seen) == 3


def test_the_api_may_ask_for_a_retry_of_anything(serve: Serve) -> None:
    server = serve(Reply(400, error("invalid_request_error", "odd"), {"x-should-retry": "true"}), GOOD)
    assert ask_one().text == "Hi"
    assert len(server.seen) == 2


def test_lasting_faults_end_as_provider_errors(serve: Serve) -> None:
    server = serve(Reply(529, error("overloaded_error", "busy")))
    with pytest.raises(ProviderError, match=r"busy.*asked 3 times"):
        ask_one(retries=2)
    assert len(server.seen) == 3


def test_a_reply_that_never_comes_is_given_up_and_asked_again(serve: Serve) -> None:
    server = serve(Reply(hang=True), GOOD)
    assert ask_one(deadline=0.05).text == "Hi"
    assert len(server.seen) == 2


def test_a_service_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    purse = Spending(read_prices(), "2026-11-28")
    with pytest.raises(ProviderError, match=r"no connection .*asked 3 times"):
        ask_one(retries=2, spending=purse)
    assert purse.lost == 0.0, "what was never sent is not billed"


def test_a_fifth_of_all_replies_faulty_and_every_request_answered_right(serve: Serve) -> None:
    faults = [
        *BROKEN.values(),
        *(Reply(status, error("api_error", "x")) for status in (408, 429, 500, 529)),
        Reply(hang=True),
    ]

    def reply(number: int, body: Params) -> Reply:
        if number % 5 == 2:
            return faults[number // 5 % len(faults)]
        return Reply(200, message(f"answer to {body['messages'][0]['content']}"))

    server = serve(by=reply)
    wanted = numbered(200)
    found = ask(*wanted, jobs=40, deadline=2.0)
    assert [one.text if isinstance(one, Response) else one for one in found] == [
        f"answer to question {n}" for n in range(200)
    ]
    asked = Counter(body["messages"][0]["content"] for _, body in server.seen)
    failed = sum(1 for number in range(len(server.seen)) if number % 5 == 2)
    assert sum(asked.values()) == 200 + failed, "as many requests as answers and faults"


def test_a_model_that_cannot_do_what_is_asked_is_not_asked(serve: Serve) -> None:
    server = serve(GOOD)
    table = Capabilities(as_of="2026-11-23", rows=(Capability(model="old", structured_output=False),))
    request = Request(model="old", messages=REQUEST.messages, settings=Settings(max_tokens=10, schema="{}"))
    with pytest.raises(FatalProviderError, match=r"old does not take a schema for its reply .*models\.json"):
        ask_one(request, capabilities=table)
    assert server.seen == []


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "schlüssel", "tab\tkey"])
def test_a_key_that_cannot_be_one_is_named_before_any_call(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    with pytest.raises(InputError, match="needs a key in ANTHROPIC_API_KEY") as caught:
        LiveProvider()
    assert not key.strip() or key not in str(caught.value)


def test_what_others_wrote_is_one_short_line(serve: Serve) -> None:
    serve(Reply(404, error("not_found_error", "no\n\nmodel\n" + "x" * 5000)))
    with pytest.raises(FatalProviderError) as caught:
        ask_one()
    assert "no model xxx" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


HOSTILE = {
    "in a refusal": Reply(401, error("authentication_error", f"invalid key {KEY}")),
    "in a fault": Reply(500, error("api_error", f"key {KEY}")),
    "in a broken body": Reply(200, f"<html>{KEY}</html>".encode(), kind="text/html"),
    "in torn JSON": Reply(200, f'{{"{KEY}": '.encode()),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_key_is_in_no_error_trace_or_log(serve: Serve, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = serve(HOSTILE[name])
    with pytest.raises(ProviderError) as caught:
        ask_one(retries=1)
    assert KEY in server.seen[0][0]["authorization"], "it was sent"
    shown = "".join(traceback.format_exception(caught.value)) + str(caught.value) + repr(caught.value)
    assert KEY not in shown
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("evals", "anthropic"))]
    assert not [line for line in ours if KEY in line]


def test_an_answer_that_echoes_the_key_is_kept_without_it(serve: Serve) -> None:
    serve(Reply(200, message(f"your key is {KEY}", model=f"m-{KEY}"), {"request-id": KEY}))
    response = ask_one()
    assert KEY not in repr(response)
    assert response.text == "your key is [secret]"


def test_the_provider_shows_no_secret(serve: Serve) -> None:
    serve(GOOD)

    async def call() -> str:
        async with LiveProvider() as provider:
            return repr(vars(provider)) + repr(provider.endpoint) + repr(provider._client)

    assert KEY not in asyncio.run(call())


class InMemory(LiveProvider):
    """The provider with the network taken out: what is sent waits ten seconds on the clock that jumps."""

    script: Callable[[int], CallFault | None]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sent: list[tuple[float, str]] = []
        self.under_way = self.most_at_once = 0
        self.script = lambda _: None

    async def _send(self, params: dict[str, Any]) -> tuple[Response, Any]:
        fault = self.script(len(self.sent))
        self.sent.append((virtual_time.now(), params["system"][0]["text"][:1]))
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        await asyncio.sleep(10)
        self.under_way -= 1
        if fault:
            raise fault
        from evals.exchange import Provenance

        usage = Usage(input_tokens=100, output_tokens=100)
        return Response(
            text="Hi", provenance=Provenance(kind="api"), model="m", stop_reason="end_turn", usage=usage
        ), {}


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def answer_all(provider: InMemory, requests: list[Request]) -> list[Response | BaseException]:
    async def main() -> list[Response | BaseException]:
        return await asyncio.gather(*map(provider.respond, requests), return_exceptions=True)

    return virtual_time.run(main())


@pytest.mark.usefixtures("key")
def test_the_first_request_of_a_long_persona_goes_alone() -> None:
    provider = InMemory()
    answer_all(provider, [*numbered(4, system="a" * 8000), *numbered(4, system="b" * 8000)])
    assert sorted(provider.sent) == [(at, who) for at, who in sorted([(0, "a"), (0, "b"), *[(10, "a"), (10, "b")] * 3])]


@pytest.mark.usefixtures("key")
def test_the_first_question_about_a_long_answer_goes_alone() -> None:
    provider = InMemory()
    answer_all(provider, [*questions("a" * 8000, 3), *questions("b" * 8000, 3)])
    assert sorted(at for at, _ in provider.sent) == [0, 0, 10, 10, 10, 10]


@pytest.mark.usefixtures("key")
def test_a_persona_too_short_for_the_prompt_cache_needs_no_waiting() -> None:
    provider = InMemory()
    answer_all(provider, numbered(4))
    assert [at for at, _ in provider.sent] == [0, 0, 0, 0]


@pytest.mark.usefixtures("key")
def test_no_more_than_the_ceiling_is_under_way() -> None:
    provider = InMemory(jobs=3)
    answer_all(provider, numbered(10))
    assert provider.most_at_once == 3


@pytest.mark.usefixtures("key")
def test_while_the_api_says_wait_nobody_asks() -> None:
    provider = InMemory(jobs=4)
    refusal = CallFault("too fast", Cure.WAIT, {}, wait=170.0, too_fast=True)
    provider.script = lambda number: refusal if number == 0 else None
    found = answer_all(provider, numbered(12))
    assert all(isinstance(one, Response) for one in found)
    assert not [at for at, _ in provider.sent if 10 < at < 180]


@pytest.mark.usefixtures("key")
def test_a_dead_service_is_left_alone_after_a_while() -> None:
    async def until_halted() -> None:
        async with asyncio.TaskGroup() as group:
            for request in numbered(2000):
                group.create_task(fresh.respond(request))

    fresh = InMemory(jobs=50)
    fresh.script = lambda _: CallFault("busy", Cure.WAIT)
    with pytest.raises(ExceptionGroup) as caught:
        virtual_time.run(until_halted())
    assert isinstance(caught.value.exceptions[0], Halted)
    assert len(fresh.sent) <= 2000 + 50 * 10 + FEWEST_RETRIES + 2000


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("dollars", [0.0021, 0.01, 0.05])
def test_the_run_stops_before_the_limit_and_keeps_what_was_paid(dollars: float) -> None:
    purse = Spending(read_prices(), "2026-11-28", limit=dollars)
    provider = InMemory(spending=purse, jobs=20)
    requests = numbered(60)
    found = answer_all(provider, requests)
    answered = [one for one in found if isinstance(one, Response)]
    halted = [one for one in found if isinstance(one, Halted)]
    each = (100 * 2 + 100 * 10) / 1e6
    assert len(answered) + len(halted) == 60
    assert purse.paid == pytest.approx(len(answered) * each)
    assert purse.paid <= dollars
    assert purse.paid + (purse.bound(requests[0]) or 0) > dollars - each, "it stops late, not early"
