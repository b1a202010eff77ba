"""Everything that is decided of an answer by reading it: a case's own checks and rules.

Not here: how any of them decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from graders.answer import Answer, read_answer
from graders.answer_text import normalised
from graders.criterion import Criterion, Grade, GraderRef
from graders.rules.grading import grade_rules
from graders.rules.rule import Rule
from graders.task import NO_TASK, Task
from graders.text_grading import grade_texts


def grade_static(criteria: Sequence[Criterion], text: str, task: Task, rules: Mapping[str, Rule]) -> Iterator[Grade]:
    """One grade for each list of rules and each check of the text, in order. `rules`: by id, all that the criteria name."""
    blocks = any(needs_blocks(ref) for criterion in criteria for ref in criterion.graders)
    answer = read_answer(text, task) if blocks else Answer(text=normalised(text)[0])
    texts, ruled = grade_texts(criteria, answer), grade_rules(criteria, answer, task, rules)
    for criterion in criteria:
        for ref in criterion.graders:
            if ref.text is not None:
                yield next(texts)
            elif ref.rules:
                yield next(ruled)


def needs_blocks(ref: GraderRef) -> bool:
    """Whether an answer must be read as Markdown for this grader, which costs more than most checks of a text."""
    return bool(ref.rules) or (ref.text is not None and ref.file is not None)


def grade_text(
    text: str, criteria: Sequence[Criterion], *, task: Task = NO_TASK, rules: Mapping[str, Rule] | None = None
) -> tuple[Grade, ...]:
    """Grades of any text by the checks and rules that the criteria list. `rules`: by id; the built-in ones by default.

    Raises KeyError for a rule that is not there.
    """
    if rules is None:
        from graders.registry import BUILT_IN

        rules = BUILT_IN.rules
    return tuple(grade_static(criteria, text, task, rules))
