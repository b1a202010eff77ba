"""What a rule is: a documented defect, and a check that reports the places it judged, the good ones and the bad ones.

A rule that reports only defects cannot tell "looked and found it sound" from "there was nothing to look at"; so a
check yields sites of both kinds, and a criterion passes on good sites only, never on silence.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from graders.criterion import Dimension
from graders.rules.source import Source


class Severity(StrEnum):
    """How bad the defect is where it stands."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place that a rule judged. `line` is 1-based within the source."""

    line: int
    ok: bool
    quote: str
    message: str = ""
    """For a bad site: what is wrong here, in one sentence."""


class Rule(ABC):
    """One defect. The class docstring says what it is, what follows from it, and what to do instead.

    `BAD` and `GOOD` are at once the documentation's examples and the tests: every BAD example must give at least one
    bad site, every GOOD example none. Where a GOOD example starts a criterion's pass it must give a good site, too.
    """

    id: ClassVar[str]
    """Lower case, with hyphens, prefixed by its language (`py-`, `js-`, `sql-`, `md-`). Never reused."""
    version: ClassVar[int] = 1
    """Raised when the same source may be judged differently."""
    dimension: ClassVar[Dimension]
    severity: ClassVar[Severity]
    cwe: ClassVar[int | None]
    languages: ClassVar[tuple[str, ...]]
    tools: ClassVar[tuple[str, ...]] = ()
    """External analysers it needs (`ruff`, `squawk`)."""
    BAD: ClassVar[tuple[str, ...]]
    GOOD: ClassVar[tuple[str, ...]]

    @abstractmethod
    def check(self, source: Source) -> Iterator[Site]:
        """The sites of this source. Raises ToolError where it needs a tool that could not tell."""
