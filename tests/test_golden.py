"""Golden files: committed scorecards follow from committed recordings, and tables look as they looked.

`make golden` rewrites tests/golden/; `make eval` rewrites results/.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests/golden"
Cli = Callable[..., tuple[int, str, str]]


def test_the_committed_scorecards_follow_from_the_recordings(tmp_path: Path, cli: Cli) -> None:
    # CI runs the answers' code too, by `make eval`, and refuses a grade that differs from the recorded one
    code, _, err = cli(ROOT, "run", "--no-execute", "--out", str(tmp_path))
    assert code == 0, err
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    kept = {
        path.relative_to(ROOT / "results/scorecards"): path.read_bytes()
        for path in (ROOT / "results/scorecards").rglob("*")
        if path.is_file()
    }
    assert sorted(made) == sorted(kept)
    assert [str(path) for path in made if made[path] != kept[path]] == [], "run `make eval` and look at the diff"


VIEWS = {
    "show.txt": ("show",),
    "items.txt": ("show", "--items"),
    "one.txt": ("show", "0001"),
    "coverage.txt": ("coverage",),
    "rules.txt": ("list", "rules"),
    "help.txt": ("--help",),
    "run-help.txt": ("run", "--help"),
}


@pytest.mark.parametrize("name", VIEWS)
def test_what_commands_print(
    name: str, cli: Cli, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    code, out, _ = cli(ROOT, *VIEWS[name])
    assert code == 0
    path = GOLDEN / name
    if request.config.getoption("--golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(out, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == out, "if that is meant: `make golden`"
