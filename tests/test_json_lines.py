"""Every broken line is named, every sound one read."""

from __future__ import annotations

import json

from evals.json_lines import checked_rows

SOUND = {
    "case": "c",
    "revision": "0001",
    "repeat": 1,
    "criterion": "k",
    "label": "pass",
    "quote": "a\u2028b",
    "reason": "r",
}


def test_rows_and_faults() -> None:
    text = "\n".join(
        [json.dumps(SOUND, ensure_ascii=False), "", "{", json.dumps({**SOUND, "label": "yes"}), "[" * 9999]
    )
    rows, faults = checked_rows(text, "f", "label.schema.json")
    assert rows == [(1, SOUND)], "a line separator inside a string ends no line"
    assert [(fault.file, fault.line) for fault in faults] == [("f", 3), ("f", 4), ("f", 5)]
    assert "is not one of" in faults[1].message
