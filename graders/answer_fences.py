"""The Markdown structure of an answer: headings, prose and fenced code, in order, by CommonMark's rules.

Here: what the parser says. Not here: fences that are plainly meant otherwise (`graders/answer_repair.py`), and what any of it means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from graders.answer_prose import plain

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LINE = re.compile(r"(?P<prefix>[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*[ \t>]*)(?P<mark>`{3,}|~{3,})(?P<info>.*)$")
OPTION_TITLE = 120
"""A run of bold text longer than this is no title."""


@dataclass(frozen=True, kw_only=True)
class FenceLine:
    """A line that opens or closes a fence, were it read as one."""

    prefix: str
    mark: str
    info: str

    @property
    def closes(self) -> bool:
        return not self.info

    def ends(self, opening: FenceLine) -> bool:
        """Whether it is long enough to close what the other opened."""
        return self.mark[0] == opening.mark[0] and len(self.mark) >= len(opening.mark)


def fence_line(line: str) -> FenceLine | None:
    """The fence that a line opens or closes; None where it can be neither."""
    found = LINE.match(line)
    if not found or (found["mark"][0] == "`" and "`" in found["info"]):
        return None
    return FenceLine(prefix=found["prefix"], mark=found["mark"], info=found["info"].strip())


@dataclass(frozen=True, kw_only=True)
class Prose:
    """A paragraph, or a heading (level 1 to 6; 0 for a paragraph)."""

    text: str
    start: int
    end: int
    level: int = 0
    path: tuple[str, ...] = ()
    """The headings above it, outermost first; a heading's own text is the last of its path."""
    bold: bool = False
    """A paragraph of bold text alone, which serves as a heading."""


@dataclass(frozen=True, kw_only=True)
class Fence:
    """A block of code between two fences, or indented."""

    text: str
    info: str
    start: int
    """0-based line of the opening fence; for indented code, the line before it."""
    end: int
    """The line after the closing fence."""
    closed: bool
    fenced: bool
    path: tuple[str, ...]
    lead: Prose | None
    """The paragraph or heading directly before it."""
    title: Prose | None
    """The nearest heading, where no other block of code stands between."""

    @property
    def heading(self) -> str:
        return self.path[-1] if self.path else ""


@dataclass(frozen=True, kw_only=True)
class Document:
    """All of it, in order."""

    parts: tuple[Prose | Fence, ...]

    @property
    def fences(self) -> tuple[Fence, ...]:
        return tuple(part for part in self.parts if isinstance(part, Fence))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # HTML blocks swallow the fences in them; link definitions are text that a reader sees; inline marks are ours to read
    return MarkdownIt("commonmark").disable(["html_block", "reference", "inline"])


def parse(lines: Sequence[str]) -> Document:
    """Read lines of Markdown."""
    walk = _Walk(lines=lines)
    opened: Token | None = None
    for token in _parser().parse("\n".join(lines)):
        if token.type in {"fence", "code_block"}:
            walk.code(token)
        elif token.type == "inline" and opened is not None:
            walk.prose(token, opened)
        elif token.type in {"heading_open", "paragraph_open"}:
            opened = token
    return Document(parts=tuple(walk.parts))


@dataclass(kw_only=True)
class _Walk:
    """The parts met so far, and the headings that hold for the next one."""

    lines: Sequence[str]
    parts: list[Prose | Fence] = field(default_factory=list)
    path: list[tuple[int, str]] = field(default_factory=list)
    title: Prose | None = None

    def prose(self, token: Token, opened: Token) -> None:
        start, end = opened.map or [0, 0]
        text = plain(token.content)
        level = int(opened.tag[1]) if opened.type == "heading_open" else 0
        if opened.markup in {"-", "="} and ("\n" in text or text.endswith(":")):
            # a rule drawn right below a paragraph, without the empty line that would keep it one
            level = 0
        if level:
            self.path = [(above, name) for above, name in self.path if above < level]
            self.path.append((level, text))
        bold = (
            not level
            and "\n" not in text
            and len(text) < OPTION_TITLE
            and re.fullmatch(r"(\*\*|__).+\1:?", token.content.strip()) is not None
        )
        part = Prose(text=text, start=start, end=end, level=level, path=self._names(), bold=bold)
        self.parts.append(part)
        self.title = part if level else self.title

    def code(self, token: Token) -> None:
        start, end = token.map or [0, 0]
        fenced = token.type == "fence"
        last = self.parts[-1] if self.parts else None
        written = token.content.count("\n") + (not token.content.endswith("\n") and bool(token.content))
        self.parts.append(
            Fence(
                text=token.content,
                info=token.info.strip(),
                start=start if fenced else start - 1,
                end=end,
                closed=not fenced or end - start - 1 > written,
                fenced=fenced,
                path=self._names(),
                lead=last if isinstance(last, Prose) else None,
                title=self.title,
            )
        )
        self.title = None

    def _names(self) -> tuple[str, ...]:
        return tuple(name for _, name in self.path)
