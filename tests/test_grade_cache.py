"""The memory of grades: strict rows, marks that stand for everything, and only what changed is graded anew."""

from __future__ import annotations

import ast
import asyncio
import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.case import Case
from evals.errors import InputError
from evals.grade_cache import BATCH, GradeCache, entry_of, grades_in, row_key
from evals.grade_marks import attack_mark, rule_mark
from evals.grading import Split, grade_answer, in_case_order
from evals.load import load_suite
from evals.project import Project
from evals.remembering import Remembering, lasts
from graders import code
from graders.answer import Answer, read_answer
from graders.criterion import Criterion, Evidence, Grade, GraderRef, Kind, Status
from graders.registry import RULES_BY_ID
from graders.rules.grading import rules_version
from graders.text_check import TextCheck, TextOp
from graders.text_grading import grade_texts
from graders.work import Criteria, attacked, by_rule, ruled

TEXT = 'Because.\n\n```python\n# app.py\ndb.execute(f"SELECT id FROM t WHERE a = {a}")\n```\n'
KEY = row_key(Kind.RULE, "task", TEXT)
ENTRY = [["pass", "fine", [["a quote", 3], ["a transcript", None]]]]
GRADER = (("some-rule", "1"),)


@pytest.fixture
def memory(tmp_path: Path) -> GradeCache:
    return GradeCache(tmp_path / "grades")


def rules_only(case: Case) -> Case:
    """Three criteria that two rules decide."""
    first, second = case.criteria
    sql = (GraderRef(kind=Kind.RULE, rules=("py-sql-injection",)),)
    both = (
        GraderRef(kind=Kind.RULE, rules=("py-hardcoded-secret",)),
        GraderRef(kind=Kind.RULE, rules=("py-sql-injection",)),
    )
    return replace(
        case,
        criteria=(
            replace(first, graders=sql),
            replace(second, graders=(GraderRef(kind=Kind.RULE, rules=("py-hardcoded-secret",)),)),
            replace(second, id="both", graders=both),
        ),
    )


@pytest.fixture
def case(project: Path) -> Case:
    return rules_only(load_suite(Project(project), "small").cases[0])


class Counting:
    """Grades here, and notes which criteria it was given."""

    width = 1

    def __init__(self) -> None:
        self.given: list[str] = []

    async def grades(self, case: Case, criteria: Criteria, text: str) -> tuple[Grade, ...]:
        self.given += [criterion.id for criterion in criteria]
        return by_rule(criteria, case.task, text)


def graded(memory: GradeCache, case: Case, text: str = TEXT) -> tuple[tuple[Grade, ...], list[str]]:
    """Grades, and the criteria that were graded for them."""
    work = Counting()
    found = asyncio.run(Remembering(work, memory, Kind.RULE, rule_mark).grades(case, ruled(case.criteria), text))
    return found, work.given


def test_what_was_graded_once_is_not_graded_again(memory: GradeCache, case: Case, tmp_path: Path) -> None:
    first, given = graded(memory, case)
    assert given == ["sql-safe", "explains", "both"]
    assert Status.FAIL in {grade.status for grade in first}
    assert graded(memory, case) == (first, [])
    memory.close()
    with GradeCache(tmp_path / "grades") as again:
        assert graded(again, case) == (first, [])
    assert first == by_rule(ruled(case.criteria), case.task, TEXT)


def test_a_check_of_the_text_is_neither_looked_up_nor_given_away(memory: GradeCache, case: Case) -> None:
    plain = (GraderRef(kind=Kind.RULE, text=TextCheck(op=TextOp.CONTAINS, values=("Because",))),)
    in_file = (replace(plain[0], file="app.py"),)
    first, second, third = case.criteria
    mixed = replace(
        case, criteria=(first, replace(second, graders=plain), replace(third, graders=(*plain, *third.graders)))
    )
    mixed = replace(mixed, criteria=(*mixed.criteria, replace(third, id="file", graders=in_file)))
    work = Counting()
    split = Split(Remembering(work, memory, Kind.RULE, rule_mark), lambda *_: ())
    found = asyncio.run(split.grades(mixed, TEXT))
    assert work.given == ["sql-safe", "both", "file"]
    assert in_case_order(mixed, found) == grade_answer(mixed, TEXT)


