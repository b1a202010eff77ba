"""A response read as Markdown: prose and code blocks with language, file name, line and role.

Here: what an answer is once it is read. Not here: how it is read (`graders/answer_reader.py`), nor judging what was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from graders.task import NO_TASK, Task

READER_VERSION = 1
"""Raised when the same text may be read differently; grades by rule of another version are other grades."""


class Role(StrEnum):
    """What the answer does with a block of code."""

    PROPOSED = "proposed"
    """The answer offers it as its own work."""
    QUOTED = "quoted"
    """The answer shows it to talk about it: the user's code, or a bad example."""
    UNKNOWN = "unknown"
    """Neither is clear; a rule may not hold it against the answer."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of code in an answer."""

    text: str
    line: int
    """1-based line of the answer on which the code's first line stands."""
    language: str | None
    """Normalised: python, javascript, typescript, sql, yaml, json, bash, …; None when unknown."""
    info: str
    """The fence's info string as written."""
    file: str | None
    """File name that the answer gives the block; None when absent or unsafe (absolute, `..`)."""
    role: Role
    heading: str = ""
    """Nearest heading above the block."""
    truncated: bool = False
    """The answer ended inside the block."""
    elided: bool = False
    """The block leaves code out (`... rest unchanged`)."""
    alternative: bool = False
    """One of several versions of the same thing (`Option B`, or an earlier version of a file given again)."""

    @property
    def full(self) -> bool:
        """Whether it is there to its end, with nothing left out."""
        return not self.elided and not self.truncated


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A run of prose."""

    text: str
    line: int
    heading: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer, read."""

    text: str
    """Normalised text: LF line ends, no BOM, no zero-width characters; line numbers refer to it."""
    blocks: tuple[Block, ...] = ()
    paragraphs: tuple[Paragraph, ...] = ()
    notes: tuple[str, ...] = ()
    """What had to be repaired to read it (smart quotes in code, nested fences, …)."""

    def file(self, name: str) -> Block | None:
        """The last full proposed version of a file, or None. A later option (`Option B`) does not replace the first."""
        named = [b for b in self.blocks if b.file == name and b.role is Role.PROPOSED]
        full = [b for b in named if b.full]
        main = [b for b in full if not b.alternative]
        versions = main or full or named
        return versions[-1] if versions else None


def read_answer(text: str, task: Task = NO_TASK) -> Answer:
    """Read a model's Markdown. Never fails: what cannot be told stays unknown."""
    # the reader needs Answer, and brings a Markdown parser that those who only handle answers do without
    from graders.answer_reader import read

    return read(text, task)
