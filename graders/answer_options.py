"""Alternatives: `Option A` and `Option B`, sync and async variants, a file given twice.

Here: which block is only a further version of another. Not here: what any version is worth.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from graders.answer import Block, Role
from graders.answer_fences import Document, Fence, Prose

CHOICE = re.compile(
    r"^\W*(?:\d+[.)]\s*)?(?P<kind>option|alternative|approach|variant|variation|version|solution|method|choice|possibility)\s*#?\s*"
    r"(?P<which>[a-z]|\d{1,2}|[ivx]{1,4}|one|two|three|four)(?=[\s:.)—–-]|\W*$)",
    re.IGNORECASE,
)
FASHION = re.compile(
    r"^\W*(?:the\s+)?(?P<which>a?sync(?:hronous)?)\s+(?:version|variant|code|alternative)\b", re.IGNORECASE
)
OTHERWISE = re.compile(r"^\W*(?:an?\s+)?(?:alternative(?:ly)?|another\s+(?:option|way|approach))\b", re.IGNORECASE)
BOLD_LEVEL = 7
EXCERPT = 0.4
"""A later version with fewer lines than this share of an earlier one is an excerpt."""


@dataclass(kw_only=True)
class _Sections:
    """Where in the sequence of options one is."""

    first: dict[str, str] = field(default_factory=dict)
    open: list[tuple[int, bool]] = field(default_factory=list)
    """Level of each open section, and whether it is a further option."""

    def enter(self, level: int, text: str) -> None:
        self.open = [(above, further) for above, further in self.open if above < level]
        self.open.append((level, self._further(text)))
        if level < BOLD_LEVEL and not self._chosen(text):
            # a heading of another kind ends a series; the next one has its own first option
            self.first = {key: which for key, which in self.first.items() if int(key.partition(" ")[0]) < level}

    def _further(self, text: str) -> bool:
        chosen = self._chosen(text)
        if chosen is None:
            return OTHERWISE.match(text) is not None
        kind, which = chosen
        key = f"{self.open[-1][0]} {kind}" if self.open else f"1 {kind}"
        return self.first.setdefault(key, which) != which

    def _chosen(self, text: str) -> tuple[str, str] | None:
        if found := CHOICE.match(text):
            return found["kind"].lower(), found["which"].lower()
        if found := FASHION.match(text):
            return "fashion", "async" if found["which"].lower().startswith("a") else "sync"
        return None


def further_options(document: Document) -> tuple[bool, ...]:
    """For each fence, whether it stands under a later option than the first."""
    sections = _Sections()
    marks: list[bool] = []
    for part in document.parts:
        if isinstance(part, Fence):
            by_lead = part.lead is not None and not part.lead.level and OTHERWISE.match(part.lead.text) is not None
            marks.append(by_lead or any(further for _, further in sections.open))
        elif part.level or _serves_as_heading(part, sections):
            sections.enter(part.level or BOLD_LEVEL, part.text)
    return tuple(marks)


def _serves_as_heading(part: Prose, sections: _Sections) -> bool:
    return (part.bold or part.text.rstrip().endswith(":")) and (
        CHOICE.match(part.text) is not None or FASHION.match(part.text) is not None
    )


def with_versions(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks with each file's versions in order: excerpts lose the name, all before the last full version are alternatives."""
    done = list(blocks)
    for name in {block.file for block in blocks if block.file is not None}:
        _settle(done, name)
    return tuple(done)


def _settle(blocks: list[Block], name: str) -> None:
    largest: frozenset[str] = frozenset()
    places: list[int] = []
    for at, block in enumerate(blocks):
        if block.file != name or block.role is not Role.PROPOSED:
            continue
        lines = frozenset(line.strip() for line in block.text.split("\n") if line.strip())
        if len(lines) < EXCERPT * len(largest):
            blocks[at] = replace(block, file=None)
            continue
        places.append(at)
        largest = max(largest, lines, key=len)
    full = [at for at in places if blocks[at].full]
    best = next(iter([at for at in reversed(full) if not blocks[at].alternative] or full[::-1]), None)
    if best is None:
        return
    for at in places:
        if at == best or at < best:
            blocks[at] = replace(blocks[at], alternative=at != best)