def test_an_answer_is_read_as_markdown_only_for_graders_that_need_it(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\ufeffBecause\r\n\u200bof <thinking>\nit\n</thinking>\n```python\nx = 1\n```\n"
    criteria = tuple(
        replace(
            case.criteria[0],
            id=str(number),
            graders=(GraderRef(kind=Kind.RULE, text=TextCheck(op=TextOp.CONTAINS, values=(phrase,))),),
        )
        for number, phrase in enumerate(("ecause\nof", "it", "```"))
    )
    read = tuple(grade_texts(criteria, read_answer(text, case.task)))

    def refused(*_: object) -> Answer:
        raise AssertionError

    monkeypatch.setattr("graders.static.read_answer", refused)
    assert by_rule(criteria, case.task, text) == read
    with pytest.raises(AssertionError):
        by_rule(case.criteria[:1], case.task, text)


def test_another_version_of_a_rule_touches_only_its_criteria(
    memory: GradeCache, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = graded(memory, case)
    monkeypatch.setattr(type(RULES_BY_ID["py-sql-injection"]), "version", 99)
    rules_version.cache_clear()
    try:
        after, given = graded(memory, case)
        assert given == ["sql-safe", "both"]
        changed = [(a.criterion, a.grader) for a, b in zip(after, before, strict=True) if a.version != b.version]
        assert changed == [("sql-safe", "py-sql-injection"), ("both", "py-sql-injection")]
        assert graded(memory, case) == (after, [])
    finally:
        rules_version.cache_clear()


def test_a_changed_character_grades_all_anew(memory: GradeCache, case: Case) -> None:
    graded(memory, case)
    assert graded(memory, case, TEXT + " ")[1] == ["sql-safe", "explains", "both"]


@pytest.mark.parametrize(
    "change",
    [
        lambda case: replace(case, message=case.message + "!"),
        lambda case: replace(case, files=(*case.files, "other.py")),
        lambda case: replace(case, attachments=()),
    ],
)
def test_another_task_grades_all_anew(memory: GradeCache, case: Case, change: Callable[[Case], Case]) -> None:
    graded(memory, case)
    assert graded(memory, change(case))[1] == ["sql-safe", "explains", "both"]


def test_another_criterion_is_graded_anew_and_the_others_are_not(memory: GradeCache, case: Case) -> None:
    graded(memory, case)
    moved = replace(case.criteria[0], graders=(replace(case.criteria[0].graders[0], file="app.py"),))
    assert graded(memory, replace(case, criteria=(moved, *case.criteria[1:])))[1] == ["sql-safe"]


def test_code_and_parsers_are_in_the_mark(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    criterion = case.criteria[0]
    before = rule_mark(criterion)
    monkeypatch.setattr("evals.grade_marks.parsers", lambda: "python-4.0")
    other = rule_mark(criterion)
    monkeypatch.setattr("evals.grade_marks.rule_code", lambda rules: "edited")
    assert len({before, other, rule_mark(criterion)}) == 3


def test_attacks_and_isolation_are_in_the_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    suite = load_suite(Project(Path(__file__).parent.parent), "backend-engineer")
    criterion = attacked(suite.cases[0].criteria)[0]
    marks = {attack_mark(criterion, box) for box in ("bubblewrap", "landlock")}
    monkeypatch.setattr("graders.work.attacks_version", lambda attacks: "newer")
    marks.add(attack_mark(criterion, "landlock"))
    monkeypatch.setattr("evals.grade_marks.attack_code", lambda: "edited")
    marks.add(attack_mark(criterion, "landlock"))
    assert len(marks) == 4


@pytest.mark.parametrize(
    ("kind", "status", "reason", "kept"),
    [
        (Kind.RULE, Status.UNSCORED, "ruff failed: timeout", False),
        (Kind.RULE, Status.UNSCORED, "the answer has no place that these rules judge", True),
        (Kind.EXECUTION, Status.UNSCORED, "could not be executed here: no box", False),
        (Kind.EXECUTION, Status.FAIL, "JWT-SEC-1: it did", True),
    ],
)
def test_what_the_machine_could_not_do_is_not_remembered(kind: Kind, status: Status, reason: str, kept: bool) -> None:
    grade = Grade(criterion="c", status=status, kind=kind, grader="g", version="1", reason=reason)
    assert lasts(grade) is kept


def test_a_lost_grade_is_computed_and_the_good_ones_stay(memory: GradeCache, case: Case) -> None:
    first, _ = graded(memory, case)
    key = next(iter(memory._waiting))
    entries = dict(memory._waiting[key])
    entries[rule_mark(case.criteria[0])] = [["splendid", "", []]]
    memory._waiting[key] = entries
    assert graded(memory, case) == (first, ["sql-safe"])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Status),
            st.text(),
            st.lists(st.tuples(st.text(), st.none() | st.integers(1, 10**6)), max_size=3),
        ),
        max_size=3,
    )
)
def test_grades_come_back_as_they_were(parts: list[tuple[Status, str, list[tuple[str, int | None]]]]) -> None:
    graders = [(f"g{number}", str(number)) for number in range(len(parts))]
    grades = tuple(
        Grade(
            criterion="c",
            status=status,
            kind=Kind.RULE,
            grader=grader,
            version=version,
            reason=reason,
            evidence=tuple(Evidence(quote=quote, line=line) for quote, line in evidence),
        )
        for (status, reason, evidence), (grader, version) in zip(parts, graders, strict=True)
    )
    assert grades_in(entry_of(grades), "c", Kind.RULE, graders) == grades


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {},
        [["pass", "fine"]],
        [["pass", "fine", []], ["pass", "fine", []]],
        [["splendid", "fine", []]],
        [["pass", 7, []]],
        [["pass", "fine", [["q", "3"]]]],
        [["pass", "fine", [["q", True]]]],
        [["pass", "fine", [[None, 3]]]],
        [["pass", "fine", 5]],
        [[["pass"], "fine", []]],
    ],
)
def test_what_is_no_entry_is_absent(entry: object) -> None:
    assert grades_in(ENTRY, "c", Kind.RULE, GRADER) is not None
    assert grades_in(entry, "c", Kind.RULE, GRADER) is None


