"""The cells of the comparison page: one criterion of one case, with every grade of both sides.

Here: comparison and context as plain data. Not here: texts of answers (`page_answers`), or what is drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from evals.canonical import Json
from evals.comparison import Comparison, Flip
from evals.context import SIDES, AnswerKey, Context, SideName
from evals.disagreement import disagreements
from evals.report.evidence import span, utf16
from evals.scorecard import CriterionLine, GradeLine
from graders.criterion import Criterion, Grade, Kind, Status

MAX_REASON = 4_000
MAX_TRANSCRIPT = 40_000
"""Characters; what is longer is cut, with a mark."""

Key = tuple[str, str]
"""(case id, criterion id)."""


@dataclass
class Cells:
    """All cells, and the tables that they point into. Built once per page."""

    comparison: Comparison
    context: Context
    lean: bool = False
    """Whether to leave out what supports a pass that did not move, to keep the file small."""
    cases: list[str] = field(default_factory=list)
    criteria: dict[Criterion, int] = field(default_factory=dict)
    graders: dict[str, int] = field(default_factory=dict)
    """Both with their place in the page's tables."""
    keys: list[Key] = field(default_factory=list)
    """The case and criterion of each cell, in the order of the page."""

    def __post_init__(self) -> None:
        self.licensed = frozenset(self.comparison.base.licensed) & frozenset(self.comparison.candidate.licensed)
        self._apart = set(self.comparison.set_apart)
        self._flips = {(flip.case, flip.criterion.id): flip for flip in self.comparison.flips}
        self._lines = {
            side: {(line.case, line.criterion.id): line for line in self.context.card(side).criteria} for side in SIDES
        }
        self._grades = {side: _by_key(self.context.card(side).grades) for side in SIDES}
        self.differing: dict[SideName, set[tuple[str, str, int]]] = {
            side: {(line.case, line.grade.criterion, line.repeat) for line, _ in disagreements(self.context.card(side))}
            for side in SIDES
        }
        self._units = {key: utf16(text) for key, text in self.context.answers.items()}
        shared = {case for case, _ in self._lines["base"]} & {case for case, _ in self._lines["candidate"]}
        known = [case.id for case in self.context.suite.cases]
        self.cases = sorted(shared, key=lambda case: (known.index(case) if case in known else len(known), case))
        self.keys = [
            (case, criterion)
            for case in self.cases
            for criterion in dict.fromkeys(
                line.criterion.id for side in SIDES for line in self.context.card(side).criteria if line.case == case
            )
        ]

    def data(self) -> list[Json]:
        """The cells, in the order of `keys`."""
        return [self._cell(key) for key in self.keys]

    def must(self, key: Key) -> bool:
        return any((must.case, must.criterion) == key for must in self.comparison.musts)

    def flip(self, key: Key) -> Flip | None:
        return self._flips.get(key)

    def _cell(self, key: Key) -> dict[str, Json]:
        flip = self._flips.get(key)
        line = self._lines["candidate"].get(key) or self._lines["base"][key]
        cell: dict[str, Json] = {
            "case": self.cases.index(key[0]),
            "criterion": _index(self.criteria, flip.criterion if flip else line.criterion),
            "sides": [self._side(side, key) for side in SIDES],
        }
        if flip:
            cell["flip"] = "worse" if flip.worse else "better"
            cell["whole"] = flip.whole
            cell["counts"] = not flip.kind_differs and self._counts(flip)
        if key in self._apart or (flip and flip.kind_differs):
            cell["apart"] = True
        if self.must(key):
            cell["must"] = True
        if any((*key, repeat) in self.differing[side] for side in SIDES for repeat in self._repeats(side, key)):
            cell["differ"] = True
        return cell

    def _counts(self, flip: Flip) -> bool:
        """Whether a flip rests only on grades that count for the verdict."""
        kinds = {line.grade.kind for side in (flip.base, flip.candidate) for line in side.grades}
        return Kind.JUDGE not in kinds or flip.criterion.dimension in self.licensed

    def _repeats(self, side: SideName, key: Key) -> range:
        line = self._lines[side].get(key)
        return range(1, line.repeats + 1) if line else range(0)

    def _side(self, side: SideName, key: Key) -> Json:
        line: CriterionLine | None = self._lines[side].get(key)
        if line is None:
            return None
        grades = self._grades[side][key]
        repeats = range(1, max([line.repeats, *(grade.repeat for grade in grades)]) + 1)
        return {
            "passes": line.passes,
            "scored": line.scored,
            "repeats": line.repeats,
            "skipped": line.not_applicable,
            "grades": [[self._grade(side, g) for g in grades if g.repeat == repeat] for repeat in repeats],
        }

    def _grade(self, side: SideName, line: GradeLine) -> dict[str, Json]:
        grade = line.grade
        row: dict[str, Json] = {
            "s": grade.status.value[0] if grade.status is not Status.NOT_APPLICABLE else "n",
            "k": grade.kind.value,
            "g": _index(self.graders, grade.grader),
        }
        if not line.prevails:
            row["aside"] = True
        if grade.kind is Kind.JUDGE and not self._judge_counts(line):
            row["advisory"] = True
        if self.lean and grade.status is Status.PASS and (line.case, grade.criterion) not in self._flips:
            return row | {"lean": True}
        row["why"] = clipped(grade.reason, MAX_REASON)
        return row | self._evidence((side, line.case, line.repeat), grade)

    def _judge_counts(self, line: GradeLine) -> bool:
        for lines in self._lines.values():
            found = lines.get((line.case, line.grade.criterion))
            if found:
                return found.criterion.dimension in self.licensed
        return False

    def _evidence(self, key: AnswerKey, grade: Grade) -> dict[str, Json]:
        """Places in the answer (UTF-16 units), quotes that are not to be found in it, and the transcript."""
        text, units = self.context.answers.get(key), self._units.get(key)
        spans: list[Json] = []
        lost: list[Json] = []
        for evidence in (e for e in grade.evidence if e.line is not None):
            place = span(evidence, text) if text is not None else None
            if place is None:
                lost.append(clipped(evidence.quote, MAX_REASON))
            else:
                spans.append([units[place[0]], units[place[1]]] if units else list(place))
        log = "\n".join(evidence.quote for evidence in grade.evidence if evidence.line is None)
        found: dict[str, Json] = {"at": spans, "lost": lost, "log": clipped(log, MAX_TRANSCRIPT)}
        return {name: value for name, value in found.items() if value}


T = TypeVar("T")


def _index(table: dict[T, int], value: T) -> int:
    return table.setdefault(value, len(table))


def _by_key(lines: Sequence[GradeLine]) -> Mapping[Key, list[GradeLine]]:
    """Grades by case and criterion, those that count first."""
    found: dict[Key, list[GradeLine]] = defaultdict(list)
    for line in lines:
        found[line.case, line.grade.criterion].append(line)
    for grades in found.values():
        grades.sort(key=lambda line: (line.repeat, not line.prevails, line.grade.kind, line.grade.grader))
    return found


def clipped(text: str, limit: int) -> str:
    """A text of at most `limit` characters; one that was cut says how long it was.

    >>> clipped("abcdef", 3)
    'abc … (3 of 6 characters)'
    """
    return text if len(text) <= limit else f"{text[:limit]} … ({limit:,} of {len(text):,} characters)"
