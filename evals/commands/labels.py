"""`evals import labels`: two readers' labels, and an adjudicator's, become gold items."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from evals.canonical import Json
from evals.commands import shared
from evals.errors import InputError
from evals.gold import LABEL, read_gold, write_gold
from evals.judge_record import answer_digests
from evals.labels import disputed, labelled_items, read_labels
from evals.load import load_suite, read_text

LABELLER = re.compile(r"human|model:[a-z0-9-]+")


def execute(args: argparse.Namespace) -> int:
    if len(args.files) != 2:
        raise InputError("labels come of two readers who did not see each other's: name two files")
    if not args.by or not LABELLER.fullmatch(args.by):
        raise InputError("say who labelled: --by human, or --by model:FAMILY (such as model:claude)")
    home = shared.project()
    suite = load_suite(home, args.suite)
    readers = [read_labels(read_text(Path(file), file), file) for file in args.files]
    third = (
        read_labels(read_text(Path(args.adjudicated), args.adjudicated), args.adjudicated) if args.adjudicated else {}
    )
    answers = answer_digests(shared.recordings(home, suite.id))
    found = {item.name: item for item in labelled_items(suite, answers, readers, third, args.by)}
    items, faults = read_gold(home, suite.id)
    if faults:
        raise InputError(*faults)
    kept = {item.name: item for item in items}
    taken = [name for name in found if name in kept and kept[name].provenance != LABEL]
    path = write_gold(home, suite.id, {**kept, **{name: x for name, x in found.items() if name not in taken}}.values())
    differing = disputed(*readers)
    both = len(readers[0].keys() & readers[1].keys())
    open_ones = [key for key in differing if key not in third]
    count, agreed, file = len(found) - len(taken), both - len(differing), home.shown(path)
    names: list[Json] = ["/".join(map(str, key)) for key in open_ones]
    shared.put_result(
        args,
        {"items": count, "agreed": agreed, "compared": both, "file": file, "open": names},
        f"{count} labelled items in {file}; the readers agreed on {agreed} of {both}",
    )
    if taken:
        shared.say(f"{len(taken)} were decided by attacks already, which count more; their labels were not kept")
    for key in open_ones:
        shared.say(f"not adjudicated yet: {'/'.join(map(str, key))}")
    return 0
