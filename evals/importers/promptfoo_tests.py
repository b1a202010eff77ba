"""promptfoo's tests: inline, in files and tables, with the variables of each unfolded.

Here: reading them. Not here: what becomes of their assertions (`evals.importers.promptfoo_assertions`).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from evals.errors import Fault, InputError
from evals.importers.imported import MAX_CASES, LeftOut, text_inside
from evals.importers.promptfoo_assertions import expected
from evals.yaml_file import read_yaml

Found = tuple[str, dict[str, Any]] | LeftOut
"""A test with its place, or what is none."""


def read_tests(data: Any, folder: Path) -> Iterator[Found]:
    """Every test of the configuration."""
    items = data if isinstance(data, list) else [] if data is None else [data]
    for number, item in enumerate(items):
        where = f"tests[{number}]" if isinstance(data, list) else "tests"
        if isinstance(item, dict) and "path" in item and "vars" not in item:
            item = str(item["path"])  # noqa: PLW2901 - the mapping only says where the file is
        if isinstance(item, dict):
            yield where, item
        elif isinstance(item, str):
            yield from _file(item, where, folder)
        else:
            yield LeftOut(where=where, what="test", why="is no mapping")


def _file(spec: str, where: str, folder: Path) -> Iterator[Found]:
    name = spec.removeprefix("file://")
    if "://" in name or "*" in name or not name.endswith((".csv", ".json", ".jsonl", ".yaml", ".yml")):
        yield LeftOut(
            where=where, what=spec[:80], why="tests made by code or kept elsewhere; save them as CSV, JSON or YAML"
        )
        return
    try:
        rows = _rows(text_inside(folder, name), name)
    except InputError as error:
        yield LeftOut(where=where, what=spec[:80], why=str(error))
        return
    for number, row in enumerate(rows):
        yield (
            (f"{name}[{number}]", row)
            if isinstance(row, dict)
            else LeftOut(where=f"{name}[{number}]", what="test", why="is no mapping")
        )


def _rows(text: str, name: str) -> list[Any]:
    if name.endswith(".csv"):
        return _table(text.removeprefix("\ufeff"), name)
    if name.endswith(".jsonl"):
        return [_json(line, name, number) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    located, faults = read_yaml(text, name, foreign=True)
    if faults:
        raise InputError(*faults)
    return located.data if isinstance(located.data, list) else [located.data]


def _table(text: str, name: str) -> list[Any]:
    reader = csv.DictReader(io.StringIO(text))
    try:
        return [_row(row) for row in reader]
    except csv.Error as error:
        raise InputError(Fault(message=f"is no CSV ({error})", file=name, line=reader.reader.line_num)) from None


def _json(line: str, name: str, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(Fault(message=f"is not JSON ({error})", file=name, line=number)) from None


def _row(row: Mapping[str | None, Any]) -> dict[str, Any]:
    """A row of a table: columns are variables, but for those whose names begin with two underscores."""
    cells = {key: value for key, value in row.items() if key is not None and isinstance(value, str)}
    test: dict[str, Any] = {"vars": {key: value for key, value in cells.items() if not key.startswith("__")}}
    found = [value for key, value in cells.items() if key.startswith("__expected") and value.strip()]
    test["assert"] = [{**expected(text), **_metric(cells)} for text in found]
    if cells.get("__description"):
        test["description"] = cells["__description"]
    options = {key: cells[f"__{key}"] for key in ("prefix", "suffix") if cells.get(f"__{key}")}
    known = ("__expected", "__description", "__prefix", "__suffix", "__metric")
    others = {
        key: value for key, value in cells.items() if key.startswith("__") and value and not key.startswith(known)
    }
    return {**test, **({"options": options} if options else {}), **others}


def _metric(cells: Mapping[str, str]) -> dict[str, str]:
    return {"metric": cells["__metric"]} if cells.get("__metric") else {}


def unfolded(values: Any, folder: Path, where: str) -> list[dict[str, Any]]:
    """Sets of variables: a list of values makes a set for each. Raises InputError for a file that cannot be read."""
    if isinstance(values, (str, list)):
        values = _merged(values if isinstance(values, list) else [values], folder)
    if not isinstance(values, dict):
        return [{}]
    read = {key: _value(value, folder) for key, value in values.items()}
    choices = [value if isinstance(value, list) and value else [value] for value in read.values()]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MAX_CASES:
        raise InputError(f"{where}: its variables unfold to {count:,} tests; at most {MAX_CASES:,} are imported")
    return [dict(zip(read, chosen, strict=True)) for chosen in product(*choices)]


def _merged(files: list[Any], folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in files:
        value = _value(name if str(name).startswith("file://") else f"file://{name}", folder)
        found |= value if isinstance(value, dict) else {}
    return found


def _value(value: Any, folder: Path) -> Any:
    """A variable's value; `file://` stands for what is in the file."""
    if not isinstance(value, str) or not value.startswith("file://"):
        return value
    name = value.removeprefix("file://")
    if not name.endswith((".txt", ".md", ".json", ".yaml", ".yml", ".csv", ".sql", ".html", ".xml")):
        raise InputError(Fault(message="a variable made by code or of no text; write its value out", file=name))
    text = text_inside(folder, name)
    if not name.endswith((".json", ".yaml", ".yml")):
        return text.strip() if name.endswith(".txt") else text
    located, faults = read_yaml(text, name, foreign=True)
    if faults:
        raise InputError(*faults)
    return located.data
