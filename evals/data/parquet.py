"""A dataset as a folder: one Parquet file a table and a README.md that `datasets.load_dataset` follows.

Here: types and bytes. Not here: what rows hold, what the README says.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.data.columns import WORDS, Shape, Table
from evals.data.extras import extra
from evals.data.rows import Row

if TYPE_CHECKING:
    from datasets import Features

README = "README.md"


def file_name(table: Table) -> str:
    return f"{table.name}.parquet"


def features(table: Table) -> Features:
    """The table's columns as the `datasets` package spells them."""
    from datasets import Features, List, Value

    def feature(shape: Shape) -> Any:
        if isinstance(shape, list):
            return List(feature(shape[0]))
        if isinstance(shape, dict):
            return {name: feature(inner) for name, inner in shape.items()}
        return Value(WORDS[shape])

    return Features({column.name: feature(column.shape) for column in table.columns})


def write_tables(folder: Path, tables: Sequence[tuple[Table, list[Row]]], readme: str) -> None:
    """Write the files into a folder that is there."""
    with extra("data"):
        from datasets import Dataset
    for table, rows in tables:
        columns = {name: [row[name] for row in rows] for name in table.names}
        Dataset.from_dict(columns, features=features(table)).to_parquet(folder / file_name(table))
    (folder / README).write_text(readme, encoding="utf-8", newline="\n")
