"""Data frames: fixed columns and types, the figures of the scorecards, and docs whose code runs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import evals
from evals.data.columns import CRITERIA, DIMENSIONS, GRADES
from evals.errors import InputError
from evals.scorecard import Scorecard
from evals.scorecard_file import read_card, rounded
from graders.criterion import Dimension
from tests import offline

assert offline.ENVIRONMENT
ROOT = Path(__file__).parent.parent
CARDS = ROOT / "results/scorecards/backend-engineer/backend-engineer"


def test_columns_and_types_do_not_depend_on_what_there_is(card: Callable[..., Scorecard]) -> None:
    one = card({"login/security-sql": "PPF"})
    for level, table in (("grade", GRADES), ("criterion", CRITERIA), ("dimension", DIMENSIONS)):
        full, empty = evals.frame(CARDS, level=level), evals.frame([], level=level)  # type: ignore[arg-type]
        assert list(full.columns) == list(empty.columns) == list(table.names)
        assert full.dtypes.astype(str).tolist() == empty.dtypes.astype(str).tolist()
    assert evals.frame(one)["status"].tolist() == ["pass", "pass", "fail"]


def test_figures_are_those_of_the_scorecards() -> None:
    scores = evals.frame(CARDS, level="dimension")
    assert sorted(set(scores["revision"])) == ["0000", "0001", "0002"]
    read = read_card(CARDS / "0002.jsonl", "0002")
    for dimension in Dimension:
        line = read.dimension(dimension)
        found = scores[(scores["revision"] == "0002") & (scores["dimension"] == dimension.value)]["score"].tolist()
        assert found == ([] if line is None else [rounded(line.score)])
    grades = evals.frame(CARDS / "0002.jsonl")
    assert len(grades) == len(read.grades)
    assert grades["prevails"].sum() == sum(line.prevails for line in read.grades)
    criteria = evals.frame([read, CARDS / "0001.jsonl"], level="criterion")
    assert len(criteria) == len(read.criteria) * 2
    assert (criteria["scored"] + criteria["unscored"] + criteria["not_applicable"] == criteria["repeats"]).all()


def test_what_was_not_scored_is_no_zero(card: Callable[..., Scorecard]) -> None:
    one = card({"login/security-sql": "UU"})
    assert evals.frame(one, level="criterion")["rate"].isna().tolist() == [True]


def test_what_is_no_scorecard_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("[]\n", encoding="utf-8")
    for source in (tmp_path / "nothing", str(tmp_path / "bad.jsonl")):
        with pytest.raises(InputError):
            evals.frame(source)
    with pytest.raises(InputError, match="no level"):
        evals.frame(CARDS, level="trial")  # type: ignore[arg-type]  # that is the point


def test_importing_evals_loads_nothing() -> None:
    code = "import sys, evals; print(sorted(m for m in sys.modules if m.split('.')[0] in ('pandas', 'numpy', 'graders', 'yaml', 'datasets')))"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_the_code_in_the_docs_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/dataframes.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    (tmp_path / "results").symlink_to(ROOT / "results")
    monkeypatch.chdir(tmp_path)
    for block in blocks:
        exec(compile(block, "docs/dataframes.md", "exec"), {})  # noqa: S102 - our own documents
    assert "Security over revisions" in (tmp_path / "security.svg").read_text(encoding="utf-8")
    assert "transactionality" in capsys.readouterr().out
