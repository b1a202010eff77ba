"""Rows of the cache: whole and ours, or not there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from evals.canonical import digest
from evals.exchange import Message, Provenance, Request, Response, Settings, Usage
from evals.providers.cache_row import SUM, _sum, recording_in, row_of
from evals.recording import record, to_json

REQUEST = Request(
    model="m", system="Be brief.", messages=(Message(role="user", text="?"),), settings=Settings(max_tokens=9)
)
RESPONSE = Response(
    text='An "ä" and ✓.\nEnd',
    provenance=Provenance(kind="api", request_id="req_1"),
    model="m-1",
    stop_reason="end_turn",
    usage=Usage(input_tokens=3, output_tokens=4),
)
KEY = REQUEST.digest


def first_form(response: Response = RESPONSE) -> str:
    """A row as it was written before the sum stood in front."""
    data = to_json(record(REQUEST, response, place=""))
    return json.dumps({"recording": data, "sum": digest(data)}, ensure_ascii=False, sort_keys=True)


@pytest.mark.parametrize("text", ["plain", RESPONSE.text, "", "x\ud800y", "\0", "{" * 500, "😀"])
def test_what_goes_in_comes_out(text: str) -> None:
    response = replace(RESPONSE, text=text)
    row = row_of(record(REQUEST, response, place=""))
    assert row.encode()  # any database can store it
    found = recording_in(row, KEY)
    assert found is not None
    assert found.response == response


def test_rows_of_the_first_form_are_still_read() -> None:
    found = recording_in(first_form(), KEY)
    assert found is not None
    assert found.response == RESPONSE
    assert recording_in(first_form().replace("✓", "x"), KEY) is None


def test_a_row_about_another_request_is_none() -> None:
    other = replace(REQUEST, repeat=2).digest
    assert recording_in(row_of(record(REQUEST, RESPONSE, place="")), other) is None
    assert recording_in(first_form(), other) is None


def changed(change: Any) -> str:
    """A row with a right sum around wrong data."""
    data: Any = to_json(record(REQUEST, RESPONSE, place=""))
    change(data)
    text = json.dumps(data)
    return _sum(text) + text


DAMAGED = {
    "empty": "",
    "half": row_of(record(REQUEST, RESPONSE, place=""))[:-9],
    "sum alone": row_of(record(REQUEST, RESPONSE, place=""))[:SUM],
    "one character": row_of(record(REQUEST, RESPONSE, place="")).replace("✓", "x"),
    "no JSON": _sum("{") + "{",
    "no object": _sum("[]") + "[]",
    "deep": _sum("[" * 100_000) + "[" * 100_000,
    "deep, first form": '{"recording":' * 100_000,
    "half a pair": "\ud800" * 99,
    "no text": changed(lambda data: data["response"].pop("text")),
    "text is a number": changed(lambda data: data["response"].update(text=7)),
    "more than there may be": changed(lambda data: data.update(code="x")),
    "negative tokens": changed(lambda data: data["response"]["usage"].update(input_tokens=-1)),
    "foreign kind": changed(lambda data: data["provenance"].update(kind="pickle")),
}


@pytest.mark.parametrize("row", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_or_foreign_row_is_none(row: str) -> None:
    assert recording_in(row, KEY) is None