def rows(tmp_path: Path) -> sqlite3.Connection:
    return sqlite3.connect(tmp_path / "grades/grades.sqlite3", isolation_level=None)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("value", b"not packed"),
        ("value", zlib.compress(b'{"m": [["fail", "forged", []]]}')),
        ("sum", b"0" * 16),
        ("value", "text"),
        ("value", 5),
    ],
)
def test_a_damaged_row_counts_as_absent(tmp_path: Path, column: str, value: object) -> None:
    with GradeCache(tmp_path / "grades") as memory:
        memory.put(KEY, {"m": ENTRY})
    with GradeCache(tmp_path / "grades") as memory:
        assert memory.get(KEY) == {"m": ENTRY}
    with rows(tmp_path) as raw:
        raw.execute(f"UPDATE grades SET {column} = ?", (value,))  # noqa: S608 - the column is one of the two above
    with GradeCache(tmp_path / "grades") as memory:
        assert memory.get(KEY) == {}
        assert memory.prune({"m"}) == 1
        assert len(memory) == 0


def test_a_row_that_unpacks_without_end_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with GradeCache(tmp_path / "grades") as memory:
        memory.put(KEY, {"m": [["pass", "x" * 5000, []]]})
    monkeypatch.setattr("evals.grade_cache.MOST", 1000)
    with GradeCache(tmp_path / "grades") as memory:
        assert memory.get(KEY) == {}


