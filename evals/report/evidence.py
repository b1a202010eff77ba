"""Where a quote stands in the answer that it was taken from.

Here: finding it. Not here: whether the quote proves anything, or how it is marked.
"""

from __future__ import annotations

import re

from graders.criterion import Evidence

MAX_WORDS = 2_000
"""A quote of more words than this is not looked for."""


def span(evidence: Evidence, text: str) -> tuple[int, int] | None:
    r"""Start and end (code points, half open) of a quote in a text, any white space counting as one space; the place
    on the line that the evidence names if there is one, else the first. None when it does not occur.

    >>> span(Evidence(quote="b c", line=2), "b c\na b  c")
    (6, 10)
    """
    words = evidence.quote.split()
    if not words or len(words) > MAX_WORDS:
        return None
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    found = pattern.search(text, _line_start(text, evidence.line)) or pattern.search(text)
    return found.span() if found else None


def _line_start(text: str, line: int | None) -> int:
    start = 0
    for _ in range((line or 1) - 1):
        start = text.find("\n", start) + 1
        if not start:
            return len(text)
    return start


def utf16(text: str) -> list[int] | None:
    """For each code point and the end: its offset in UTF-16 units, as browsers count; None where both are the same.

    >>> utf16("a"), utf16("😀a")
    (None, [0, 2, 3])
    """
    if not text or max(text) < "\U00010000":
        return None
    offsets = [0]
    for character in text:
        offsets.append(offsets[-1] + (2 if character >= "\U00010000" else 1))
    return offsets
