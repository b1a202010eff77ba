"""A persona split into instructions that criteria can name, and the proof that nothing of a body is left out.

Here: the values, their shape in `instructions.yaml`, and the proof. Not here: parsing YAML (`evals.yaml_file`), and
which criteria cover which instruction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from evals.errors import Fault, raise_all
from evals.persona import Persona

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_REVISION = re.compile(r"[0-9]{4}")
_MARKS = re.compile(r"\s*(?:(?:#{1,6}|[-*]|[0-9]{1,3}\.)(?:\s+|$))*")
"""Heading and list marks at the beginning of a line."""


@dataclass(frozen=True)
class Instruction:
    """One thing that the persona asks for, in the exact words of each revision that has it."""

    id: str
    words: tuple[tuple[str, str], ...]
    """(revision id, exact words)."""


@dataclass(frozen=True)
class Instructions:
    """All instructions of a persona, and the words that only introduce them."""

    persona: str
    items: tuple[Instruction, ...]
    framing: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(revision id, pieces of its text that ask for nothing themselves)."""
    source: str = ""
    """Where they were read, for messages."""

    def revisions(self) -> frozenset[str]:
        """Every revision that anything here names."""
        named = {revision for item in self.items for revision, _ in item.words}
        return frozenset(named | {revision for revision, _ in self.framing})


def read_instructions(data: object, file: str) -> Instructions:
    """From parsed YAML. Raises one InputError with every fault of shape."""
    faults: list[Fault] = []
    top = _mapping(data, "$", file, faults)
    unknown = [str(key) for key in top if key not in ("persona", "instructions", "framing")]
    known = "unknown key; persona, instructions and framing are known"
    faults += [Fault(file=file, path=f"$.{key}", message=known) for key in unknown]
    persona = top.get("persona")
    if not isinstance(persona, str) or not persona:
        faults.append(Fault(file=file, path="$.persona", message="the persona's name is missing"))
    rows = _mapping(top.get("instructions"), "$.instructions", file, faults)
    items = tuple(_instruction(id_, words, file, faults) for id_, words in rows.items())
    rows = _mapping(top.get("framing", {}), "$.framing", file, faults, empty=True)
    framing = tuple(_framing(revision, pieces, file, faults) for revision, pieces in rows.items())
    raise_all(sorted(faults, key=lambda fault: fault.path))
    return Instructions(persona=str(persona), items=items, framing=framing, source=file)


def _mapping(data: object, path: str, file: str, faults: list[Fault], *, empty: bool = False) -> dict[object, object]:
    if isinstance(data, dict) and (data or empty):
        return data
    message = "a mapping is wanted here" if empty else "a mapping with entries is wanted here"
    faults.append(Fault(file=file, path=path, message=message))
    return {}


def _instruction(id_: object, words: object, file: str, faults: list[Fault]) -> Instruction:
    path = f"$.instructions.{id_}"
    if not isinstance(id_, str) or not _ID.fullmatch(id_):
        faults.append(Fault(file=file, path=path, message="an id is lower-case words joined by hyphens"))
    rows = _mapping(words, path, file, faults)
    named = [(_revision(revision, path, file, faults), text) for revision, text in rows.items()]
    return Instruction(str(id_), tuple((name, _text(text, f"{path}.{name}", file, faults)) for name, text in named))


def _framing(revision: object, pieces: object, file: str, faults: list[Fault]) -> tuple[str, tuple[str, ...]]:
    name = _revision(revision, "$.framing", file, faults)
    path = f"$.framing.{name}"
    if not isinstance(pieces, list):
        faults.append(Fault(file=file, path=path, message="a list of texts is wanted here"))
        return name, ()
    return name, tuple(_text(piece, f"{path}[{number}]", file, faults) for number, piece in enumerate(pieces))


def _revision(revision: object, path: str, file: str, faults: list[Fault]) -> str:
    if not isinstance(revision, str) or not _REVISION.fullmatch(revision):
        message = f'a revision is four digits in quotes, such as "0001", not {str(revision)[:40]!r}'
        faults.append(Fault(file=file, path=path, message=message))
    return str(revision)


def _text(text: object, path: str, file: str, faults: list[Fault]) -> str:
    if not isinstance(text, str) or not _words(text):
        faults.append(Fault(file=file, path=path, message="text with at least one word is wanted here"))
        return ""
    return text


@dataclass(frozen=True)
class _Word:
    text: str
    line: int
    """1-based line of the body."""


def _words(text: str) -> list[_Word]:
    """The words that count: no white space, no heading or list marks at line starts."""
    return [
        _Word(word, number)
        for number, line in enumerate(text.split("\n"), start=1)
        for word in line[_end_of_marks(line) :].split()
    ]


def _end_of_marks(line: str) -> int:
    found = _MARKS.match(line)
    return found.end() if found else 0


