"""A quote in its place: the lines of the answer around it, numbered, those that it covers marked.

Here: cutting and marking. Not here: finding the answer or the quote.
"""

from __future__ import annotations

from collections.abc import Iterator

from evals.report.safe import plain

AROUND = 2
"""Lines shown before and after a quote."""
WIDTH = 160


def in_place(answer: str, quote: str, line: int) -> Iterator[str]:
    """Numbered lines of the answer around a quote that begins on the 1-based line.

    >>> print("\\n".join(in_place("one\\ntwo\\nthree\\nfour\\nfive", "three", 3)))
         1   one
         2   two
         3 > three
         4   four
         5   five
    """
    lines = answer.split("\n")
    last = line + _height(lines[line - 1 :], quote) - 1
    for number in range(max(1, line - AROUND), min(len(lines), last + AROUND) + 1):
        mark = ">" if line <= number <= last else " "
        text = lines[number - 1].expandtabs(4)
        indent = " " * min(len(text) - len(text.lstrip(" ")), WIDTH // 2)
        yield f"{number:6} {mark} {indent}{plain(text, WIDTH)}".rstrip()


def _height(lines: list[str], quote: str) -> int:
    """How many lines it takes to hold the quote's words, white space aside."""
    wanted = "".join(quote.split())
    held = ""
    for count, text in enumerate(lines, 1):
        held += "".join(text.split())
        if wanted in held:
            return count
    return 1
