"""An answer's characters, before any Markdown: line ends, invisible characters, and the model's reasoning.

Here: what is taken out or replaced without changing the number of lines. Not here: anything about code or fences' contents.
"""

from __future__ import annotations

import re
from bisect import bisect_left

ZERO_WIDTH = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
ODD_SPACES = re.compile("[\u00a0\u2007\u202f]")
SURROGATES = re.compile("[\ud800-\udfff]")
TAGS = r"(?:antml:)?(?:thinking|think|thoughts?|reasoning|scratchpad|inner_monologue|reflection)"
OPENING = re.compile(rf"<({TAGS})(?:\s[^<>\n]{{0,200}})?>", re.IGNORECASE)
CLOSING = re.compile(rf"</({TAGS})\s*>", re.IGNORECASE)
FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})([^\n]*)")

Spans = list[tuple[int, int]]


def normalised(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as all else reads it, and notes on what a reader of the original would have stumbled over."""
    notes: list[str] = []
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    plain = text.isascii()
    if "\0" in text or (not plain and SURROGATES.search(text)):
        # halves of a pair become one character; single halves cannot be written to any file
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")
        notes.append("characters that no file can hold were replaced")
    if not plain and ZERO_WIDTH.search(text):
        text = ZERO_WIDTH.sub("", text)
        notes.append("zero-width characters were removed")
    if not plain and ODD_SPACES.search(text):
        text = ODD_SPACES.sub(" ", text)
        notes.append("non-breaking spaces became spaces")
    spans = _reasoning(text)
    if spans:
        text = _blanked(text, spans)
        notes.append("a reasoning section was left out")
    return text, tuple(notes)


def _blanked(text: str, spans: Spans) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += [text[at:start], "\n" * text.count("\n", start, end)]
        at = end
    return "".join([*parts, text[at:]])


def _reasoning(text: str) -> Spans:
    """Where the reasoning sections stand. Tags in fences and in code spans are code, not sections."""
    closings: dict[str, Spans] = {}
    for found in CLOSING.finditer(text):
        closings.setdefault(found[1].lower(), []).append(found.span())
    lead = OPENING.match(text, len(text) - len(text.lstrip()))
    if not closings:
        # an answer that never left its reasoning holds no answer; a tag further down may be one that is talked about
        return [(lead.start(), len(text))] if lead else []
    spans: Spans = []
    fence = ""
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        mark = FENCE.match(line)
        after = end + 1
        if fence:
            fence = "" if mark and mark[1].startswith(fence) and not mark[2].strip() else fence
        elif mark:
            fence = mark[1]
        elif section := _section(text, at, line, closings, first=not spans):
            spans.append(section)
            after = section[1]
        at = after
    return spans or ([(lead.start(), len(text))] if lead else [])


def _section(text: str, at: int, line: str, closings: dict[str, Spans], *, first: bool) -> tuple[int, int] | None:
    opening = next((found for found in OPENING.finditer(line) if _spoken(line, found.start())), None)
    if opening:
        same = closings.get(opening[1].lower(), [])
        place = bisect_left(same, (at + opening.end(), 0))
        return (at + opening.start(), same[place][1]) if place < len(same) else None
    closing = CLOSING.search(line)
    if first and closing and _spoken(line, closing.start()):
        # some templates open the section in the prompt, so that the reply begins inside it
        return 0, at + closing.end()
    return None


def _spoken(line: str, at: int) -> bool:
    """Whether a place in a line is outside code spans."""
    return line.count("`", 0, at) % 2 == 0
