"""The published schemas, with their references to one another resolved and nothing fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from evals.cli import parser
from evals.cli_outputs import OUTPUTS, schema_of

FOLDER = Path(__file__).parent.parent / "evals/schemas"


@cache
def validator(name: str) -> Draft202012Validator:
    schemas: dict[str, Any] = {
        path.name.removesuffix(".schema.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in FOLDER.glob("*.schema.json")
    }
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()
    )
    return Draft202012Validator(schemas[name], registry=registry)


def wrong(name: str, data: object) -> list[str]:
    """Every way in which data departs from a schema."""
    return [f"{error.json_path}: {error.message[:300]}" for error in validator(name).iter_errors(data)]


def check_output(argv: Sequence[str], out: str) -> None:
    """What a call printed must be as the published schema says, if JSON was asked for and something was printed."""
    if not out or "json" not in argv:
        return
    args = parser().read(argv)
    if args.format == "json" and args.verb in OUTPUTS:
        assert wrong(schema_of(args), json.loads(out)) == [], argv
