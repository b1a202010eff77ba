"""`evals import cases`: a dataset becomes case files of a suite."""

from __future__ import annotations

import argparse
from pathlib import Path

from evals.canonical import Json
from evals.commands import shared
from evals.data.case_files import write_cases
from evals.data.mapping import Recipe, drafts_of, read_mapping
from evals.data.source import read_source
from evals.errors import Fault, InputError, raise_all
from evals.load import read_text, suite_ids
from evals.report.safe import plain
from evals.yaml_file import read_yaml
from graders.criterion import Dimension


def execute(args: argparse.Namespace) -> int:
    if len(args.files) != 1:
        raise InputError("cases come from one source; import several one after the other")
    home = shared.project()
    if args.suite not in suite_ids(home):
        raise InputError(
            f"no suite `{args.suite}` in {home.shown(home.cases)}/ (there: {', '.join(suite_ids(home)) or 'none'})"
        )
    if args.dimension not in set(Dimension):
        raise InputError(f"no dimension `{args.dimension}` (there are {', '.join(Dimension)})")
    criteria = read_criteria(args.criteria) if args.criteria else []
    found = read_source(args.files[0])
    columns = read_mapping(args.map or (), list(dict.fromkeys(name for row in found.rows for name in row)))
    drafts = drafts_of(found, Recipe(columns=columns, criteria=criteria, dimension=args.dimension))
    paths = write_cases(home, args.suite, drafts)
    shared.put(plain(f"wrote {len(paths)} cases to {home.shown(home.cases / args.suite)} from {found.origin}"))
    shared.say("look at them, then run `evals validate` and `evals lock`")
    return 0


def read_criteria(file: str) -> list[Json]:
    """A YAML list of criteria, as a case's file has them. The schema of cases checks each."""
    located, faults = read_yaml(read_text(Path(file), file), file)
    raise_all(faults)
    if not isinstance(located.data, list) or not located.data:
        raise InputError(Fault(message="must be a list of criteria, as under `criteria:` in a case", file=file))
    return located.data
