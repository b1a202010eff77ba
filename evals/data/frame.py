"""Scorecards as a pandas data frame with stable columns.

Here: types and reading. Not here: which columns there are (`columns`), or what is done with the frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evals.data.columns import CRITERIA, DIMENSIONS, GRADES, Shape
from evals.data.extras import extra
from evals.data.rows import criterion_rows, dimension_rows, grade_rows
from evals.errors import InputError
from evals.scorecard import Scorecard
from evals.scorecard_file import read_card

if TYPE_CHECKING:
    import pandas as pd

Source = Scorecard | str | PathLike[str]
Level = Literal["grade", "criterion", "dimension"]
LEVELS = {
    "grade": (GRADES, grade_rows),
    "criterion": (CRITERIA, criterion_rows),
    "dimension": (DIMENSIONS, dimension_rows),
}
TYPES = {str: "string", int: "Int64", float: "float64", bool: "boolean"}


def frame(scorecards: Source | Iterable[Source], *, level: Level = "grade") -> pd.DataFrame:
    """A data frame of scorecards; see `evals.frame`."""
    if level not in LEVELS:
        raise InputError(f"no level `{level}`; there are {', '.join(LEVELS)}")
    with extra("data"):
        import pandas as pd
    table, rows_of = LEVELS[level]
    rows = [row for card in _cards(scorecards) for row in rows_of(card)]
    columns = {
        column.name: pd.Series([row[column.name] for row in rows], dtype=_dtype(column.shape))
        for column in table.columns
    }
    return pd.DataFrame(columns, columns=list(table.names))


def _dtype(shape: Shape) -> str:
    return "object" if isinstance(shape, (list, dict)) else TYPES[shape]


def _cards(scorecards: Source | Iterable[Source]) -> Iterator[Scorecard]:
    sources = [scorecards] if isinstance(scorecards, (Scorecard, str, PathLike)) else scorecards
    for source in sources:
        if isinstance(source, Scorecard):
            yield source
        else:
            yield from (read_card(path, str(path)) for path in _paths(Path(source)))


def _paths(path: Path) -> list[Path]:
    """A scorecard's file, or all that are below a folder."""
    if path.is_file():
        return [path]
    found = [one for one in sorted(path.rglob("*.jsonl")) if not one.name.endswith(".grades.jsonl")]
    if not found:
        raise InputError(f"no scorecard at {path}")
    return found
