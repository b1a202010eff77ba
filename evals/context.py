"""What a report may show beside a comparison: the texts and histories that its figures came from.

Here: the values. Not here: how they are gathered (`evals.commands.compare`), or how anything is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from evals.case import Suite
from evals.instructions import Instructions
from evals.persona import Persona
from evals.scorecard import GradeLine, Scorecard
from evals.usage import Spent

SideName = Literal["base", "candidate"]
SIDES: tuple[SideName, SideName] = ("base", "candidate")

AnswerKey = tuple[SideName, str, int]
"""(side, case id, repeat from 1)."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything behind a comparison that a person may want to look up. Nothing here changes a verdict."""

    base: Scorecard
    candidate: Scorecard
    """Both with the statements, points and graders of the suite's own criteria, where the case is still there."""
    base_persona: Persona | None
    candidate_persona: Persona | None
    """None where the scorecard names a revision that is no longer to be found in that content."""
    suite: Suite
    instructions: Instructions | None
    answers: Mapping[AnswerKey, str] = field(default_factory=dict)
    """The answers' texts, hostile as they came; only those whose digest is the one that was graded."""
    base_usage: Spent | None = None
    candidate_usage: Spent | None = None
    """Only where the answers came from the API; None is shown as "not stated"."""
    history: tuple[Scorecard, ...] = ()
    """Earlier scorecards of the same suite and persona, oldest first; may be empty."""

    def card(self, side: SideName) -> Scorecard:
        return self.base if side == "base" else self.candidate

    def persona(self, side: SideName) -> Persona | None:
        return self.base_persona if side == "base" else self.candidate_persona

    def usage(self, side: SideName) -> Spent | None:
        return self.base_usage if side == "base" else self.candidate_usage

    def grades(self, side: SideName, case: str, criterion: str) -> Iterator[GradeLine]:
        """Every grade of one criterion on one side, those that do not count included, by repeat.

        A judge's reason and an execution's transcript are in the grades: evidence without a line is a transcript.
        """
        lines = (x for x in self.card(side).grades if (x.case, x.grade.criterion) == (case, criterion))
        yield from sorted(lines, key=lambda line: (line.repeat, not line.prevails, line.grade.kind, line.grade.grader))
