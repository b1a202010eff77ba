"""Grades by execution: attacks run here, or, where nothing can be run, the committed grades of the same answer.

Here: which of the two, and the record. Not here: attacks, or what their grades mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evals.case import Case
from evals.scorecard import GradeLine, answer_digest
from graders.answer import read_answer
from graders.criterion import Criterion, Grade, Kind, Status
from graders.execution.grading import attacks_of, attacks_version, grade_attacks, grader_id
from graders.registry import BUILT_IN
from graders.work import attacked

Key = tuple[str, str, str, str, str]
"""Case, criterion, digest of the answer's text, grader, version: whoever shares all five shares the grade."""


def executable(case: Case) -> tuple[Criterion, ...]:
    """The criteria of a case that attacks may decide."""
    return attacked(case.criteria)


def attack(case: Case, text: str) -> tuple[Grade, ...]:
    """One grade for each executable criterion, with the attacks of the case's project. It blocks while the answer runs."""
    criteria = executable(case)
    if not criteria:
        return ()
    suites = (case.registry or BUILT_IN).suites
    return tuple(grade_attacks(criteria, read_answer(text, case.task), case.task, suites))


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """Runs the attacks on an answer in this machine's sandbox."""

    level: str
    """Which kind of box."""

    def grades(self, case: Case, text: str) -> tuple[Grade, ...]:
        """One grade for each executable criterion. It blocks while the answer runs: call it in a thread."""
        return attack(case, text)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Takes the committed grades of the same answers, since nothing is executed here."""

    reason: str
    """Why nothing is executed."""
    record: Mapping[Key, Grade] = field(default_factory=dict)

    def grades(self, case: Case, text: str) -> tuple[Grade, ...]:
        """One grade for each executable criterion: the recorded one, else unscored with the reason."""
        return tuple(self._grade(case, criterion, answer_digest(text)) for criterion in executable(case))

    def _grade(self, case: Case, criterion: Criterion, answer: str) -> Grade:
        known = (case.registry or BUILT_IN).attacks
        attacks = [known[name] for name in attacks_of(criterion)]
        grader, version = grader_id(attacks), attacks_version(attacks)
        found = self.record.get((case.id, criterion.id, answer, grader, version))
        return found or Grade(
            criterion=criterion.id,
            status=Status.UNSCORED,
            kind=Kind.EXECUTION,
            grader=grader,
            version=version,
            reason=f"not executed ({self.reason}), and no grade of this answer is on record",
        )


Executor = Attacked | Recorded


def record_of(lines: Iterable[GradeLine]) -> dict[Key, Grade]:
    """Grades by execution, for `Recorded`: also those that the attacks left open, with their reason."""
    return {
        (line.case, line.grade.criterion, line.answer, line.grade.grader, line.grade.version): line.grade
        for line in lines
        if line.grade.kind is Kind.EXECUTION
    }
