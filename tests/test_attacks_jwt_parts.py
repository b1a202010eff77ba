"""Parts of the JWT attacks that need no box: tokens, replies read from a wire, what is cleaned or looked for in text."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator

import pytest

from graders.execution.jwt import tokens, wire
from graders.execution.jwt.attacks_access import guarded
from graders.execution.jwt.attacks_limits import announced_by, is_limit
from graders.execution.jwt.attacks_secrets import secret_in
from graders.execution.jwt.cleaning import cleaned, internals
from graders.execution.jwt.lab import MAX_LINES, records, shortened
from graders.execution.jwt.wire import Garbled, Gone, Line, Reply, Silent, request

# RFC 7515, appendix A.1
KEY = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
EXAMPLE = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)


def test_the_example_of_the_standard_is_read() -> None:
    token = tokens.read(EXAMPLE)
    assert token is not None
    assert token.claims["iss"] == "joe"
    assert token.signed_with(base64.urlsafe_b64decode(KEY))
    assert not token.signed_with(b"another key")


def test_a_minted_token_is_signed_with_its_key() -> None:
    token = tokens.read(tokens.mint({"sub": "a"}, key=b"k"))
    assert token is not None
    assert token.header == {"alg": "HS256", "typ": "JWT"}
    assert token.signed_with(b"k")


def test_false_tokens_are_false_in_one_way() -> None:
    unsigned = tokens.read(tokens.mint({"sub": "a"}, alg="none", digest=""))
    assert unsigned is not None
    assert (unsigned.header["alg"], unsigned.signature) == ("none", b"")
    longer = tokens.read(tokens.mint({}, alg="HS512"))
    assert longer is not None
    assert len(longer.signature) == 64
    good = tokens.mint({"role": "user"})
    raised = tokens.read(tokens.with_claims(good, {"role": "admin"}))
    assert raised is not None
    assert raised.claims == {"role": "admin"}
    assert not raised.signed_with(tokens.SECRET.encode())


@pytest.mark.parametrize("text", [None, 7, "", "a.b", "a.b.c", "....", "W10.W10.", "eyJhIjox.e30.", "é.é.é"])
def test_what_is_no_token_is_none(text: object) -> None:
    assert tokens.read(text) is None


@pytest.fixture
def ends() -> Iterator[tuple[Line, socket.socket]]:
    ours, theirs = socket.socketpair()
    line = Line(ours, 0.2)
    line.send(b"")
    yield line, theirs
    line.close()
    theirs.close()


def test_replies_come_one_after_the_other(ends: tuple[Line, socket.socket]) -> None:
    line, peer = ends
    peer.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n{}"
        b"HTTP/1.1 204 No Content\r\n\r\n"
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n"
        b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    )
    replies = [line.reply() for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 204, 201, 400]
    assert [reply.body for reply in replies] == [b"{}", b"", b"abcde", b""]
    assert replies[0].headers["set-cookie"] == "a\nb"
    assert not line.open


def test_a_reply_may_end_with_the_connection(ends: tuple[Line, socket.socket]) -> None:
    line, peer = ends
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\nall there is")
    peer.close()
    assert line.reply().text == "all there is"


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_no_reply_is_garbled(ends: tuple[Line, socket.socket], sent: bytes) -> None:
    line, peer = ends
    peer.sendall(sent)
    with pytest.raises(Garbled):
        line.reply()


def test_a_head_and_a_body_without_end_are_left(
    ends: tuple[Line, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    line, peer = ends
    monkeypatch.setattr(wire, "MAX_HEAD", 1000)
    peer.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 5000)
    with pytest.raises(Garbled, match="without end"):
        line.reply()


def test_silence_and_a_closed_connection_are_told_apart(ends: tuple[Line, socket.socket]) -> None:
    line, peer = ends
    peer.sendall(b"HTTP/1.1 200 OK\r\n")
    with pytest.raises(Silent):
        line.reply()
    peer.close()
    line.send(b"")
    with pytest.raises(Gone):
        line.reply()


def test_a_request_is_sent_as_it_is() -> None:
    data = request("POST", "/x y", {"Authorization": "Bearer \udcff"}, b"{}", "text/plain")
    assert data.startswith(b"POST /x y HTTP/1.1\r\n")
    assert b"Bearer \xff\r\n" in data
    assert data.endswith(b"Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}")


def reply(status: int = 200, body: object = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, json.dumps(body).encode())


def test_text_is_cleaned_of_what_changes() -> None:
    lines = [
        "Error: at /home/somebody/answer/app.js:12:7",
        f"token {EXAMPLE}",
        "2026-11-27T10:11:12.123Z \x1b[31mred\x1b[0m",
        "3b241101-e2bb-4255-8caf-4136c566a962",
        "",
        "x" * 500,
    ]
    shown = cleaned(lines)
    assert shown[:4] == ["Error: at …/app.js:N:N", "token TOKEN", "TIME ?[Nmred?[Nm", "ID"]
    assert shown[4] == "DATA"
    assert len(cleaned(["ab " * 500])[0]) <= 120


@pytest.mark.parametrize(
    "text",
    [
        "Error: x\n    at handle (/box/answer/app.js:1:2)",
        "<pre>NotFoundError: Not Found</pre>",
        '{"error":"jwt malformed"}',
        '{"error":"jwt audience invalid. expected: notes-api"}',
        '{"title":"\\"exp\\" claim timestamp check failed"}',
        '{"name":"JsonWebTokenError"}',
        '{"code":"ERR_JWS_INVALID"}',
        '{"code":"ERR_INVALID_ARG_TYPE"}',
        "Cannot destructure property 'email' of 'req.body' as it is undefined.",
        "see node_modules/express",
    ],
)
def test_internals_are_found(text: str) -> None:
    assert internals(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"error":"invalid token"}',
        '{"error":"token expired","code":"TOKEN_EXPIRED"}',
        '{"error":"login at 10:15:00 refused"}',
        '{"error":"the signature is not valid"}',
        '{"code":"INVALID_TYPE","error":"email must be a string"}',
        '{"error":"Unexpected end of JSON input"}',
        '{"code":"ERR_INVALID_BODY","error":"ERR_TOKEN_EXPIRED"}',
    ],
)
def test_plain_words_are_no_internals(text: str) -> None:
    assert internals(text) is None


def test_secrets_in_replies() -> None:
    assert secret_in(reply(body={"id": "1", "passwordHash": "s3"})) == "a field 'passwordHash'"
    assert secret_in(reply(body=[{"user": {"salt": "x"}}])) == "a field 'salt'"
    assert secret_in(reply(body={"x": "$2b$12$abcdefghijklmnopqrstuvwxyz"})) == "a password hash"
    assert secret_in(reply(400, {"error": "password is missing", "fields": {"password": "missing"}})) is None
    assert secret_in(reply(body={"id": "1", "hasPassword": True})) is None


def test_limits_are_read() -> None:
    assert is_limit(reply(429))
    assert is_limit(reply(503, retry_after="3"))
    assert not is_limit(reply(503))
    assert announced_by(reply(ratelimit="limit=600, remaining=575, reset=900")) == 575
    assert announced_by(reply(ratelimit='"600-in-15min"; r=570; t=900')) == 570
    assert announced_by(reply(x_ratelimit_remaining="12")) == 12
    assert announced_by(reply()) == 0


def test_cookies_have_three_guards() -> None:
    assert guarded("t=1; Path=/; HttpOnly; Secure; SameSite=Strict")
    assert not guarded("t=1; HttpOnly; Secure")


def test_records_bare_or_wrapped() -> None:
    assert records([{"id": 1}]) == [{"id": 1}]
    assert records({"users": [{"id": 1}], "total": 1}) == [{"id": 1}]
    assert records({"a": [], "b": []}) is None
    assert records("no") is None
    assert records([1]) is None


def test_transcripts_are_cut_and_say_so() -> None:
    assert shortened(["a"] * 3) == ("a", "a", "a")
    cut = shortened([*map(str, range(30)), "end"])
    assert len(cut) == MAX_LINES
    assert cut[-2:] == ("… 20 more", "end")
    assert sum(not line.startswith("…") for line in cut) + 20 == 31
    assert shortened(["x" * 1000])[0].endswith("…")
