"""What a remembered grade depends on beside the answer and its task, as one short mark.

The criterion, the graders with their versions, the code they are made of, parsers and tools; for attacks also what the
answer's code was kept from. Change one of them and the mark is another. Here: marks. Not here: the memory.
"""

from __future__ import annotations

from evals.canonical import digest
from graders.code import attack_code, parsers, rule_code
from graders.criterion import Criterion, Kind
from graders.registry import RULES_BY_ID
from graders.work import attack_graders, rule_graders


def rule_mark(criterion: Criterion) -> str:
    """The mark of what rules decide of a criterion."""
    names = [name for ref in criterion.graders if ref.kind is Kind.RULE for name in ref.rules]
    code = rule_code(RULES_BY_ID[name] for name in names)
    return _short([criterion, rule_graders(criterion), code, parsers()])


def attack_mark(criterion: Criterion, isolation: str) -> str:
    """The mark of what attacks decide of a criterion in boxes of one kind."""
    return _short([criterion, attack_graders(criterion), attack_code(), parsers(), isolation])


def _short(value: object) -> str:
    return digest(value)[:24]
