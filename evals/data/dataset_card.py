"""The README.md of a dataset: what it is, where it came from, under which licence, and what is not known.

Its header is what `datasets.load_dataset` reads. Whatever the data says about itself is escaped here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib import metadata

from evals.data.columns import KINDS, Table, markdown
from evals.data.parquet import file_name
from evals.data.rows import Row
from evals.report.safe import cell

UNKNOWN = "unknown"
SPLIT = "test"
"""Nothing here is meant for training."""
TITLES = {"results": "Grades and scores", "answers": "Recorded answers", "cases": "Cases"}


def mark(kind: str) -> str:
    """By which a folder that was exported before is known."""
    return f"persona-evals-{kind}"


def card(kind: str, suite: str, tables: Sequence[tuple[Table, list[Row]]], licence: str) -> str:
    """The whole text. `licence`: an identifier as the Hub spells it, or `unknown`."""
    rows = tables[0][1]
    parts = [
        _header(kind, suite, licence),
        f"# {TITLES[kind]}: {cell(suite)}",
        f"{len(rows)} rows, each {KINDS[kind][0].row}. {_writer(kind)}",
        _usage(kind),
        "## Where it comes from\n\n" + _listed(_provenance(kind, tables)),
        "## What is not known\n\n" + _listed(_unknown(kind, tables)),
        "## Licence\n\n" + _licence(licence),
        *[f"## Columns of `{table.name}`\n\nOne row is {table.row}.\n\n{_columns(table)}" for table, _ in tables],
    ]
    return "\n\n".join(parts) + "\n"


def _writer(kind: str) -> str:
    return f"Written by `evals export {kind}` of persona-evals {metadata.version('persona-evals')}."


def _header(kind: str, suite: str, licence: str) -> str:
    configs = []
    for number, table in enumerate(KINDS[kind]):
        configs += [f"- config_name: {table.name}", *(["  default: true"] if number == 0 else [])]
        configs += ["  data_files:", f"  - split: {SPLIT}", f"    path: {file_name(table)}"]
    lines = [
        "---",
        f"license: {licence}",
        f'pretty_name: "{TITLES[kind]} of the suite {suite}"',
        "tags:",
        "- persona-evals",
        f"- {mark(kind)}",
        "- evaluation",
        "configs:",
        *configs,
        "---",
    ]
    return "\n".join(lines)


def _usage(kind: str) -> str:
    names = [table.name for table in KINDS[kind]]
    more = f"; further tables: {', '.join(f'`{name}`' for name in names[1:])}" if len(names) > 1 else ""
    return (
        f'    from datasets import load_dataset\n    {names[0]} = load_dataset("FOLDER", split="{SPLIT}")\n\n'
        f"The table is `{names[0]}`{more}. Nulls mean that nothing is known or nothing applies, never zero."
    )


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _counted(rows: Sequence[Row], column: str) -> str:
    counts = Counter("not stated" if row[column] is None else str(row[column]) for row in rows)
    return ", ".join(f"{cell(name, 100)} ({count})" for name, count in sorted(counts.items())) or "none"


def _provenance(kind: str, tables: Sequence[tuple[Table, list[Row]]]) -> list[str]:
    rows = tables[0][1]
    if kind == "cases":
        return ["Written for the suite by its authors, or imported by them; see the suite's own documents."]
    if kind == "answers":
        declared = sorted(
            {
                f"{cell(str(one['topic']), 80)}: {cell(str(one['statement']), 400)}"
                for row in rows
                if isinstance(row["declared"], list)
                for one in row["declared"]
                if isinstance(one, dict)
            }
        )
        return [
            f"Answers by revision of the persona: {_counted(rows, 'revision')}.",
            f"Provenance: {_counted(rows, 'provenance')}. Recording set: {_counted(rows, 'recording_set')}.",
            *[f"Declared by the importer: {text}" for text in declared[:20]],
        ]
    cards = tables[-1][1]
    return [
        f"Scorecards by revision of the persona: {_counted(cards, 'revision')}.",
        f"Model that answered: {_counted(cards, 'model')}. Judge: {_counted(cards, 'judge')}, asked {_counted(cards, 'judge_context')}.",
        f"Grades by kind of grader: {_counted(rows, 'kind')}.",
    ]


def _unknown(kind: str, tables: Sequence[tuple[Table, list[Row]]]) -> list[str]:
    rows = tables[0][1]
    if kind == "cases":
        return ["How hard the cases are for a model or persona that they were not tried on."]
    if kind == "answers":
        columns = ("model", "stop_reason", "output_tokens", "request_id")
        silent = [(name, sum(row[name] is None for row in rows)) for name in columns]
        said = [f"`{name}`: not stated by {count} of {len(rows)} answers." for name, count in silent if count]
        return [*said, "Whatever surrounded the persona's text in an imported conversation, unless it is declared."]
    advisory = sum(row["advisory"] is True and row["prevails"] is True for row in rows)
    unscored = sum(row["status"] == "unscored" and row["prevails"] is True for row in rows)
    return [
        f"Whether the judge is right where it has no licence: {advisory} grades that count are advisory.",
        f"What {unscored} criteria of answers would have been graded: no grader could decide them. They are in no score.",
        "How far the scores hold for other cases: the intervals speak of these cases asked again.",
    ]


def _licence(licence: str) -> str:
    if licence == UNKNOWN:
        return "None was stated when this was written. Ask its authors before you pass it on."
    return (
        f"`{licence}`, as stated by whoever exported it. For answers, the terms of the model's provider apply as well."
    )


def _columns(table: Table) -> str:
    # a card stands alone, away from the documents that the meanings may point to
    return markdown(table).replace("[case-format.md](case-format.md)", "the case format of persona-evals")
