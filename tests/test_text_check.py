"""Checks of an answer's text: each can pass and can fail, says where, and no cunning of a case makes it run for long."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from evals.load import load_suite, read_suite
from evals.lock import make_lock
from evals.project import Project
from evals.run import grade_answer
from graders.answer import read_answer
from graders.criterion import Criterion, Dimension, Evidence, Grade, GraderRef, Kind, Sort, Status
from graders.json_shape import schema_faults, shape_errors
from graders.pattern import PatternError, check_pattern, find
from graders.text_check import TextCheck, TextOp, check_faults, check_json, read_check
from graders.text_grading import grade_texts

P, F, U = Status.PASS, Status.FAIL, Status.UNSCORED
ANSWER = "Bonjour le monde.\n\nIt is `Größe: 12`.\n"


def grade(text: str, check: dict[str, Any], file: str | None = None) -> Grade:
    criterion = Criterion(
        id="c",
        dimension=Dimension.JUDGEMENT,
        sort=Sort.TRIPWIRE,
        points=1,
        statement="s",
        guidance="g",
        covers=(),
        graders=(GraderRef(kind=Kind.RULE, text=read_check(check), file=file), GraderRef(kind=Kind.JUDGE)),
    )
    (only,) = grade_texts([criterion], read_answer(text))
    return only


PERSON = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}}}
CHECKS: list[tuple[dict[str, Any], str, str]] = [
    ({"contains": "le monde"}, ANSWER, "Bonjour le Monde"),
    ({"contains": ["Bonjour", "12"]}, ANSWER, "Bonjour"),
    ({"contains": "größe", "ignore_case": True}, ANSWER, "grosse"),
    ({"contains_any": ["Hola", "Bonjour"]}, ANSWER, "Hello"),
    ({"contains": "Hola", "not": True}, ANSWER, "Hola"),
    ({"contains_any": ["Hola", "Adiós"], "not": True}, ANSWER, "Adiós"),
    ({"equals": " 42\n"}, "\n42 ", "42."),
    ({"equals": "Paris", "ignore_case": True}, "PARIS", "Paris, France"),
    ({"starts_with": "Bonjour"}, ANSWER, "Salut. Bonjour"),
    ({"matches": r"Größe: \d+"}, ANSWER, "Größe: zwölf"),
    ({"matches": r"(?m)^it is", "ignore_case": True}, ANSWER, "so it is"),
    ({"matches": r"\d", "not": True}, "none", ANSWER),
    ({"json": True}, '\n {"a": [1]}\n', 'Here: {"a": 1}'),
    ({"json": PERSON}, '{"name": "Bo"}', '{"name": "bo"}'),
    ({"json": PERSON}, '{"name": "Bo"}', '{"title": "Bo"}'),
    ({"json": True, "not": True}, "no JSON", "[1, 2]"),
    ({"json": True}, "[1e400]", "[NaN]"),
]


@pytest.mark.parametrize(
    ("check", "good", "bad"), CHECKS, ids=[f"{n}-{next(iter(c))}" for n, (c, _, _) in enumerate(CHECKS)]
)
def test_each_check_passes_and_fails_with_evidence(check: dict[str, Any], good: str, bad: str) -> None:
    assert list(check_faults(read_check(check))) == []
    for text, status in ((good, P), (bad, F)):
        found = grade(text, check)
        assert (found.status, found.kind) == (status, Kind.RULE)
        assert found.reason
        for quote in found.evidence:
            assert quote.line is None or quote.quote in text.split("\n")[quote.line - 1]
        assert found.evidence


def test_what_is_found_is_quoted_and_what_is_not_is_told() -> None:
    assert grade(ANSWER, {"matches": "Größe: (.*)`"}).evidence == (Evidence(quote="It is `Größe: 12`.", line=3),)
    assert grade(ANSWER, {"contains": "Hola", "not": True}).evidence == (
        Evidence(quote="looked at 4 lines: not there: 'Hola'"),
    )
    long = "x" * 5000 + "needle" + "y" * 5000
    assert grade(long, {"contains": "needle"}).evidence == (Evidence(quote="needle", line=1),)


def test_silence_passes_nothing() -> None:
    assert grade(" \n", {"contains": "x"}).status is F
    assert grade(" \n", {"contains": "x", "not": True}).status is U
    assert grade("<thinking>secret plan</thinking>\nNo.", {"contains": "secret"}).status is F


def test_one_file_of_the_answer_can_be_looked_at() -> None:
    answer = "Use `eval`? No.\n\n```python app.py\nimport os\n\nprint(os.name)\n```\n"
    found = grade(answer, {"contains": "os.name"}, file="app.py")
    assert (found.status, found.evidence) == (P, (Evidence(quote="print(os.name)", line=6),))
    assert grade(answer, {"contains": "eval", "not": True}, file="app.py").status is P
    assert grade(answer, {"contains": "eval"}, file="other.py").status is U


def test_what_a_file_leaves_out_proves_nothing() -> None:
    answer = "```python app.py\nimport os\n\n# ... rest of the file unchanged ...\n```\n"
    assert grade(answer, {"contains": "import os"}, file="app.py").status is P
    assert grade(answer, {"contains": "eval(", "not": True}, file="app.py").status is U
    assert grade(answer, {"contains": "logging"}, file="app.py").status is U


@pytest.mark.parametrize("check", [c for c, _, _ in CHECKS])
def test_a_check_is_written_as_it_is_read(check: dict[str, Any]) -> None:
    read = read_check(check)
    assert read_check(check_json(read)) == read
    assert len(read.words) > 3


@pytest.mark.parametrize("pattern", ["(?<!x)y", r"(a)\1", "(", "[^]", "x" * 1001, "((a?){30}){30}b", "(?:a?){1000}"])
def test_expressions_that_are_not_taken(pattern: str) -> None:
    with pytest.raises(PatternError):
        check_pattern(pattern)
    assert list(check_faults(TextCheck(op=TextOp.MATCHES, values=(pattern,))))


def test_expressions_that_would_backtrack_for_ever_do_not() -> None:
    for pattern in ("(a+)+$", "(a|aa)+$", "(.*)*x", "^(([a-z])+.)+[A-Z]$"):
        assert find(pattern, "a" * 50_000 + "!") is None


SCHEMAS = [
    ({"$ref": "#"}, "$.$ref"),
    ({"properties": {"a": {"$dynamicRef": "#x"}}}, "$.properties.a.$dynamicRef"),
    ({"patternProperties": {"(a+)+$": True}}, "patternProperties"),
    ({"unevaluatedProperties": False}, "unevaluatedProperties"),
    ({"pattern": "(?=x)"}, "$.pattern"),
    ({"anyOf": [{"pattern": "(?=x)"}]}, "$.anyOf.0.pattern"),
    ({"requird": ["a"]}, "$.requird"),
    ({"type": "objekt"}, "$.type"),
    ({"items": 3}, "$.items"),
]


@pytest.mark.parametrize(("schema", "place"), SCHEMAS)
def test_schemas_that_are_not_taken(schema: dict[str, Any], place: str) -> None:
    assert any(place in fault for fault in schema_faults(schema))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
LEAVES = (
    st.builds(lambda value: {"const": value}, VALUES)
    | st.builds(lambda values: {"enum": values}, st.lists(VALUES, min_size=1, max_size=3))
    | st.builds(lambda name: {"type": name}, TYPES)
)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.fixed_dictionaries(
        {"required": st.lists(st.sampled_from("ab"), unique=True)},
        optional={
            "properties": st.dictionaries(st.sampled_from("ab"), inner),
            "additionalProperties": inner | st.booleans(),
            "items": inner,
        },
    ),
    max_leaves=3,
)


@given(schema=SHAPES, data=VALUES)
@example(schema={"const": 2**53 + 1}, data=2.0**53)
@example(schema={"const": 1}, data=True)
@example(schema={"const": [0]}, data=[False])
@example(schema={"type": "integer"}, data=1e300)
@example(schema={"enum": ["\ud800"]}, data="\ud800")
def test_the_quick_look_at_a_shape_says_what_the_slow_one_says(schema: dict[str, Any], data: Any) -> None:
    assert (shape_errors(data, json.dumps(schema)) == []) is Draft202012Validator(schema).is_valid(data)
    assert list(schema_faults(schema)) == []


def test_json_that_nests_too_deeply_is_no_crash() -> None:
    assert grade("[" * 100_000, {"json": True}).status is F
    deep = "[" * 900 + "]" * 900
    assert grade(deep, {"json": {"items": {"items": True}}}).status is P


TEXT = "      - text: {contains: Bonjour}\n      - judge"
RULE = "      - rules: [py-sql-injection]\n      - judge"
Edit = Callable[[Path, str, str], Project]


@pytest.fixture
def edited(project: Path) -> Edit:
    def edit(_: Path, old: str, new: str) -> Project:
        path = project / "cases/small/login.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        return Project(project)

    return edit


def test_a_case_spells_a_check_out_and_the_lock_knows(tmp_path: Path, edited: Edit) -> None:
    before = make_lock(load_suite(edited(tmp_path, RULE, RULE), "small"), (), ())
    suite = load_suite(edited(tmp_path, RULE, TEXT), "small")
    grades = grade_answer(suite.cases[0], "Bonjour")
    assert [(g.criterion, g.status, g.grader) for g in grades] == [("sql-safe", P, "text-contains")]
    after: Any = make_lock(suite, (), ())
    assert after["graders"]["text"] == 1
    assert "text" not in str(before["graders"])


@pytest.mark.parametrize(
    ("check", "place", "said"),
    [
        ("{contains: ''}", ".graders[0]", "a check of the text"),
        ("{}", ".graders[0]", "a check of the text"),
        ("{contains: a, equals: b}", ".graders[0]", "a check of the text"),
        ("{matches: '(?<!x)y'}", ".graders[0].text", "RE2"),
        ("{json: {$ref: '#'}}", ".graders[0].text", "not a keyword that is taken"),
        ("{json: true, ignore_case: true}", ".graders[0].text", "says nothing about JSON"),
        ("{contains: a, fuzzy: true}", ".graders[0]", "a check of the text"),
    ],
)
def test_a_wrong_check_is_told_with_its_line(tmp_path: Path, edited: Edit, check: str, place: str, said: str) -> None:
    faults = read_suite(edited(tmp_path, RULE, f"      - text: {check}\n      - judge"), "small").faults
    assert len(faults) == 1, faults
    assert faults[0].line is not None
    assert said in faults[0].message or place in faults[0].path


def test_checks_change_no_digest_of_cases_without_them(project: Path) -> None:
    case = load_suite(Project(project), "small").cases[0]
    assert case.digest == "4b3f456fd1b1b10796c9ed71bed9ff5f37b278406ad204d00cb8fe3d9e877b50"


NUMBER = {"properties": {"n": {"multipleOf": 0.1}}}


@pytest.mark.parametrize(
    ("schema", "answer", "status"),
    [
        ({"properties": {"n": {"pattern": "^.$"}}}, '{"n": "\\ud83d"}', P),
        ({"properties": {"n": {"pattern": "^x"}}}, '{"n": "\\ud83d"}', F),
        (NUMBER, '{"n": 1e999}', F),
        (NUMBER, '{"n": ' + "9" * 400 + "}", F),
        ({"properties": {"n": {"multipleOf": float("inf")}}}, '{"n": 1e999}', F),
        (NUMBER, '{"n": 1}', P),
    ],
)
def test_json_that_is_hard_to_look_at_is_decided(schema: dict[str, Any], answer: str, status: Status) -> None:
    assert grade(answer, {"json": schema}).status is status


def test_a_number_too_large_is_told() -> None:
    assert "too large to be checked" in str(grade('{"n": 1e999}', {"json": NUMBER}))


def test_half_a_character_and_endless_nesting_are_faults() -> None:
    with pytest.raises(PatternError, match="half a character"):
        check_pattern("\ud83d")
    (fault,) = check_faults(TextCheck(op=TextOp.MATCHES, values=("\ud83d",)))
    assert "half a character" in fault
    deep = TextCheck(op=TextOp.JSON, values=('{"not": ' * 3000 + "{}" + "}" * 3000,))
    assert list(check_faults(deep)) == ["its schema is nested too deeply"]
