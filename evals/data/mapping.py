"""Rows of any dataset to cases as their files spell them.

Here: which column becomes which field, and safe ids. Not here: whether the result is a sound case (`case_files` has the
schema say that).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.canonical import Json
from evals.data.source import Rows
from evals.errors import Fault, InputError
from evals.nearest import nearest
from evals.slug import slug

LONGEST = 63
"""Characters of an id made of a row's."""

FIELDS = ("id", "version", "family", "title", "message", "attachments", "files", "criteria", "minimum")
GUIDANCE = "Pass: the statement is true of the answer. Fail: it is not."


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A case that is not yet proved sound."""

    row: str
    """Where it comes from, for messages and for its file: `tasks.jsonl, row 3`."""
    data: dict[str, Json]
    attachments: tuple[tuple[str, str], ...]
    """Name and text."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How rows become cases."""

    columns: Mapping[str, str]
    """Field to column; a field that is not named takes the column of its own name, where there is one."""
    criteria: Sequence[Json] = ()
    """Criteria that every case gets besides its own."""
    dimension: str = "judgement"
    """Of criteria that are text alone."""


def read_mapping(pairs: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """`column=field` pairs, as field to column. Raises InputError for one that names nothing.

    >>> read_mapping(["prompt=message"], ["prompt"])
    {'message': 'prompt'}
    """
    found: dict[str, str] = {}
    for pair in pairs:
        column, sign, field = pair.rpartition("=")
        if not sign:
            raise InputError(f"--map {pair}: write COLUMN=FIELD")
        if field not in FIELDS:
            raise InputError(
                f"--map {pair}: no field `{field}`{nearest(field, FIELDS)} (there are {', '.join(FIELDS)})"
            )
        if column not in columns:
            there = ", ".join(columns[:20])
            raise InputError(f"--map {pair}: no column `{column}`{nearest(column, columns)} (there are {there})")
        if field in found:
            raise InputError(f"--map {pair}: `{field}` already comes from `{found[field]}`")
        found[field] = column
    return found


def drafts_of(found: Rows, recipe: Recipe) -> list[Draft]:
    """A draft of each row. Raises InputError with every row that cannot become one."""
    drafts: list[Draft] = []
    faults: list[Fault] = []
    rows_of: dict[str, int] = {}
    for number, row in enumerate(found.rows, 1):
        where = f"{found.origin}, row {number}"
        try:
            draft = _draft(row, where, number, recipe)
        except InputError as error:
            faults += [Fault(message=fault.message, file=where) for fault in error.faults]
            continue
        name = str(draft.data["id"])
        if name in rows_of:
            message = f"has the id `{name}` of row {rows_of[name]}; take the id from a column that tells them apart"
            faults.append(Fault(message=message, file=where))
        rows_of.setdefault(name, number)
        drafts.append(draft)
    if faults:
        raise InputError(*faults)
    return drafts


def _draft(row: Mapping[str, Any], where: str, number: int, recipe: Recipe) -> Draft:
    value = {field: row.get(recipe.columns.get(field, field)) for field in FIELDS}
    message = value["message"]
    if not isinstance(message, str) or not message.strip():
        raise InputError("has no text for `message`; say which column holds it, --map COLUMN=message")
    name = slug(str(value["id"]), LONGEST) if value["id"] is not None else f"row-{number:04}"
    if not name or name == "suite":
        raise InputError(f"{str(value['id'])[:60]!r} makes no id; take the id from another column")
    attachments = tuple((str(one["name"]), str(one["text"])) for one in _records(value, "attachments"))
    criteria = [*_criteria(value["criteria"], recipe.dimension), *recipe.criteria]
    if not criteria:
        raise InputError("has no criteria, and answers could not be graded; name a column or use --criteria FILE")
    data: dict[str, Json] = {
        "id": name,
        "version": _version(value["version"]),
        "family": slug(str(value["family"] or name), LONGEST),
        "title": _title(value["title"], message),
        "files": _texts(value["files"]),
        "attachments": [name for name, _ in attachments],
        "minimum": {str(one["dimension"]): one["score"] for one in _records(value, "minimum")},
        "message": message,
        "criteria": criteria,
    }
    optional = ("files", "attachments", "minimum")
    return Draft(row=where, data={k: v for k, v in data.items() if v or k not in optional}, attachments=attachments)


def _version(said: object) -> int:
    """Formats without types of their own have it as text."""
    if said is None or said == "":
        return 1
    if isinstance(said, bool) or not re.fullmatch(r"[1-9]\d{0,8}", str(said)):
        raise InputError("`version` must be a whole number from 1 on")
    return int(str(said))


def _texts(found: object) -> list[Json]:
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InputError("`files` must be a list of names")
    return list(found)


def _title(said: object, message: str) -> str:
    text = said if isinstance(said, str) and said.strip() else message
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:119]}…"


RECORDS = {"attachments": ("name", "text"), "minimum": ("dimension", "score")}


def _records(value: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    """A list of records with the keys that the field needs."""
    keys, found = RECORDS[field], value[field]
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) and set(keys) <= set(one) for one in found):
        raise InputError(f"`{field}` must be a list of records with {' and '.join(keys)}")
    return found


def _criteria(found: object, dimension: str) -> list[Json]:
    """Whole criteria as `evals export cases` writes them, or one or more statements for the judge to decide."""
    if found is None or found == "":
        return []
    items: list[Any] = found if isinstance(found, list) else [found]
    if all(isinstance(item, dict) for item in items):
        return [_whole(item) for item in items]
    if not all(isinstance(item, str) for item in items):
        raise InputError("`criteria` must be a text, a list of texts, or a list of criteria")
    return [
        {
            "id": f"statement-{number}",
            "dimension": dimension,
            "sort": "depth",
            "points": 1,
            "statement": " ".join(item.split()),
            "guidance": GUIDANCE,
            "covers": [],
            "graders": ["judge"],
        }
        for number, item in enumerate(items, 1)
    ]


def _whole(item: Mapping[str, Any]) -> dict[str, Json]:
    """A criterion without the nulls that a table has to fill its columns with."""
    data = {name: value for name, value in item.items() if value is not None}
    if data.get("must") is False:
        del data["must"]
    graders = data.get("graders")
    if isinstance(graders, list):
        data["graders"] = [_grader(one) for one in graders]
    return data


def _grader(one: object) -> Json:
    if not isinstance(one, dict) or one.get("kind") == "judge":
        return "judge" if isinstance(one, dict) else str(one)
    if one.get("attacks") is not None:
        return {"attacks": one["attacks"]}
    veto: dict[str, Json] = {"veto": True} if one.get("veto") else {}
    file: dict[str, Json] = {"file": one["file"]} if one.get("file") is not None else {}
    if one.get("text") is not None:
        return {"text": _check(one["text"]), **file}
    return {"rules": one.get("rules"), **file, **veto}


def _check(text: Any) -> Json:
    """A check of the text; a table holds it as JSON."""
    try:
        found: Json = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        raise InputError("`text` of a grader is not JSON") from None
    return found
