"""Hostile text made harmless for the place it is shown in."""

from __future__ import annotations

import unicodedata


def plain(text: str, limit: int | None = None) -> str:
    """One line for a terminal or log: control and direction characters escaped, white space folded, cut at `limit`.

    >>> plain("a\\x1b[31m b\\n::error::x")
    'a\\\\x1b[31m b : :error::x'
    """
    folded = " ".join(text.split())
    shown = "".join(c if unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode() for c in folded)
    # a line that begins with `::` is a command to the runners of hosted CI
    shown = shown.replace(" ::", " : :") if not shown.startswith("::") else f": {shown[1:]}".replace(" ::", " : :")
    return shown if limit is None or len(shown) <= limit else shown[: limit - 1] + "…"


def cell(text: str, limit: int | None = None) -> str:
    """One cell of a Markdown table.

    >>> cell("a | <b>")
    'a \\\\| &lt;b&gt;'
    """
    escaped = plain(text, limit).replace("\\", "\\\\")
    for character, replacement in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("|", "\\|"),
        ("`", "\\`"),
        ("*", "\\*"),
        ("_", "\\_"),
        ("[", "\\["),
        ("@", "&#64;"),
    ):
        escaped = escaped.replace(character, replacement)
    return escaped
