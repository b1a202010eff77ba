"""Reading an answer, step by step: characters, fences, then each block's language, name, role and gaps.

Here: the order of the steps. Not here: any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graders.answer import Answer, Block, Paragraph
from graders.answer_elisions import leaves_out
from graders.answer_fences import Fence, Prose
from graders.answer_languages import confirmed, of_file, of_label
from graders.answer_names import REFUSED, from_comment, from_info, from_lead, split_info
from graders.answer_options import further_options, with_versions
from graders.answer_quotes import straightened
from graders.answer_repair import Reading, read_fences
from graders.answer_roles import Given, given_by, role_of
from graders.answer_sessions import typed
from graders.answer_text import normalised
from graders.task import Task

MOST_LINES = 30_000
"""No answer of a model has as many; the rest of a text that has more is not read."""


def read(text: str, task: Task) -> Answer:
    """Read a model's Markdown."""
    text, notes = normalised(text)
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        notes = (*notes, f"only the first {MOST_LINES} lines were read")
    reading = read_fences(lines[:MOST_LINES])
    reader = _Reader(
        task=task, reading=reading, given=given_by(task), known=frozenset(task.files), last=_last_line(lines)
    )
    further = further_options(reading.document)
    blocks = with_versions(
        [reader.block(fence, alternative=mark) for fence, mark in zip(reading.document.fences, further, strict=True)]
    )
    notes = tuple(dict.fromkeys([*notes, *reading.notes, *reader.notes]))
    return Answer(text=text, blocks=blocks, paragraphs=_paragraphs(reading), notes=notes)


def _last_line(lines: list[str]) -> int:
    """0-based number of the last line with anything on it."""
    return next((number for number in range(len(lines) - 1, -1, -1) if lines[number].strip()), 0)


def _paragraphs(reading: Reading) -> tuple[Paragraph, ...]:
    return tuple(
        Paragraph(text=part.text, line=reading.sheet.number(part.start) + 1, heading=part.path[-1] if part.path else "")
        for part in reading.document.parts
        if isinstance(part, Prose) and not part.level and part.text
    )


@dataclass(kw_only=True)
class _Reader:
    """What all blocks of one answer share."""

    task: Task
    reading: Reading
    given: Given
    known: frozenset[str]
    last: int
    notes: list[str] = field(default_factory=list)

    def block(self, fence: Fence, *, alternative: bool) -> Block:
        label, text = self._code(fence)
        file = self._file(fence, text, label)
        language = confirmed(label or (of_file(file) if file else None), text)
        if language == "diff" and file is not None:
            # a patch of the file is not the file
            file = None
            self.notes.append("a diff was given for a file")
        role = role_of(fence, text, language, named=file is not None, contract=file in self.known, given=self.given)
        sheet = self.reading.sheet
        return Block(
            text=text,
            line=sheet.number(fence.start + 1) + 1,
            language=language,
            info=fence.info,
            file=file,
            role=role,
            heading=fence.heading,
            truncated=not fence.closed and sheet.number(fence.end) > self.last,
            elided=leaves_out(text, language, file),
            alternative=alternative,
        )

    def _code(self, fence: Fence) -> tuple[str | None, str]:
        """The label's language and the code, prompts and typographic quotes taken out."""
        label = of_label(split_info(fence.info)[0])
        session = typed(fence.text, label)
        text = fence.text
        if session:
            label, text = session
            self.notes.append("prompts and output were taken out of a session")
        straight = straightened(text, label)
        if straight != text:
            self.notes.append("typographic quotes in code became plain ones")
        return label, straight

    def _file(self, fence: Fence, text: str, label: str | None) -> str | None:
        name = from_info(fence.info, self.known)
        if name is None and fence.lead is not None:
            name = self._fitting(from_lead(fence.lead.text, self.known), label)
        if name is None and fence.title is not None and fence.title is not fence.lead:
            name = self._fitting(from_lead(fence.title.text, self.known), label)
        if name is None:
            name = from_comment(text, label, self.known)
        if name == REFUSED:
            self.notes.append("a file name that leads out of the working folder was refused")
            return None
        return name

    def _fitting(self, name: str | None, label: str | None) -> str | None:
        """A name near a block is the block's only if its ending goes with the label."""
        if name is None or name == REFUSED or label in {None, "text"}:
            return name
        language = of_file(name)
        scripts = {"javascript", "typescript"}
        return name if language in {None, label} or {language, label} <= scripts or label == "diff" else None
