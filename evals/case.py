"""A case: one task for the persona, and the criteria its answers are graded by.

Here: the values. Not here: reading them from files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from evals.canonical import digest
from evals.exchange import Message
from graders.criterion import Criterion, Dimension
from graders.task import Task

if TYPE_CHECKING:
    from graders.registry import Registry

Minimum = tuple[tuple[Dimension, float], ...]
"""Least score (0 to 1) of one answer in some dimensions."""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that the user sends along."""

    name: str
    text: str


@dataclass(frozen=True)
class Case:
    """One versioned task."""

    id: str
    version: int
    """Raised with every change of content; scorecards of different versions do not compare."""
    family: str
    """Cases that are variants of one another share a family."""
    title: str
    message: str
    attachments: tuple[Attachment, ...]
    files: tuple[str, ...]
    """Files that the contract wants complete in the answer."""
    criteria: tuple[Criterion, ...]
    minimum: Minimum = ()
    """Least scores of each answer, where a test run asks for them. No score depends on them, and no part of the content is one."""
    registry: Registry | None = field(default=None, compare=False, repr=False)
    """Where its graders are looked up; None: the built-in ones."""

    @cached_property
    def digest(self) -> str:
        """Identity of the whole content, version excepted."""
        return digest(
            {"content": [self.id, self.family, self.title, self.message, self.attachments, self.files, self.criteria]}
        )

    @cached_property
    def user_text(self) -> str:
        """The user's turn: the message, then each attachment as a fenced block whose info string is its name."""
        return "".join([self.message.strip() + "\n", *map(_fenced, self.attachments)])

    @property
    def messages(self) -> tuple[Message, ...]:
        return (Message(role="user", text=self.user_text),)

    @cached_property
    def task(self) -> Task:
        """What graders may know."""
        return Task(
            text=self.user_text, attachments=tuple((a.name, a.text) for a in self.attachments), files=self.files
        )

    def criterion(self, criterion_id: str) -> Criterion | None:
        return next((c for c in self.criteria if c.id == criterion_id), None)


def _fenced(attachment: Attachment) -> str:
    """A fence longer than any run of backticks inside, so that an attachment cannot close it."""
    longest = max((len(run) for run in _backticks(attachment.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{fence}{attachment.name}\n{attachment.text.rstrip()}\n{fence}\n"


def _backticks(text: str) -> list[str]:
    import re

    return re.findall(r"`+", text)


@dataclass(frozen=True, kw_only=True)
class Margins:
    """Largest losses that still count as not worse, 0 to 1."""

    overall: float = 0.05
    dimension: float = 0.08


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A folder of cases with the settings they share."""

    id: str
    persona: str
    """Folder of the persona's revisions under `prompts/`."""
    max_tokens: int
    repeats: int
    model: str
    """Live model by default."""
    judge: str
    """Live judge by default."""
    unscored_limit: float
    """Share of criteria that no grader may decide before a run counts as incomplete (0 to 1)."""
    cases: tuple[Case, ...]
    margins: Margins = Margins()
    """What a comparison tolerates; no score depends on them."""
    votes: int = 1
    """How many judges' votes decide a question: an odd number, each vote from a conversation of its own."""
    minimum: Minimum = ()
    """Least scores of each answer; a case that states one of its own for a dimension overrides it."""

    @property
    def registry(self) -> Registry:
        """Where the graders of its cases are looked up."""
        from graders.registry import BUILT_IN

        return next((case.registry for case in self.cases if case.registry), BUILT_IN)

    def case(self, case_id: str) -> Case | None:
        return next((case for case in self.cases if case.id == case_id), None)
