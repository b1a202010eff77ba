"""A persona: an agent's Markdown file, header and body. The body is the system prompt, to the letter.

Here: the values. Reading the header, valid YAML or not, is in `evals.agent_file`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from evals.canonical import digest


@dataclass(frozen=True, kw_only=True)
class Example:
    """One worked example in an agent's description."""

    context: str = ""
    user: str = ""
    assistant: str = ""
    commentary: str = ""


@dataclass(frozen=True, kw_only=True)
class HeaderWarning:
    """Something in the header that Claude Code would drop or read differently."""

    line: int
    message: str


@dataclass(frozen=True)
class Persona:
    """One revision of a persona."""

    name: str
    revision: str
    """`0001`, or `PATH@GITREF`, or the path of a file outside `prompts/`."""
    body: str
    """The system prompt; empty for a control without persona."""
    description: str = ""
    examples: tuple[Example, ...] = ()
    header: tuple[tuple[str, str], ...] = ()
    """Every header field as written, in order."""
    warnings: tuple[HeaderWarning, ...] = ()
    source: str = ""
    """Where it was read, for messages."""

    @cached_property
    def digest(self) -> str:
        """Identity of the revision: what reaches the model."""
        return digest({"body": self.body})
