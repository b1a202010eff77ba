"""How wide the terminal is, for texts that are laid out to fit it.

A pipe or a file has no width: there every row stays one line, so that `grep` and `diff` find it.
Here: the width. Not here: the layout.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NARROWEST = 20

ROOM: ContextVar[int | None] = ContextVar("room", default=None)
"""Columns there are; None: as many as it takes."""


@contextmanager
def terminal_room() -> Iterator[None]:
    """Within the block, texts fit the terminal that standard output is, if it is one."""
    columns = max(NARROWEST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None
    token = ROOM.set(columns)
    try:
        yield
    finally:
        ROOM.reset(token)


def wrapped(text: str) -> str:
    """Lines that are too long for the terminal, broken between words; names and paths stay whole.

    >>> token = ROOM.set(24)
    >>> print(wrapped("  one two three four five six"))
      one two three four
      five six
    >>> ROOM.reset(token)
    """
    room = ROOM.get()
    if room is None:
        return text
    return "\n".join(line if len(line) <= room else _broken(line, room) for line in text.split("\n"))


def _broken(line: str, room: int) -> str:
    indent = " " * min(len(line) - len(line.lstrip(" ")), room // 2)
    return textwrap.fill(
        line.strip(),
        room,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
