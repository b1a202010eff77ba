"""Grading as pure tasks: criteria, task and an answer's text in, grades out. They run anywhere the package is.

Here: the tasks, and the grades of a task that was lost. Not here: where and when they run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graders.answer import read_answer
from graders.criterion import Criterion, Grade, GraderRef, Kind, Status
from graders.execution.grading import attacks_of, attacks_version, grade_attacks, grader_id
from graders.registry import ATTACKS, BUILT_IN, RULES_BY_ID
from graders.rules.grading import rules_version
from graders.static import grade_static, needs_blocks
from graders.task import Task
from graders.text_grading import VERSION

Criteria = tuple[Criterion, ...]
Work = Callable[[Criteria, Task, str], tuple[Grade, ...]]
"""Grades of some criteria of an answer's text, in the order of the criteria."""


def ruled(criteria: Sequence[Criterion]) -> Criteria:
    """The criteria that rules may decide."""
    return tuple(c for c in criteria if any(ref.kind is Kind.RULE for ref in c.graders))


def is_plain(criterion: Criterion) -> bool:
    """Whether all that rules decide of a criterion are checks of the text as it stands: looking a grade up takes longer."""
    return not any(needs_blocks(ref) for ref in criterion.graders)


def attacked(criteria: Sequence[Criterion]) -> Criteria:
    """The criteria that attacks may decide."""
    return tuple(c for c in criteria if attacks_of(c))


def by_rule(criteria: Criteria, task: Task, text: str) -> tuple[Grade, ...]:
    """One grade for each list of rules and each check of the text of each criterion."""
    return tuple(grade_static(criteria, text, task, RULES_BY_ID))


def by_attack(criteria: Criteria, task: Task, text: str) -> tuple[Grade, ...]:
    """One grade for each criterion that lists attacks. It blocks while the answer's code runs."""
    return tuple(grade_attacks(criteria, read_answer(text, task), task, BUILT_IN.suites))


def rule_graders(criterion: Criterion) -> tuple[tuple[str, str], ...]:
    """(grader, version) of each grade that rules give a criterion."""
    return tuple(_rule_grader(ref) for ref in criterion.graders if ref.kind is Kind.RULE)


def _rule_grader(ref: GraderRef) -> tuple[str, str]:
    if ref.text is not None:
        return ref.text.grader, VERSION
    rules = tuple(RULES_BY_ID[name] for name in ref.rules)
    return "+".join(rule.id for rule in rules), rules_version(rules)


def attack_graders(criterion: Criterion) -> tuple[tuple[str, str], ...]:
    """(grader, version) of the grade that attacks give a criterion."""
    attacks = [ATTACKS[name] for name in attacks_of(criterion)]
    return ((grader_id(attacks), attacks_version(attacks)),) if attacks else ()


def lost(work: Work, criteria: Criteria, reason: str) -> tuple[Grade, ...]:
    """The grades of work that came to no end: nobody could tell."""
    kind, graders = (Kind.RULE, rule_graders) if work is by_rule else (Kind.EXECUTION, attack_graders)
    return tuple(
        Grade(criterion=criterion.id, status=Status.UNSCORED, kind=kind, grader=grader, version=version, reason=reason)
        for criterion in criteria
        for grader, version in graders(criterion)
    )
