"""The cache key is the whole request."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from evals.canonical import canonical
from evals.exchange import Message, Request, Settings, request_params

REQUEST = Request(
    model="claude-unstated",
    system="You are careful.",
    messages=(Message(role="user", text="Write a login route."),),
    settings=Settings(max_tokens=32000),
    repeat=2,
)

GOLDEN = "c47689b1fa27046b7285ad58ad1b974a856664a628aba0c21fbee4aa86c43eb6"
"""Every recording is found by such a digest. A new optional field must not change it."""


def test_golden_digest() -> None:
    assert REQUEST.digest == GOLDEN


def test_the_golden_form_spells_out_what_is_digested() -> None:
    assert canonical(REQUEST) == (
        '{"draw":"0","messages":[{"role":"user","text":"Write a login route."}],"model":"claude-unstated",'
        '"repeat":2,"settings":{"max_tokens":32000},"system":"You are careful."}'
    )


text = st.text(min_size=1, max_size=20)
requests = st.builds(
    Request,
    model=text,
    system=st.none() | text,
    messages=st.lists(
        st.builds(Message, role=st.sampled_from(["user", "assistant"]), text=text), min_size=1, max_size=3
    ).map(tuple),
    settings=st.builds(Settings, max_tokens=st.integers(1, 10**6), effort=st.none() | text, schema=st.none() | text),
    repeat=st.integers(1, 50),
    attempt=st.none() | st.integers(1, 3),
    draw=text,
)


@given(requests, requests)
def test_two_requests_share_a_digest_only_when_they_are_equal(one: Request, two: Request) -> None:
    assert (one.digest == two.digest) == (one == two)


@given(requests)
def test_changing_any_one_input_misses(request: Request) -> None:
    changed = [
        replace(request, model=request.model + "x"),
        replace(request, system=(request.system or "") + "x"),
        replace(request, messages=(*request.messages, Message(role="user", text="x"))),
        replace(request, settings=replace(request.settings, max_tokens=request.settings.max_tokens + 1)),
        replace(request, settings=replace(request.settings, effort=(request.settings.effort or "") + "x")),
        replace(request, settings=replace(request.settings, schema=(request.settings.schema or "") + "x")),
        replace(request, repeat=request.repeat + 1),
        replace(request, attempt=(request.attempt or 0) + 1),
        replace(request, draw=request.draw + "x"),
    ]
    digests = {request.digest, *(other.digest for other in changed)}
    assert len(digests) == 1 + len(changed)


@given(requests)
def test_fields_name_every_part(request: Request) -> None:
    assert set(request.fields) == {"system", "messages", "model", "settings", "repeat", "attempt", "draw"}


def test_params_spell_the_messages_api() -> None:
    judge = replace(REQUEST, settings=Settings(max_tokens=10, effort="low", schema='{"type":"object"}'))
    assert request_params(judge) == {
        "model": "claude-unstated",
        "max_tokens": 10,
        "system": "You are careful.",
        "messages": [{"role": "user", "content": "Write a login route."}],
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    }


def test_an_empty_persona_sends_no_system() -> None:
    assert "system" not in request_params(replace(REQUEST, system=None))


def test_a_digest_is_a_custom_id_that_batches_accept() -> None:
    assert len(REQUEST.digest) <= 64
    assert REQUEST.digest.isalnum()
    assert json.dumps(request_params(REQUEST))
