"""`evals coverage`: which criteria exercise which instruction, and the instructions that nothing covers."""

from __future__ import annotations

import argparse

from evals.canonical import Json
from evals.commands import shared
from evals.errors import InputError, raise_all
from evals.load import load_suite
from evals.load_personas import load_instructions, unknown_covers


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    suite = load_suite(home, args.suite)
    instructions = load_instructions(home, suite.persona)
    if instructions is None:
        raise InputError(f"prompts/{suite.persona}/instructions.yaml is missing; it names the persona's instructions")
    raise_all(unknown_covers(suite.cases, instructions, home.shown(home.cases / suite.id)))
    rows = [
        (item.id, [f"{case.id}/{c.id}" for case in suite.cases for c in case.criteria if item.id in c.covers])
        for item in instructions.items
    ]
    bare = [name for name, criteria in rows if not criteria]
    if args.format == "json":
        covered: dict[str, Json] = {name: list(criteria) for name, criteria in rows}
        shared.put_json({"instructions": covered, "uncovered": list(bare)})
        return 0
    from evals.report.tables import coverage_table

    shared.put(coverage_table(rows))
    shared.put(
        f"\n{len(rows) - len(bare)} of {len(rows)} instructions are exercised; nothing covers: {', '.join(bare) or 'none'}"
    )
    return 0
