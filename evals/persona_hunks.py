"""What changed between two texts of a persona, hunk by hunk, and which instructions each change touches.

Here: the difference of texts. Not here: what the change did to any score, or how it is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal

from evals.instructions import Instructions, places
from evals.persona import Persona

CONTEXT = 2
"""Unchanged lines shown before and after a change."""
ALIKE = 0.4
"""Two texts less alike than this (0 to 1) are shown whole, without marks on single words."""

Mark = Literal[" ", "-", "+"]
How = Literal["added", "removed", "reworded", "moved"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a hunk: unchanged, removed or added."""

    mark: Mark
    base: int | None
    """Its number in the base's text, from 1; None for an added line."""
    candidate: int | None
    spans: tuple[tuple[str, bool], ...]
    """Its text in pieces, each with whether it is a word that changed."""


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """One change with the lines around it."""

    heading: str
    """The last heading above it, empty where there is none."""
    lines: tuple[Line, ...]
    instructions: tuple[tuple[str, How], ...]
    """The instructions that it touches, in the order of the text; empty where none is known."""


@dataclass
class _Block:
    """Lines of the base and the candidate (from 0, half open) that stand for each other."""

    base: tuple[int, int]
    candidate: tuple[int, int]
    ids: list[str] = field(default_factory=list)


def persona_hunks(base: Persona, candidate: Persona, instructions: Instructions | None) -> tuple[Hunk, ...]:
    """The hunks between two texts. Lines of one instruction are set against each other however it was reworded; a
    change that touches several instructions is split between them.
    """
    sides = (_Side(base, instructions), _Side(candidate, instructions))
    blocks = _merged(list(_blocks(*sides)))
    return tuple(_hunk(sides, block, blocks, number) for number, block in enumerate(blocks))


class _Side:
    """One text in lines, and the instructions on each."""

    def __init__(self, persona: Persona, instructions: Instructions | None) -> None:
        self.lines = persona.body.splitlines()
        self.places = places(instructions, persona) if instructions else {}
        self.owners: list[tuple[str, ...]] = [
            tuple(id_ for id_, place in self.places.items() if number in place.lines)
            for number in range(1, len(self.lines) + 1)
        ]
        seen: dict[tuple[str, ...], int] = {}
        self.keys: list[tuple[object, ...]] = []
        for line, ids in zip(self.lines, self.owners, strict=True):
            seen[ids] = seen.get(ids, 0) + 1
            self.keys.append(("of", *ids, seen[ids]) if ids else ("text", line.strip()))

    def ids(self, start: int, end: int) -> list[str]:
        return list(dict.fromkeys(id_ for owners in self.owners[start:end] for id_ in owners))


def _blocks(one: _Side, two: _Side) -> Iterator[_Block]:
    """Everything that is not the same, in small pieces."""
    for tag, a, b, c, d in SequenceMatcher(None, one.keys, two.keys, autojunk=False).get_opcodes():
        if tag == "equal":
            for x, y in zip(range(a, b), range(c, d), strict=True):
                if one.lines[x] != two.lines[y]:
                    yield _Block((x, x + 1), (y, y + 1), one.ids(x, x + 1))
        else:
            yield from (_Block((x, y), (c, c), one.ids(x, y)) for x, y in _pieces(one, a, b))
            yield from (_Block((b, b), (x, y), two.ids(x, y)) for x, y in _pieces(two, c, d))


