"""Tables, and hostile text in them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.report.safe import cell, plain
from evals.report.tables import edge, table


@given(st.text())
def test_nothing_can_move_the_cursor_or_break_a_line(text: str) -> None:
    shown = plain(text)
    assert all(unicodedata.category(character)[0] != "C" for character in shown)
    assert "\n" not in shown


@given(st.text())
def test_no_line_is_a_command_to_ci(text: str) -> None:
    assert not plain(text).startswith("::")


@pytest.mark.parametrize(
    "text", ["##[error]x", "a ##[add-mask]x", "###[group]", "##vso[task.setvariable]x", "##\n[error]"]
)
def test_older_commands_to_ci_are_broken_too(text: str) -> None:
    """Runners look for these anywhere in a line."""
    assert "##[" not in plain(text)
    assert "##vso[" not in plain(text)


@given(st.text(), st.text())
def test_a_markdown_table_keeps_its_shape(one: str, two: str) -> None:
    lines = table([[cell(one), cell(two)]], ["a", "b"], markdown=True).split("\n")
    assert len(lines) == 3
    unescaped = lines[2].replace("\\\\", "").replace("\\|", "")
    assert unescaped.count("|") == 3


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "<img src=x onerror=y>", "@everyone", "[x](javascript:y)"]
)
def test_markup_in_a_cell_stays_text(text: str) -> None:
    shown = cell(text)
    assert "<" not in shown
    assert "@" not in shown
    assert not shown.startswith("[")


def test_ids_are_not_read_as_numbers() -> None:
    assert "0001" in table([["0001", "1e5"]], ["a", "b"])
    assert "1e5" in table([["0001", "1e5"]], ["a", "b"])


@pytest.mark.parametrize(
    ("rates", "expected"), [([1.0], "ceiling"), ([0.0, 0.0], "floor"), ([0.99, 1.0], ""), ([], "")]
)
def test_edges(rates: list[float], expected: str) -> None:
    assert edge(rates) == expected
