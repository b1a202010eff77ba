"""The harness: cases, personas, requests, providers, scorecards and the command line. Stands on `graders`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from evals.data.frame import Level, Source


def frame(scorecards: Source | Iterable[Source], *, level: Level = "grade") -> pd.DataFrame:
    """Scorecards as a pandas data frame (extra `data`).

    scorecards: `Scorecard` values, paths of `NNNN.jsonl` files, or folders of them; one, or several.
    level: what one row is: a `grade` of one grader on one answer, a `criterion` over all answers, or a `dimension`.
    The columns of each level are fixed: docs/dataframes.md. Text is `string`, whole numbers `Int64`, figures `float64`
    (NaN where nothing was scored), yes and no `boolean`; `evidence` and `votes` are lists.
    Raises InputError for a path that is no scorecard, and where pandas is missing.
    """
    from evals.data.frame import frame as build

    return build(scorecards, level=level)
