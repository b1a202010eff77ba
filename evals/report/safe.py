"""Hostile text made harmless for the place it is shown in."""

from __future__ import annotations

import re
import unicodedata

RUNNER_COMMAND = re.compile(r"##(?=\[|vso\[)")


def plain(text: str, limit: int | None = None) -> str:
    """One line for a terminal or log: control and direction characters escaped, white space folded, cut at `limit`.

    >>> plain("a\\x1b[31m b\\n::error::x")
    'a\\\\x1b[31m b : :error::x'
    """
    folded = " ".join(text.split())
    shown = "".join(c if unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode() for c in folded)
    # a line that begins with `::`, or has `##[` anywhere, is a command to the runners of hosted CI
    shown = RUNNER_COMMAND.sub("# #", shown)
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


def line(text: str, limit: int | None = None) -> str:
    """One line of a listing: like `plain`, but white space stays as it is and a tab becomes four spaces.

    >>> line("    a\\tb\\r")
    '    a    b\\\\r'
    """
    spaced = text.replace("\t", "    ")
    shown = "".join(
        c if unicodedata.category(c)[0] not in "CZ" or c == " " else c.encode("unicode_escape").decode() for c in spaced
    )
    return shown if limit is None or len(shown) <= limit else shown[: limit - 1] + "…"


LINKED = re.compile(r"&#64;|&amp;|&lt;|&gt;|#|://|\bwww\.|\bGH-|[$~]", re.IGNORECASE)


def comment(text: str, limit: int | None = None) -> str:
    """Words in a comment of a hosted page: like `cell`, and nobody is mentioned, no issue or address is linked.

    Such pages link by the text alone, after Markdown is read, so an entity is not enough: an invisible space is put in.

    >>> comment("see #1 @a")
    'see #&#8203;1 &#64;&#8203;a'
    """
    return LINKED.sub(
        lambda found: found[0] if found[0] in ("&amp;", "&lt;", "&gt;") else _parted(found[0]), cell(text, limit)
    )


def _parted(linked: str) -> str:
    """An invisible space after the first character (an entity counts as one)."""
    first = linked if linked.startswith("&") else linked[0]
    return f"{first}&#8203;{linked[len(first) :]}"


def code(text: str, limit: int | None = None) -> str:
    """A quote or name as inline code in a Markdown table: nothing in it is markup, mention or link.

    Renderers differ on a bar or a backtick inside code in a table; such a text is spelled in entities.

    >>> code("a *b*"), code("a|b")
    ('`a *b*`', '<code>a&#124;b</code>')
    """
    shown = plain(text, limit)
    if not shown:
        return ""
    if not set(shown) & {"|", "`"}:
        return f"`{shown}`"
    spelled = (c if c.isalnum() or c == " " or not c.isascii() else f"&#{ord(c)};" for c in shown)
    return f"<code>{''.join(spelled)}</code>"