def _pieces(side: _Side, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A range of lines cut where another instruction begins; lines of none go with those that follow."""
    begun, owners = start, set[str]()
    for number in range(start, end):
        here = set(side.owners[number])
        if here and owners and not here & owners:
            cut = number
            while cut > begun and not side.owners[cut - 1]:
                cut -= 1
            yield begun, cut
            begun, owners = cut, here
        owners |= here
    if end > begun:
        yield begun, end


def _merged(blocks: Sequence[_Block]) -> list[_Block]:
    """Neighbours that share an instruction, or have none, are one change. Blank lines alone are no change."""
    merged: list[_Block] = []
    for block in blocks:
        last = merged[-1] if merged else None
        touching = last and last.base[1] == block.base[0] and last.candidate[1] == block.candidate[0]
        if last and touching and (set(last.ids) & set(block.ids) or not (last.ids and block.ids)):
            last.base = (last.base[0], block.base[1])
            last.candidate = (last.candidate[0], block.candidate[1])
            last.ids = list(dict.fromkeys([*last.ids, *block.ids]))
        else:
            merged.append(block)
    return merged


def _hunk(sides: tuple[_Side, _Side], block: _Block, blocks: Sequence[_Block], number: int) -> Hunk:
    one, two = sides
    before_end = blocks[number - 1].candidate[1] if number else 0
    after_start = blocks[number + 1].candidate[0] if number + 1 < len(blocks) else len(two.lines)
    lead = min(CONTEXT, block.candidate[0] - before_end)
    tail = min(CONTEXT, after_start - block.candidate[1])
    around = [
        [Line(mark=" ", base=x + 1, candidate=y + 1, spans=((two.lines[y], False),)) for x, y in pairs]
        for pairs in (
            [(block.base[0] - n, block.candidate[0] - n) for n in range(lead, 0, -1)],
            [(block.base[1] + n, block.candidate[1] + n) for n in range(tail)],
        )
    ]
    removed, added = _changed_words(one.lines[slice(*block.base)], two.lines[slice(*block.candidate)])
    gone = [Line(mark="-", base=block.base[0] + n + 1, candidate=None, spans=spans) for n, spans in enumerate(removed)]
    new = [
        Line(mark="+", base=None, candidate=block.candidate[0] + n + 1, spans=spans) for n, spans in enumerate(added)
    ]
    lines = _without_blank_edges([*around[0], *gone, *new, *around[1]])
    return Hunk(
        heading=_heading(two.lines[: block.candidate[0]]) or _heading(one.lines[: block.base[0]]),
        lines=tuple(lines),
        instructions=tuple((id_, how) for id_ in block.ids if (how := _how(id_, one, two, block))),
    )


def _how(id_: str, one: _Side, two: _Side, block: _Block) -> How | None:
    """What happened to an instruction; None for one that only shares a line with another that changed."""
    old, new = one.places.get(id_), two.places.get(id_)
    if old is None or new is None:
        return "added" if old is None else "removed"
    if old.words != new.words:
        return "reworded"
    stayed = id_ in one.ids(*block.base) and id_ in two.ids(*block.candidate)
    return None if stayed else "moved"


def _heading(lines: Sequence[str]) -> str:
    return next((line.lstrip("# ") for line in reversed(lines) if line.startswith("#")), "")


def _without_blank_edges(lines: list[Line]) -> list[Line]:
    filled = [number for number, line in enumerate(lines) if any(text.strip() for text, _ in line.spans)]
    return lines[filled[0] : filled[-1] + 1] if filled else lines


Spans = tuple[tuple[str, bool], ...]


def _changed_words(old: Sequence[str], new: Sequence[str]) -> tuple[list[Spans], list[Spans]]:
    """Both sides line by line, with the words marked that the other side does not have at that place."""
    one, two = _tokens(old), _tokens(new)
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    if not one or not two or matcher.ratio() < ALIKE:
        return [((line, False),) for line in old], [((line, False),) for line in new]
    marks: tuple[list[bool], list[bool]] = ([True] * len(one), [True] * len(two))
    for match in matcher.get_matching_blocks():
        marks[0][match.a : match.a + match.size] = [False] * match.size
        marks[1][match.b : match.b + match.size] = [False] * match.size
    return _spans(old, marks[0]), _spans(new, marks[1])


_TOKEN = re.compile(r"\w+|[^\w\s]")


def _tokens(lines: Sequence[str]) -> list[str]:
    return [token for line in lines for token in _TOKEN.findall(line)]


def _spans(lines: Sequence[str], marks: Sequence[bool]) -> list[Spans]:
    """White space between two changed words is changed too, so that a phrase is marked as one."""
    found: list[Spans] = []
    flags = iter(marks)
    for line in lines:
        spans: list[tuple[str, bool]] = []
        at = 0
        for token in _TOKEN.finditer(line):
            changed = next(flags)
            joined = bool(spans) and spans[-1][1] and changed
            spans = _extended(spans, line[at : token.start()], joined)
            spans = _extended(spans, token[0], changed)
            at = token.end()
        found.append(tuple(_extended(spans, line[at:], changed=False)))
    return found


def _extended(spans: list[tuple[str, bool]], text: str, changed: bool) -> list[tuple[str, bool]]:
    if not text:
        return spans
    if spans and spans[-1][1] == changed:
        return [*spans[:-1], (spans[-1][0] + text, changed)]
    return [*spans, (text, changed)]
