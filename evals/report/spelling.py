"""Any text on any terminal: what an encoding has no letter for is written in letters that it has.

Here: the replacement, and setting streams to it. Not here: making hostile text harmless (`safe`).
"""

from __future__ import annotations

import codecs
import io
from typing import TextIO

NAME = "evals.spelled"
LETTERS = {
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "×": "x",
    "·": ".",
    "→": "->",
    "←": "<-",
    "≤": "<=",
    "≥": ">=",
    "±": "+/-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "\u00a0": " ",
}


def spelled(error: UnicodeError) -> tuple[str, int]:
    """A handler of encoding errors: our own signs in plain letters, everything else as its escape.

    >>> codecs.register_error(NAME, spelled)
    >>> "−0.05 … ä".encode("ascii", NAME)
    b'-0.05 ... \\\\xe4'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(LETTERS.get(c) or c.encode("unicode_escape").decode() for c in letters), error.end


def spell(*streams: TextIO) -> None:
    """Let streams take any text; those that are no encoded streams take it already."""
    codecs.register_error(NAME, spelled)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=NAME)


def takes_anything(stream: TextIO) -> bool:
    """Whether every character can be written as it is."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-").startswith("utf")
