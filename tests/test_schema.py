"""Two validators, one answer: the quick one only ever says that there is nothing to look for."""

from __future__ import annotations

import json

import pytest

from evals import schema as checks
from evals.canonical import Json
from evals.schema import check, errors_of
from evals.yaml_file import Located

SCHEMA = json.dumps(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {"key": {"type": "string", "pattern": "^[0-9a-f]+$"}, "count": {"type": "integer", "minimum": 0}},
    }
)


def nested(depth: int) -> Json:
    data: Json = {}
    for _ in range(depth):
        data = {"key": data}
    return data


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        ({"key": "ab", "count": 3}, 0),
        ({}, 0),
        ([], 1),
        ({"key": "xyz"}, 1),
        ({"count": -1}, 1),
        ({"count": True}, 1),
        ({"count": 10**40}, 0),
        ({"count": -(10**40)}, 1),
        ({"key": "a\ud800"}, 1),
        ({"other": 1, "key": 7}, 2),
        (nested(400), 1),
    ],
)
def test_what_is_wrong_is_found(data: Json, faults: int) -> None:
    assert len(errors_of(data, SCHEMA)) == faults
    assert len(check(Located(file="f", data=data), SCHEMA)) == faults


def test_sound_data_needs_the_quick_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: str) -> None:
        raise AssertionError

    monkeypatch.setattr(checks, "_validator", never)
    assert errors_of({"key": "ab"}, SCHEMA) == []


def test_no_schema_is_fetched() -> None:
    with pytest.raises(Exception, match=r"example|Unresolvable|refer"):
        errors_of({}, json.dumps({"$ref": "https://schemas.example/else.json"}))
