"""JSON Lines against a schema: every row with its line number, and every fault of every line.

Here: reading text. Not here: what rows mean, or which two of them contradict each other.
"""

from __future__ import annotations

import json
from typing import Any

from evals.errors import Fault
from evals.schema import errors_of, schema_text

Row = tuple[int, dict[str, Any]]
"""The 1-based line, and the object on it."""


def checked_rows(text: str, file: str, schema: str) -> tuple[list[Row], list[Fault]]:
    """The sound rows of a text, and what is wrong with the others. Blank lines are passed over; `schema` is a name.

    Only a line feed ends a line: text inside a JSON string may hold other separators.
    """
    wanted = schema_text(schema)
    rows: list[Row] = []
    faults: list[Fault] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            faults.append(Fault(message="is not JSON", file=file, line=number))
            continue
        wrong = errors_of(row, wanted)
        faults += [Fault(message=message, file=file, line=number) for message in wrong]
        if not wrong:
            rows.append((number, row))
    return rows, faults
