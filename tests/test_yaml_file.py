"""YAML without its surprises."""

from __future__ import annotations

import pytest

from evals.yaml_file import read_yaml


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "stands here twice"),
        ("a: &x [1]\nb: *x\n", 1, "anchors and aliases"),
        ("1: a\n", 1, "is not a string"),
        ("true: a\n", 1, "is not a string"),
        ("? [a]\n: b\n", 1, "is not a string"),
        ("a: no\n", 1, "would be read as bool"),
        ("a: 2024-01-01\n", 1, "would be read as timestamp"),
        ("a: 012\n", 1, "would be read as int"),
        ("a: 12:30:45\n", 1, "would be read as int"),
        ("a: .inf\n", 1, "would be read as float"),
        ("a: !!python/name:os.system x\n", 1, "would be read as"),
        ("a: [1\nb: 2\n", 2, "not valid YAML"),
        ("a: 'x\n", 2, "not valid YAML"),
        ("\t- a\n", 1, "not valid YAML"),
        ("", None, "is empty"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
    ],
)
def test_surprises_are_faults_with_their_line(text: str, line: int | None, message: str) -> None:
    _, faults = read_yaml(text, "x.yaml")
    assert [fault.line for fault in faults][:1] == [line]
    assert message in faults[0].message


def test_all_faults_are_reported_at_once() -> None:
    _, faults = read_yaml("a: no\nb: 012\nb: 1\n", "x.yaml")
    assert [fault.line for fault in faults] == [1, 2, 3]


def test_plain_data_and_its_lines() -> None:
    located, faults = read_yaml("a: 1\nb:\n  - x\n  - c: true\nd: null\ne: 0.5\n", "x.yaml")
    assert faults == []
    assert located.data == {"a": 1, "b": ["x", {"c": True}], "d": None, "e": 0.5}
    assert located.line(("b", 1, "c")) == 4
    assert located.line(("b", 1, "missing")) == 4


def test_an_alias_bomb_is_refused_before_it_unfolds() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    located, faults = read_yaml("\n".join(lines), "x.yaml")
    assert faults
    assert located.data is None


def test_deep_nesting_is_refused() -> None:
    _, faults = read_yaml("[" * 5000 + "]" * 5000, "x.yaml")
    assert faults
