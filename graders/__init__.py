"""Graders of answers: rules, attacks, judges. Knows nothing of files, networks or runs.

The names below are the public ones (docs/library.md); each is loaded when it is first asked for. All else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graders.answer import Answer as Answer
    from graders.answer import read_answer as read_answer
    from graders.criterion import Criterion as Criterion
    from graders.criterion import Dimension as Dimension
    from graders.criterion import Evidence as Evidence
    from graders.criterion import Grade as Grade
    from graders.criterion import GraderRef as GraderRef
    from graders.criterion import Kind as Kind
    from graders.criterion import Sort as Sort
    from graders.criterion import Status as Status
    from graders.execution.attack import Attack as Attack
    from graders.execution.attack import AttackSuite as AttackSuite
    from graders.execution.attack import Mutant as Mutant
    from graders.execution.attack import Outcome as Outcome
    from graders.execution.box import BoxError as BoxError
    from graders.execution.box import Limits as Limits
    from graders.execution.runtimes import bare_python as bare_python
    from graders.execution.sandbox import open_box as open_box
    from graders.execution.scratch import scratch as scratch
    from graders.rules.rule import Rule as Rule
    from graders.rules.rule import Severity as Severity
    from graders.rules.rule import Site as Site
    from graders.rules.source import Source as Source
    from graders.rules.source import ToolError as ToolError
    from graders.static import grade_text as grade_text
    from graders.task import Task as Task
    from graders.text_check import TextCheck as TextCheck
    from graders.text_check import TextOp as TextOp

HOMES = {
    "Answer": "graders.answer",
    "read_answer": "graders.answer",
    "Criterion": "graders.criterion",
    "Dimension": "graders.criterion",
    "Evidence": "graders.criterion",
    "Grade": "graders.criterion",
    "GraderRef": "graders.criterion",
    "Kind": "graders.criterion",
    "Sort": "graders.criterion",
    "Status": "graders.criterion",
    "Attack": "graders.execution.attack",
    "Mutant": "graders.execution.attack",
    "Outcome": "graders.execution.attack",
    "AttackSuite": "graders.execution.attack",
    "BoxError": "graders.execution.box",
    "Limits": "graders.execution.box",
    "bare_python": "graders.execution.runtimes",
    "open_box": "graders.execution.sandbox",
    "scratch": "graders.execution.scratch",
    "Rule": "graders.rules.rule",
    "Severity": "graders.rules.rule",
    "Site": "graders.rules.rule",
    "Source": "graders.rules.source",
    "ToolError": "graders.rules.source",
    "grade_text": "graders.static",
    "Task": "graders.task",
    "TextCheck": "graders.text_check",
    "TextOp": "graders.text_check",
}
"""Public name → module."""


def __getattr__(name: str) -> Any:
    from graders.lazy_exports import export

    return export(__name__, HOMES, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
