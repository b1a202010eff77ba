"""Replay answers what was recorded, and says what is missing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from evals.errors import MissingRecording
from evals.exchange import Message, Provenance, Request, Response, Settings
from evals.providers.recorded import RecordedProvider
from evals.recording import record

REQUEST = Request(model="m", system="s", messages=(Message(role="user", text="u"),), settings=Settings(max_tokens=5))
RESPONSE = Response(
    text="hello", provenance=Provenance(kind="imported", recording_set="x", declared=(("how", "by hand"),))
)


def miss(request: Request, *recorded: Request) -> str:
    provider = RecordedProvider(record(r, RESPONSE, f"place/{n}") for n, r in enumerate(recorded))
    with pytest.raises(MissingRecording) as caught:
        asyncio.run(provider.respond(request))
    return str(caught.value)


def test_the_recorded_response_is_returned() -> None:
    assert asyncio.run(RecordedProvider([record(REQUEST, RESPONSE, "p")]).respond(REQUEST)) == RESPONSE


def test_a_miss_names_the_nearest_recording_and_the_field() -> None:
    far = replace(REQUEST, repeat=9, draw="7", system="other")
    said = miss(replace(REQUEST, repeat=2), far, REQUEST)
    assert "nearest is place/1" in said
    assert "`repeat` (wanted 2, recorded 1)" in said
    assert "system" not in said


def test_another_system_prompt_is_named_without_its_text() -> None:
    assert "`system` (another text)" in miss(replace(REQUEST, system="secret words"), REQUEST)
    assert "secret words" not in miss(replace(REQUEST, system="secret words"), REQUEST)


def test_no_recordings_at_all() -> None:
    assert "no recordings at all" in miss(REQUEST)