def check(instructions: Instructions, personas: Sequence[Persona]) -> list[Fault]:
    """For each revision with a number and a body: every instruction's words stand in it exactly once, none overlap,
    and together with the framing they are the whole of it. `personas` are all revisions there are.
    """
    numbered = {persona.revision: persona for persona in personas if _REVISION.fullmatch(persona.revision)}
    with_body = {revision: persona for revision, persona in numbered.items() if persona.body}
    message = "is named here, but there is no such revision, or its body is empty"
    faults = [
        Fault(file=instructions.source, message=f"revision {revision} {message}")
        for revision in sorted(instructions.revisions() - with_body.keys())
    ]
    for _, persona in sorted(with_body.items()):
        faults += _Proof(instructions, persona).faults()
    return faults


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an instruction stands in a body."""

    lines: range
    """Lines of the body, from 1."""
    words: str
    """Its words there, with single spaces, without heading and list marks."""


def places(instructions: Instructions, persona: Persona) -> dict[str, Place]:
    """Where each instruction stands in a body. Words of the persona's own revision are looked for first, then those of
    the others, so that a copy outside `prompts/` is understood too. What is not found is left out.
    """
    body = _words(persona.body)
    texts = [word.text for word in body]
    found: dict[str, Place] = {}
    for item in instructions.items:
        for _, words in sorted(item.words, key=lambda named: named[0] != persona.revision):
            wanted = [word.text for word in _words(words)]
            start = next(_starts(texts, wanted), None)
            if start is not None:
                lines = range(body[start].line, body[start + len(wanted) - 1].line + 1)
                found[item.id] = Place(lines=lines, words=" ".join(wanted))
                break
    return found


def _starts(texts: Sequence[str], wanted: Sequence[str]) -> Iterator[int]:
    """Every index at which the wanted words begin."""
    size = len(wanted)
    if size:
        yield from (
            start for start, word in enumerate(texts) if word == wanted[0] and texts[start : start + size] == wanted
        )


class _Proof:
    """The accounting of one body: which words belong to whom."""

    def __init__(self, instructions: Instructions, persona: Persona) -> None:
        self._instructions, self._persona = instructions, persona
        self._body = _words(persona.body)
        self._texts = [word.text for word in self._body]
        self._owners = [""] * len(self._body)

    def faults(self) -> list[Fault]:
        """Framing comes second and looks only at what instructions left, so that a heading may repeat their words."""
        revision = self._persona.revision
        faults: list[Fault] = []
        for item in self._instructions.items:
            for text in (text for name, text in item.words if name == revision):
                faults += self._claim(f"$.instructions.{item.id}.{revision}", text, among_free=False)
        framing = [text for name, texts in self._instructions.framing if name == revision for text in texts]
        for number, text in enumerate(framing):
            faults += self._claim(f"$.framing.{revision}[{number}]", text, among_free=True)
        return [*faults, *self._left_over()]

    def _claim(self, path: str, text: str, *, among_free: bool) -> Iterator[Fault]:
        wanted = [word.text for word in _words(text)]
        places = self._places(wanted, among_free=among_free)
        if len(places) != 1:
            yield self._fault(path, self._several(places) if places else f"are not there{self._nearest(wanted)}")
            return
        mine = range(places[0], places[0] + len(wanted))
        for other in sorted({self._owners[index] for index in mine} - {""}):
            yield self._fault(path, f"overlap {other} at line {self._body[places[0]].line} of the body")
        for index in mine:
            self._owners[index] = self._owners[index] or path

    def _fault(self, path: str, what: str) -> Fault:
        message = f"in revision {self._persona.revision} these words {what}"
        return Fault(file=self._instructions.source, path=path, message=message)

    def _several(self, places: list[int]) -> str:
        lines = ", ".join(str(self._body[place].line) for place in places[:5])
        return f"stand {len(places)} times (lines {lines} of the body); once is wanted"

    def _places(self, wanted: list[str], *, among_free: bool) -> list[int]:
        starts = _starts(self._texts, wanted)
        return [start for start in starts if not (among_free and any(self._owners[start : start + len(wanted)]))]

    def _nearest(self, wanted: list[str]) -> str:
        """Where the body comes closest to what is wanted, and the word at which it goes another way."""
        size, start = max(((self._shared(wanted, start), -start) for start in range(len(self._texts))), default=(0, 0))
        if size == 0 or size >= len(wanted):
            return ""
        following = self._texts[size - start] if size - start < len(self._texts) else ""
        where = f"line {self._body[-start].line} of the body begins like them"
        return f": {where}, then has “{following}” where they have “{wanted[size]}”"

    def _shared(self, wanted: list[str], start: int) -> int:
        size = 0
        while size < len(wanted) and start + size < len(self._texts) and self._texts[start + size] == wanted[size]:
            size += 1
        return size

    def _left_over(self) -> Iterator[Fault]:
        for owned, run in groupby(zip(self._body, self._owners, strict=True), key=lambda pair: bool(pair[1])):
            if owned:
                continue
            words = [word for word, _ in run]
            text = " ".join(word.text for word in words)
            shown = text if len(text) <= 120 else f"{text[:119]}… ({len(words)} words)"
            message = f"line {words[0].line} of the body belongs to no instruction and is no framing: “{shown}”"
            yield Fault(file=self._persona.source, message=message)
