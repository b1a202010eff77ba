"""Prose without its Markdown: what a reader sees of a paragraph.

Here: inline marks, links, tags. Not here: which lines are prose (`graders/answer_fences.py`).
"""

from __future__ import annotations

import re

LONG = 20_000
"""Beyond this length a paragraph is no prose, and is kept as written."""

PIECE = re.compile(
    r"""(?P<ticks>`+)(?P<code>[^`\n]+(?:\n[^`\n]+)*)(?P=ticks)(?!`)
      | !?\[(?P<label>[^\[\]\n]{0,300})\]\((?:[^()\s]|\([^()\s]{0,200}\)){0,1000}(?:\s+"[^"\n]{0,200}")?\)
      | (?P<tag></?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>\n]{0,300})?/?>|<!--[^\n]{0,300}?-->)
      | \\(?P<escaped>[!-/:-@\[-`{-~])
      | (?P<mark>\*{1,3}|~~|(?<![A-Za-z0-9])_{1,3}(?=[^\s_])|(?<=[^\s_])_{1,3}(?![A-Za-z0-9]))""",
    re.VERBOSE,
)
MARKS = re.compile(r"[`\[<\\*_~]")
"""One of these stands in every piece; most paragraphs have none, and need no closer look."""
KNOWN_TAGS = re.compile(
    r"</?(?:a|b|br|code|details|div|em|h[1-6]|hr|i|img|kbd|li|mark|ol|p|pre|s|small|span|strong|sub|summary|sup|table|tbody|td|th|"
    r"thead|tr|u|ul)\b|<!--",
    re.IGNORECASE,
)


def plain(markdown: str) -> str:
    """The text of a paragraph: marks, link targets and HTML tags left out, the text of code spans kept as it is."""
    if len(markdown) > LONG:
        return markdown
    if not MARKS.search(markdown):
        return markdown.strip()
    return PIECE.sub(_shown, markdown).strip()


def _shown(found: re.Match[str]) -> str:
    if found["code"] is not None:
        return str(found["code"])
    if found["label"] is not None:
        return plain(found["label"])
    if found["tag"] is not None:
        # `<uuid>` and `List<T>` are text that nobody escaped
        return "" if KNOWN_TAGS.match(found["tag"]) else str(found["tag"])
    if found["escaped"] is not None:
        return str(found["escaped"])
    return "" if _emphasis(found) else str(found["mark"])


def _emphasis(found: re.Match[str]) -> bool:
    """A star between two spaces is a multiplication; one that touches a word is emphasis."""
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    return not ((not before or before.isspace()) and (not after or after.isspace()))
