"""What the self-test found is kept, read back, refused when it is broken, and left out when it is of other attacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals import selftest_record
from evals.calibrate import attacks_measured
from evals.case import Case, Suite
from evals.errors import InputError
from evals.project import Project
from evals.selftest import Job, Report, Result
from evals.selftest_record import Known, read_record, record_path, write_record
from graders.execution import attack
from graders.registry import ATTACKS
from tests.conftest import attack_criterion

FIRST, SECOND = list(ATTACKS)[:2]


CASE = Case(
    id="c",
    version=1,
    family="f",
    title="t",
    message="m",
    attachments=(),
    files=(),
    criteria=(attack_criterion("locked", FIRST, judge=False), attack_criterion("limited", SECOND, judge=False)),
)
SUITE = Suite(id="s", persona="p", max_tokens=1, repeats=1, model="m", judge="j", unscored_limit=0.05, cases=(CASE,))


def result(name: str, should_fail: tuple[str, ...], failed: tuple[str, ...], passed: tuple[str, ...]) -> Result:
    suite = attack.Suite(name="a", attacks=(), files=(), run=lambda *_: {})
    job = Job(suite=suite, case=CASE, name=name, answer="good", text="", should_fail=should_fail)
    return Result(job=job, failed=failed, passed=passed, unscored=())


REPORT = Report(
    results=(
        result("good", (), (), ("locked", "limited")),
        result("no-lock", ("locked",), ("locked",), ("limited",)),
        result("no-lock-either", ("locked",), (), ("locked", "limited")),
        result("nothing", ("locked", "limited"), ("limited",), ("locked",)),
    )
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    home = Project(tmp_path)
    write_record(home, SUITE, REPORT)
    known, current = read_record(home, SUITE)
    assert current
    assert [one.name for one in known] == ["good", "no-lock", "no-lock-either", "nothing"]
    assert [one.truth("locked") for one in known] == [True, False, False, None]
    assert [one.said("locked") for one in known] == [True, False, True, True]


def test_attacks_are_measured_on_what_each_alone_should_notice(tmp_path: Path) -> None:
    home = Project(tmp_path)
    write_record(home, SUITE, REPORT)
    found = {one.grader: one.measures.confusion for one in attacks_measured(SUITE, read_record(home, SUITE)[0])}
    locked = found[FIRST]
    assert (locked.tp, locked.tn, locked.fp, locked.fn) == (1, 1, 1, 0), "one of two defects went unnoticed"
    limited = found[SECOND]
    assert (limited.tp, limited.tn, limited.fp, limited.fn) == (1, 0, 0, 0), "a defect of two criteria names neither"


def test_undecided_is_no_verdict() -> None:
    one = Known(case="c", answer="a", name="n", should_fail=("locked",), failed=(), passed=())
    assert one.said("locked") is None


def test_a_record_of_other_attacks_is_not_current(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Project(tmp_path)
    write_record(home, SUITE, REPORT)
    monkeypatch.setattr(selftest_record, "version_of", lambda *_: "box-9/9")
    assert read_record(home, SUITE)[1] is False


def test_no_record_is_nothing_known(tmp_path: Path) -> None:
    assert read_record(Project(tmp_path), SUITE) == ([], True)


@pytest.mark.parametrize("line", ["{", '{"line": "answer"}', "[]"])
def test_a_broken_record_names_its_line(tmp_path: Path, line: str) -> None:
    home = Project(tmp_path)
    path = write_record(home, SUITE, REPORT)
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_record(home, SUITE)
    assert (caught.value.faults[0].file, caught.value.faults[0].line) == ("results/selftest/s.jsonl", 6)


def test_the_record_that_ships_is_whole() -> None:
    """Every seeded defect that names a criterion is in it, and was noticed."""
    path = record_path(Project(Path(__file__).parent.parent), "backend-engineer")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()][1:]
    defects = [row for row in rows if row["should_fail"]]
    assert len(defects) == 234
    assert len(rows) - len(defects) == 14
    assert all(set(row["failed"]) & set(row["should_fail"]) for row in defects)
