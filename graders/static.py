"""Everything that is decided of an answer by reading it: a case's own checks and rules.

Not here: how any of them decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from graders.answer import Answer, read_answer
from graders.criterion import Criterion, Grade
from graders.rules.grading import grade_rules
from graders.rules.rule import Rule
from graders.task import NO_TASK, Task
from graders.text_grading import grade_texts


def grade_static(
    criteria: Sequence[Criterion], answer: Answer, task: Task, rules: Mapping[str, Rule]
) -> Iterator[Grade]:
    """One grade for each list of rules and each check of the text, in order. `rules`: by id, all that the criteria name."""
    texts, ruled = grade_texts(criteria, answer), grade_rules(criteria, answer, task, rules)
    for criterion in criteria:
        for ref in criterion.graders:
            if ref.text is not None:
                yield next(texts)
            elif ref.rules:
                yield next(ruled)


def grade_text(
    text: str, criteria: Sequence[Criterion], *, task: Task = NO_TASK, rules: Mapping[str, Rule] | None = None
) -> tuple[Grade, ...]:
    """Grades of any text by the checks and rules that the criteria list. `rules`: by id; the built-in ones by default.

    Raises KeyError for a rule that is not there.
    """
    if rules is None:
        from graders.registry import BUILT_IN

        rules = BUILT_IN.rules
    return tuple(grade_static(criteria, read_answer(text, task), task, rules))