def test_a_row_belongs_to_its_key(tmp_path: Path) -> None:
    """A row moved to another answer would give that one the first one's grades."""
    with GradeCache(tmp_path / "grades") as memory:
        memory.put(KEY, {"m": ENTRY})
    other = row_key(Kind.RULE, "task", "another text")
    with rows(tmp_path) as raw:
        raw.execute("UPDATE grades SET key = ?", (other,))
    with GradeCache(tmp_path / "grades") as memory:
        assert memory.get(other) == {}


@pytest.mark.parametrize(
    "harm", ["CREATE VIEW v AS SELECT 1", "CREATE TRIGGER t AFTER INSERT ON grades BEGIN SELECT 1; END"]
)
def test_a_file_with_other_things_in_it_is_refused(tmp_path: Path, harm: str) -> None:
    GradeCache(tmp_path / "grades").close()
    with rows(tmp_path) as raw:
        raw.execute(harm)
    with pytest.raises(InputError, match="it holds other things than grades"):
        GradeCache(tmp_path / "grades")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "grades").mkdir()
    (tmp_path / "grades/grades.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(InputError, match=r"cannot be used .*delete the folder, nothing depends on it"):
        GradeCache(tmp_path / "grades")


def test_many_rows_are_written_together_and_all_are_there(tmp_path: Path) -> None:
    keys = [row_key(Kind.RULE, "task", str(number)) for number in range(BATCH + 10)]
    with GradeCache(tmp_path / "grades") as memory:
        for key in keys:
            memory.put(key, {"m": ENTRY})
        assert len(memory) == BATCH
        assert all(memory.get(key) for key in keys)
    with GradeCache(tmp_path / "grades") as memory:
        assert len(memory) == len(keys)
        assert memory.clear() == len(keys)
        assert memory.get(keys[0]) == {}


def test_entries_of_other_versions_stay_until_they_are_pruned(tmp_path: Path) -> None:
    with GradeCache(tmp_path / "grades") as memory:
        memory.put(KEY, {"old": ENTRY})
        memory.put(KEY, {"new": ENTRY})
    with GradeCache(tmp_path / "grades") as memory:
        assert set(memory.get(KEY)) == {"old", "new"}
        assert memory.prune({"new"}) == 1
        assert set(memory.get(KEY)) == {"new"}
        assert memory.prune(()) == 1
        assert len(memory) == 0


def test_a_disk_that_takes_nothing_is_told_at_the_end(tmp_path: Path) -> None:
    memory = GradeCache(tmp_path / "grades")
    memory._rows.execute("PRAGMA query_only = ON")
    memory.put(KEY, {"m": ENTRY})
    assert "readonly" in memory.close()


def test_imports_are_found_as_python_finds_them() -> None:
    """The quick look at import lines sees every import of this package that the syntax tree holds."""
    for path in code.PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and (n.module or "").startswith("graders")]
        named = [name for n in nodes for name in (n.module or "", *(f"{n.module}.{alias.name}" for alias in n.names))]
        plain = [
            alias.name
            for n in ast.walk(tree)
            if isinstance(n, ast.Import)
            for alias in n.names
            if alias.name.startswith("graders")
        ]
        assert plain == [], f"{path}: `import graders…` is not looked for"
        assert {file for name in named for file in code._files(name)} == set(code._imports(path)), path


def test_the_code_of_a_rule_is_its_own_and_what_it_is_made_of() -> None:
    sql, secret = (
        code._closure([type(RULES_BY_ID[name]).__module__]) for name in ("py-sql-injection", "py-hardcoded-secret")
    )
    names = {path.name for path in sql}
    assert {"py_injection.py", "rule.py", "source.py"} <= names
    assert "py_secrets.py" not in names
    assert code.rule_code([RULES_BY_ID["py-sql-injection"]]) != code.rule_code([RULES_BY_ID["py-hardcoded-secret"]])
    assert secret


def test_a_criterion_has_one_mark(case: Case) -> None:
    def mark(criterion: Criterion) -> str:
        return rule_mark(criterion)

    assert len({mark(criterion) for criterion in case.criteria}) == 3
    assert mark(case.criteria[0]) == mark(replace(case.criteria[0]))
