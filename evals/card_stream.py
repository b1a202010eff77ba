"""One revision's scorecard while its answers are being graded: everything that is kept of an answer is kept here.

Here: the parts put together. Not here: any of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from evals.case import Suite
from evals.grade_spool import GradeSpool
from evals.persona import Persona
from evals.run import Graded
from evals.scorecard import Highlighter, Scorecard
from evals.tally import Tally
from evals.usage import Meter, Spent
from graders.criterion import Dimension


class CardStream:
    """Takes graded answers one by one, in the order of their trials; then the scorecard can be had."""

    def __init__(self, suite: Suite, persona: Persona, meter: Meter, folder: Path) -> None:
        """`folder`: where grades wait that are too many for the memory."""
        self.persona = persona
        self._tally = Tally(suite, persona)
        self._highlighter = Highlighter()
        self._spool = GradeSpool(folder)
        self._meter = meter

    def add(self, item: Graded) -> None:
        lines = self._tally.add(item)
        for line in lines:
            self._highlighter.add(line)
        self._spool.add(lines)
        if item.response:
            self._meter.add(item.response)

    def card(self, *, judge_model: str, judge_context: str, licensed: tuple[Dimension, ...]) -> Scorecard:
        """The scorecard, which holds no grades but the highlights."""
        card = self._tally.card(judge_model=judge_model, judge_context=judge_context, licensed=licensed)
        return replace(card, kept=self._highlighter.highlights)

    def grades(self) -> Iterable[str]:
        """The text of the grades' file, in parts."""
        return self._spool.parts()

    @property
    def total(self) -> Spent | None:
        """What the answers cost, where the API counted; None for recorded answers, which do not state it."""
        return self._meter.total

    def close(self) -> None:
        self._spool.close()
