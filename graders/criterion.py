"""Criteria and grades: what is asked of an answer, and what was decided, with which evidence.

Here: the values every grader shares. Not here: how any grader decides, or how grades are tallied.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from graders.text_check import TextCheck


class Dimension(StrEnum):
    """The closed list of promises that are scored. The first three are the headline ones."""

    SECURITY = "security"
    TRANSACTIONALITY = "transactionality"
    ERROR_HANDLING = "error_handling"
    RELIABILITY = "reliability"
    PERFORMANCE = "performance"
    MAINTAINABILITY = "maintainability"
    OPERATIONS = "operations"
    DOCUMENTATION = "documentation"
    JUDGEMENT = "judgement"


HEADLINE = (Dimension.SECURITY, Dimension.TRANSACTIONALITY, Dimension.ERROR_HANDLING)


class Sort(StrEnum):
    """Why a criterion is in the suite."""

    TRIPWIRE = "tripwire"
    """Any good answer passes it; it catches regressions."""
    DEPTH = "depth"
    """A failure mode that only a careful engineer meets."""
    PROMISE = "promise"
    """What the persona says that it always brings, though the user did not ask for it."""


class Status(StrEnum):
    """What was decided of one criterion. `UNSCORED` means that nobody could tell; it is never a zero."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    UNSCORED = "unscored"


class Kind(StrEnum):
    """The three kinds of grader, from the most to the least trusted."""

    EXECUTION = "execution"
    RULE = "rule"
    JUDGE = "judge"


TRUST = (Kind.EXECUTION, Kind.RULE, Kind.JUDGE)


@dataclass(frozen=True, kw_only=True)
class GraderRef:
    """One entry of a criterion's list of graders."""

    kind: Kind
    rules: tuple[str, ...] = ()
    """Ids of the rules that decide together (kind `rule` only)."""
    file: str | None = None
    """Name of the answer's file that the rules look at (kind `rule` only); absent: every proposed block."""
    attacks: tuple[str, ...] | None = None
    """Ids of the attacks that decide together (kind `execution`), else None."""
    text: TextCheck | None = None
    """A check of the answer's text that decides by itself (kind `rule`), in place of rules."""
    veto: bool = False
    """The rules are necessary, not sufficient: a bad site fails the criterion, good sites leave it to the next grader."""


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One yes/no statement about an answer."""

    id: str
    dimension: Dimension
    sort: Sort
    points: int
    """1 to 10 for a good that is done, -1 to -10 for a harm that is done."""
    statement: str
    guidance: str
    """What decides pass, fail and not applicable; read by the judge and by people."""
    covers: tuple[str, ...]
    """Ids of the persona's instructions that it exercises."""
    graders: tuple[GraderRef, ...]
    must: bool = False
    """A blessed `must` that fails later is a regression by itself."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A quote from the answer and the line where it begins (1-based; None for a transcript)."""

    quote: str
    line: int | None = None

    @property
    def cited(self) -> str:
        """How text names it: with the line it stands on; a line of a transcript stands nowhere."""
        return self.quote if self.line is None else f"line {self.line}: {self.quote}"


@dataclass(frozen=True, kw_only=True)
class Grade:
    """What one grader decided of one criterion."""

    criterion: str
    status: Status
    kind: Kind
    grader: str
    """Id of the grader: ids of rules or attacks joined by `+`, or the judge's id."""
    version: str
    """Grades of different versions are not comparable."""
    evidence: tuple[Evidence, ...] = ()
    reason: str = ""
    votes: tuple[Status, ...] = ()
    """What each member of a panel of judges said; empty for everyone else."""

    @property
    def decided(self) -> bool:
        """Whether the grader could tell."""
        return self.status is not Status.UNSCORED


def prevailing(grades: tuple[Grade, ...]) -> Grade | None:
    """The grade of the most trusted grader that could decide; else the last reason why none could; None without grades."""
    if len(grades) == 1:
        return grades[0]
    by_trust = sorted(grades, key=lambda grade: TRUST.index(grade.kind))
    return next((grade for grade in by_trust if grade.decided), by_trust[-1] if by_trust else None)
