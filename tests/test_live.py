"""The live provider against a real HTTP server on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from evals.errors import FatalProviderError, InputError, ProviderError
from evals.exchange import Message, Request, Response, Settings, Usage
from evals.providers.live import LiveProvider

REQUEST = Request(
    model="claude-sonnet-5-5",
    system="Be safe.",
    messages=(Message(role="user", text="Hello"),),
    settings=Settings(max_tokens=32000),
)
KEY = "sk-canary-0123456789"

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5-5-x",
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "Hi"}],
    "usage": {"input_tokens": 7, "output_tokens": 2, "cache_read_input_tokens": 5, "cache_creation_input_tokens": None},
}


class Server:
    """Answers each POST with the next reply; keeps what it was sent."""

    def __init__(self, *replies: tuple[int, bytes, str]) -> None:
        self.replies = list(replies)
        self.seen: list[tuple[dict[str, str], Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.seen.append(({k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
                status, reply, kind = outer.replies.pop(0) if len(outer.replies) > 1 else outer.replies[0]
                self.send_response(status)
                for name, value in (
                    ("content-type", kind),
                    ("content-length", str(len(reply))),
                    ("request-id", "req_9"),
                    ("retry-after-ms", "1"),
                ):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*replies: object, status: int = 200, kind: str = "application/json") -> Server:
        encoded = [
            r if isinstance(r, tuple) else (status, r if isinstance(r, bytes) else json.dumps(r).encode(), kind)
            for r in replies
        ]
        server = Server(*encoded)
        servers.append(server)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        return server

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def ask(request: Request = REQUEST, retries: int = 0) -> Response:
    async def call() -> Response:
        async with LiveProvider(retries=retries) as provider:
            return await provider.respond(request)

    return asyncio.run(call())


def test_an_answer_with_its_provenance(serve: Callable[..., Server]) -> None:
    server = serve(MESSAGE)
    response = ask()
    assert (response.text, response.model, response.stop_reason) == ("Hi", "claude-sonnet-5-5-x", "end_turn")
    assert response.usage == Usage(input_tokens=7, output_tokens=2, cache_read_input_tokens=5)
    assert (response.provenance.kind, response.provenance.request_id) == ("api", "req_9")
    sent = server.seen[0][1]
    assert sent["system"] == [{"type": "text", "text": "Be safe.", "cache_control": {"type": "ephemeral"}}]
    assert sent["messages"] == [{"role": "user", "content": "Hello"}]
    assert not {"temperature", "tool_choice", "tools", "seed"} & set(sent)


def test_a_judge_request_asks_for_its_schema(serve: Callable[..., Server]) -> None:
    server = serve(MESSAGE)
    ask(Request(model="m", messages=REQUEST.messages, settings=Settings(max_tokens=10, schema='{"type":"object"}')))
    assert server.seen[0][1]["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert "system" not in server.seen[0][1]


@pytest.mark.parametrize("reason", ["refusal", "max_tokens", "model_context_window_exceeded"])
def test_refused_and_cut_replies_are_answers(serve: Callable[..., Server], reason: str) -> None:
    serve({**MESSAGE, "stop_reason": reason, "content": []})
    response = ask()
    assert (response.text, response.stop_reason) == ("", reason)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b'{"id": "msg_1", ', "application/json"),
        (b"", "application/json"),
        (b"null", "application/json"),
        (b"<html>proxy</html>", "text/html"),
        (json.dumps({"id": "x", "content": "a string"}).encode(), "application/json"),
        (json.dumps({**MESSAGE, "usage": None}).encode(), "application/json"),
        (json.dumps({**MESSAGE, "stop_reason": None}).encode(), "application/json"),
        (json.dumps({**MESSAGE, "content": []}).encode(), "application/json"),
    ],
)
def test_broken_replies_are_errors_never_answers(serve: Callable[..., Server], reply: bytes, kind: str) -> None:
    serve(reply, kind=kind)
    with pytest.raises(ProviderError) as caught:
        ask()
    assert not isinstance(caught.value, FatalProviderError)


def error(kind: str, message: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message}}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (400, "invalid_request_error"),
    ],
)
def test_what_every_request_would_meet_is_fatal(serve: Callable[..., Server], status: int, kind: str) -> None:
    server = serve(error(kind, "no such thing"), status=status)
    with pytest.raises(FatalProviderError, match="no such thing"):
        ask(retries=2)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [429, 500, 529])
def test_passing_faults_are_retried(serve: Callable[..., Server], status: int) -> None:
    bad = (status, json.dumps(error("overloaded_error", "busy")).encode(), "application/json")
    server = serve(bad, (200, json.dumps(MESSAGE).encode(), "application/json"))
    assert ask(retries=2).text == "Hi"
    assert len(server.seen) == 2


def test_lasting_faults_end_as_provider_errors(serve: Callable[..., Server]) -> None:
    serve(error("overloaded_error", "busy"), status=529)
    with pytest.raises(ProviderError, match="busy"):
        ask(retries=1)


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak"])
def test_a_key_that_cannot_be_one_is_named_before_any_call(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    with pytest.raises(InputError, match="needs a key in ANTHROPIC_API_KEY"):
        LiveProvider()


def test_the_key_is_in_no_error(serve: Callable[..., Server]) -> None:
    serve(error("authentication_error", "invalid key"), status=401)
    with pytest.raises(FatalProviderError) as caught:
        ask()
    assert KEY not in str(caught.value)
