"""Tables on a terminal that is narrower than they are: cells wrapped between words, or each row as a list of its own.

Here: the layout. Not here: how wide the terminal is (`width`), or what the tables say.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

PAINT = re.compile(r"\x1b\[[0-9;]*m")
GAP = 2


def seen(text: str) -> int:
    """Columns that the longest line of a text takes; colour takes none."""
    return max((len(PAINT.sub("", line)) for line in text.split("\n")), default=0)


def fitted(rows: Sequence[Sequence[str]], headers: Sequence[str], room: int) -> list[list[str]] | None:
    """Headers and rows with their cells wrapped so that all columns fit; None where words would have to be cut.

    >>> fitted([["one two", "x"]], ["a", "b"], 6)
    [['a', 'b'], ['one\\ntwo', 'x']]
    """
    columns = list(zip(headers, *rows, strict=True))
    widths = [max(map(seen, column)) for column in columns]
    least = [max(map(_longest_word, column)) for column in columns]
    room -= GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    while sum(widths) > room:
        slack = [width - floor for width, floor in zip(widths, least, strict=True)]
        widest = max((number for number in range(len(widths)) if slack[number]), key=lambda number: widths[number])
        widths[widest] -= 1
    return [[_wrap(cell, width) for cell, width in zip(row, widths, strict=True)] for row in (headers, *rows)]


def _longest_word(cell: str) -> int:
    """What a cell cannot be narrower than. Painted cells stay whole: colour must not run into the next column."""
    if PAINT.search(cell):
        return seen(cell)
    return max(map(len, re.split(r"\s+|(?<=-)", cell)), default=0)


def _wrap(cell: str, width: int) -> str:
    if seen(cell) <= width:
        return cell
    return "\n".join(textwrap.fill(line, width, break_long_words=False) for line in cell.split("\n"))


def listed(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    """Each row as lines of its own: the first cell, and below it the others by their headers; empty ones are left out.

    >>> print(listed([["login", "1", ""]], ["case", "version", "notes"]))
    login
      version: 1
    """
    return "\n".join(line for row in rows for line in _entry(row, headers))


def _entry(row: Sequence[str], headers: Sequence[str]) -> Iterator[str]:
    yield row[0]
    for header, cell in zip(headers[1:], row[1:], strict=True):
        if cell:
            yield f"  {header}: {cell}".replace("\n", "\n    ") if header else f"  {cell}"
