"""`evals grade`: rules and attacks on any answer to a case, no model call."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evals.canonical import Json
from evals.case import Case
from evals.commands import shared
from evals.errors import InputError
from evals.execution import Executor
from evals.graded_answer import GradedAnswer
from evals.load import load_suite, read_text
from evals.nearest import unknown
from evals.run import grade_answer
from evals.scorecard_file import rounded
from graders.criterion import Criterion, Dimension, Grade, Status


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    suite = load_suite(home, args.suite)
    case = suite.case(args.case)
    if case is None:
        raise InputError(unknown("case", args.case, [c.id for c in suite.cases], f" in suite `{suite.id}`"))
    executor = shared.executor(home, suite, execute=not args.no_execute)
    results = [_graded(case, file, executor) for file in args.files]
    if args.format == "json":
        shared.put_json(results[0] if len(results) == 1 else list(results))
        return 0
    for result in results:
        _show(result, case)
    return 0


def read_answer_file(file: str) -> str:
    """The text of an answer's file, or of standard input for `-`."""
    if file == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    return read_text(Path(file), file)


def _graded(case: Case, file: str, executor: Executor) -> dict[str, Json]:
    text = read_answer_file(file)
    answer = GradedAnswer(case, text, grade_answer(case, text, executor.grades(case, text)))
    return {
        "case": case.id,
        "answer": file,
        "grades": [_grade_json(c, answer.counting[c.id]) for c in case.criteria],
        "scores": {dimension.value: _score(answer, dimension) for dimension in answer.scores},
    }


def _grade_json(criterion: Criterion, grade: Grade) -> dict[str, Json]:
    return {
        "criterion": criterion.id,
        "dimension": criterion.dimension.value,
        "status": grade.status.value,
        "points": criterion.points,
        "grader": grade.grader,
        "version": grade.version,
        "evidence": [{"quote": e.quote, "line": e.line} for e in grade.evidence],
        "reason": grade.reason,
    }


def _score(answer: GradedAnswer, dimension: Dimension) -> dict[str, Json]:
    mine = [answer.counting[c.id].status for c in answer.case.criteria if c.dimension is dimension]
    return {
        "score": rounded(answer.scores[dimension]),
        "scored": sum(s in (Status.PASS, Status.FAIL) for s in mine),
        "unscored": sum(s is Status.UNSCORED for s in mine),
    }


def _show(result: dict[str, Json], case: Case) -> None:
    from evals.report.safe import plain
    from evals.report.tables import grade_rows

    grades = grade_answer_rows(result)
    decided = sum(row[2] is not Status.UNSCORED for row in grades)
    shared.put(
        plain(
            f"{result['answer']} as an answer to {case.id}: {decided} of {len(grades)} criteria decided without a judge"
        )
    )
    shared.put(grade_rows(grades))


def grade_answer_rows(result: dict[str, Json]) -> list[tuple[str, Dimension, Status, str, str, str]]:
    rows = []
    grades = result["grades"]
    assert isinstance(grades, list)
    for grade in grades:
        assert isinstance(grade, dict)
        evidence = grade["evidence"]
        first = evidence[0] if isinstance(evidence, list) and evidence else None
        quote = (
            ""
            if not isinstance(first, dict)
            else f"{first['line']}: {first['quote']}"
            if first["line"]
            else str(first["quote"])
        )
        rows.append(
            (
                str(grade["criterion"]),
                Dimension(str(grade["dimension"])),
                Status(str(grade["status"])),
                str(grade["grader"]),
                str(grade["reason"]),
                quote,
            )
        )
    return rows
