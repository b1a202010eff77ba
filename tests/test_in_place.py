"""Quotes are shown where they stand."""

from __future__ import annotations

from evals.report.in_place import in_place

ANSWER = "a\n    b = 1\n    c = 2\nd\ne\nf"


def test_a_quote_over_two_lines_is_marked_whole() -> None:
    assert list(in_place(ANSWER, "b = 1\n  c = 2", 2)) == [
        "     1   a",
        "     2 >     b = 1",
        "     3 >     c = 2",
        "     4   d",
        "     5   e",
    ]


def test_the_last_line_has_nothing_after_it() -> None:
    assert list(in_place(ANSWER, "f", 6)) == ["     4   d", "     5   e", "     6 > f"]


def test_nothing_of_the_answer_reaches_the_terminal_raw() -> None:
    shown = "\n".join(in_place("x\n\x1b[31mred\u202e\ny", "red", 2))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
