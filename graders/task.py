"""The task an answer was given: what graders may know of a case."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the user asked and gave, as far as grading needs it."""

    text: str = ""
    """The user's message, attachments included, as the model saw it."""
    attachments: tuple[tuple[str, str], ...] = ()
    """(file name, content) of what the user attached; code that resembles it is quoted, not proposed."""
    files: tuple[str, ...] = ()
    """Names of the files that the contract wants complete in the answer."""


NO_TASK = Task()
