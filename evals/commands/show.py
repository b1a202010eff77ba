"""`evals show`: scorecards side by side, one whole, what decided a criterion, where graders differ."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from evals.canonical import Json
from evals.case import Suite
from evals.commands import shared
from evals.disagreement import disagreements
from evals.errors import InputError
from evals.load import load_settings, load_suite, nearest
from evals.project import Project
from evals.scorecard import GradeLine, Scorecard, answer_digest
from evals.scorecard_file import criterion_json, dimension_json, grade_json, header_json
from graders.criterion import Status


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    suite = load_suite(home, args.suite) if args.case or args.criterion else load_settings(home, args.suite)
    cards = [shared.find_card(home, suite, args.scorecard)] if args.scorecard else shared.cards(home, suite)
    if args.case or args.criterion:
        return _criterion(args, home, suite, cards)
    if args.disagreements:
        return _disagreements(args, cards)
    if args.format == "json":
        shared.put_json(
            [
                {
                    **header_json(c.header),
                    "dimensions": [dimension_json(x) for x in c.dimensions],
                    "criteria": [criterion_json(x) for x in c.criteria],
                }
                for c in cards
            ]
        )
        return 0
    from evals.report.terminal import show_summary

    shared.put(show_summary(cards, items=args.items))
    return 0


def _criterion(args: argparse.Namespace, home: Project, suite: Suite, cards: Sequence[Scorecard]) -> int:
    case = suite.case(args.case or "")
    if case is None:
        raise InputError(
            f"no case `{args.case}` in suite `{suite.id}`{nearest(str(args.case), [c.id for c in suite.cases])}"
        )
    criterion = case.criterion(args.criterion or "")
    if criterion is None:
        raise InputError(
            f"no criterion `{args.criterion}` in case `{case.id}`{nearest(str(args.criterion), [c.id for c in case.criteria])}"
        )
    lines = [
        (card, line)
        for card in cards
        for line in card.grades
        if (line.case, line.grade.criterion) == (case.id, criterion.id)
    ]
    if args.format == "json":
        shared.put_json([{"revision": card.header.revision, **grade_json(line)} for card, line in lines])
        return 0
    shared.put(f"{case.id}/{criterion.id}: {criterion.statement}")
    for card, line in lines:
        _grade(home, suite, card, line)
    return 0


def _grade(home: Project, suite: Suite, card: Scorecard, line: GradeLine) -> None:
    """One grade, and its quotes where they stand in the answer, as long as that is the answer that was graded."""
    from evals.report.in_place import in_place
    from evals.report.safe import plain

    grade = line.grade
    shared.put(
        plain(
            f"{card.header.revision} answer {line.repeat}: {grade.status.value} by {grade.kind.value} ({grade.grader})"
            f"{'' if line.prevails else ', not counted'}: {grade.reason}"
        )
    )
    answer = shared.recorded_text(home, suite, card, line.case, line.repeat)
    known = answer is not None and answer_digest(answer) == line.answer
    for evidence in grade.evidence:
        if answer is not None and known and evidence.line is not None:
            shared.put("\n".join(in_place(answer, evidence.quote, evidence.line)) + "\n")
        else:
            shared.put(f"    {plain(evidence.cited, 210)}")


def _disagreements(args: argparse.Namespace, cards: Sequence[Scorecard]) -> int:
    found = [(card.header.revision, pair) for card in cards for pair in disagreements(card)]
    if args.format == "json":
        rows: list[Json] = [
            {"revision": revision, "counted": grade_json(one), "other": grade_json(two)}
            for revision, (one, two) in found
        ]
        shared.put_json(rows)
        return 0
    both = sum(1 for card in cards for line in card.grades if not line.prevails and line.grade.decided)
    shared.put(f"{len(found)} disagreements on {both} criteria of answers that two graders decided")
    for revision, (one, two) in found:
        shared.put(f"{one.case}/{one.grade.criterion}, {revision} answer {one.repeat}:")
        for line in (one, two):
            shared.put(f"    {_said(line)}")
    return 0


def _said(line: GradeLine) -> str:
    from evals.report.safe import plain

    quote = (
        f" ({line.grade.evidence[0].cited})" if line.grade.evidence and line.grade.status is not Status.UNSCORED else ""
    )
    return plain(f"{line.grade.kind.value} says {line.grade.status.value}: {line.grade.reason}{quote}", 400)
