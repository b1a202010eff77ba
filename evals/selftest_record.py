"""The self-test on record: what the attacks said of sound answers and of seeded defects, one JSON line each.

A defect that only one criterion should notice is a known truth for it, and so is every sound answer for every criterion:
with these the attacks are measured as the judge is. Here: the record. Not here: running it (`selftest`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.canonical import Json, canonical
from evals.case import Suite
from evals.errors import raise_all
from evals.json_lines import checked_rows
from evals.load import read_text
from evals.project import Project
from evals.selftest import Report, Result
from evals.whole_file import write_whole
from graders.criterion import Criterion
from graders.execution.grading import attacks_of, attacks_version
from graders.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Known:
    """One answer of the self-test, sound or with one defect, and what became of it."""

    case: str
    answer: str
    """The sound answer, or the one that the defect was seeded into."""
    name: str
    should_fail: tuple[str, ...]
    """Criteria of which at least one has to fail; empty for a sound answer."""
    failed: tuple[str, ...]
    passed: tuple[str, ...]

    def truth(self, criterion: str) -> bool | None:
        """Whether the criterion is met; None where the defect may break several, so that nobody knows which."""
        if not self.should_fail:
            return True
        return False if self.should_fail == (criterion,) else None

    def said(self, criterion: str) -> bool | None:
        """What the attacks said; None when they could not tell."""
        return True if criterion in self.passed else False if criterion in self.failed else None


def record_path(project: Project, suite: str) -> Path:
    return project.results / "selftest" / f"{suite}.jsonl"


def versions(suite: Suite) -> dict[str, Json]:
    """Versions of the attacks behind each executable criterion; a record of others is of no use."""
    registry = suite.registry
    return {
        f"{case.id}/{c.id}": version_of(c, registry) for case in suite.cases for c in case.criteria if attacks_of(c)
    }


def version_of(criterion: Criterion, registry: Registry) -> str:
    return attacks_version([registry.attacks[name] for name in attacks_of(criterion)])


def write_record(project: Project, suite: Suite, report: Report) -> Path:
    """Write the record of a whole self-test, whole or not at all."""
    path = record_path(project, suite.id)
    rows: list[Json] = [{"line": "selftest", "versions": versions(suite)}, *map(_row, report.results)]
    write_whole(path, "".join(canonical(row) + "\n" for row in rows))
    return path


def _row(result: Result) -> dict[str, Json]:
    return {
        "line": "answer",
        "case": result.job.case.id,
        "answer": result.job.answer,
        "name": result.job.name,
        "should_fail": list(result.job.should_fail),
        "failed": list(result.failed),
        "passed": list(result.passed),
    }


def read_record(project: Project, suite: Suite) -> tuple[list[Known], bool]:
    """What is on record, and whether it is of the attacks as they are now. Raises InputError for a file that is none."""
    path = record_path(project, suite.id)
    if not path.is_file():
        return [], True
    shown = project.shown(path)
    found, faults = checked_rows(read_text(path, shown), shown, "selftest.schema.json")
    raise_all(faults)
    rows = [row for _, row in found]
    current = bool(rows) and rows[0].get("versions") == versions(suite)
    return [_known(row) for row in rows if row["line"] == "answer"], current


def _known(row: dict[str, Any]) -> Known:
    return Known(
        case=row["case"],
        answer=row["answer"],
        name=row["name"],
        should_fail=tuple(row["should_fail"]),
        failed=tuple(row["failed"]),
        passed=tuple(row["passed"]),
    )
