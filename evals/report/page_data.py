"""A comparison and its context as the data block of the comparison page. Pure: values in, JSON data out.

Here: what the page may know, in the order it is shown. Not here: cells (`page_cells`), answers (`page_answers`), the
file (`page`). Verdicts, flips and which grades count are taken from the comparison; nothing is decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from evals.canonical import Json
from evals.comparison import ENOUGH, Basis, Change, Comparison
from evals.context import SIDES, AnswerKey, Context, SideName
from evals.persona_hunks import Hunk, Line, persona_hunks
from evals.report.page_answers import size, store
from evals.report.page_cells import Cells
from evals.report.page_words import name_of, rest_of
from evals.scorecard import DimensionLine, Scorecard
from graders.criterion import TRUST, Criterion, Dimension, Kind, Status

MAX_SIZE = 15_000_000
"""Bytes of the whole file."""
SHELL = 150_000
"""Bytes kept free for everything but the data."""
CELLS = 9_000_000
"""Bytes from which on cells leave out what supports a pass that did not move."""
SAME = 0.0001
"""Scorecards keep four decimals."""


def page_data(comparison: Comparison, context: Context) -> dict[str, Json]:
    """Everything that the page shows."""
    cells = Cells(comparison, context)
    rows, notes = cells.data(), list[str]()
    if size(rows) > CELLS:
        cells = Cells(comparison, context, lean=True)
        rows = cells.data()
        notes.append("Reasons and evidence of passes that did not move are left out to keep this file small.")
    data: dict[str, Json] = {
        "suite": comparison.base.suite,
        "persona": comparison.base.persona,
        "sides": [_side(context, side) for side in SIDES],
        "verdict": {
            "kind": comparison.verdict.value,
            "sentence": comparison.sentence,
            "rest": list(rest_of(comparison)),
        },
        "enough": ENOUGH,
        "may_gate": [comparison.may_gate, comparison.compared],
        "counted": _counted(context, cells),
        "differences": [[d.what, d.base, d.candidate, d.allowed] for d in comparison.differences],
        "only": [list(comparison.only_base), list(comparison.only_candidate)],
        "dimensions": list(_dimensions(comparison, context)),
        "history": [card.header.revision for card in _line_of(context)],
        "cases": [_case(context, case) for case in cells.cases],
        "criteria": [_criterion(criterion) for criterion in cells.criteria],
        "graders": list(cells.graders),
        "cells": rows,
        "flips": [
            cells.keys.index((f.case, f.criterion.id))
            for f in comparison.flips
            if (f.case, f.criterion.id) in cells.keys
        ],
        "musts": [
            [cells.keys.index((m.case, m.criterion)), m.fails, m.scored]
            for m in comparison.musts
            if (m.case, m.criterion) in cells.keys
        ],
        "instructions": context.instructions is not None,
        "diff": _diff(context),
        "cost": list(_cost(context)),
    }
    room = MAX_SIZE - SHELL - size(data)
    stored = store(context.answers, room, _ranks(context, cells))
    repeats = _repeats(context)
    data["answers"] = [stored.of(case, {side: repeats.get((side, case), 0) for side in SIDES}) for case in cells.cases]
    data["left_out"] = [*notes, *stored.notes]
    return data


def _side(context: Context, side: SideName) -> Json:
    header, persona = context.card(side).header, context.persona(side)
    return {
        "revision": header.revision,
        "digest": header.persona_digest,
        "empty": persona is not None and not persona.body.strip(),
        "text": persona is not None,
        "model": header.model,
        "set": header.recording_set,
        "judge": header.judge,
        "judge_context": header.judge_context,
        "repeats": header.repeats,
    }


def _counted(context: Context, cells: Cells) -> Json:
    """How many grades each kind of grader decided, and how many may decide the verdict."""
    kinds: Counter[Kind] = Counter()
    counting = asked = 0
    for side in SIDES:
        for line in context.card(side).criteria:
            if line.case not in cells.cases:
                continue
            asked += line.repeats
            for kind, count in line.decided_by:
                kinds[kind] += count
                counting += count if kind is not Kind.JUDGE or line.criterion.dimension in cells.licensed else 0
    return {
        "kinds": [[kind.value, kinds[kind]] for kind in TRUST],
        "counting": counting,
        "decided": kinds.total(),
        "asked": asked,
        "licensed": [name_of(dimension).capitalize() for dimension in Dimension if dimension in cells.licensed],
    }


def _dimensions(comparison: Comparison, context: Context) -> Iterator[Json]:
    """One row per dimension that either side has, in the fixed order."""
    by_basis = {basis: {change.dimension: change for change in comparison.of(basis)} for basis in Basis}
    for dimension in Dimension:
        lines = [context.card(side).dimension(dimension) for side in SIDES]
        every, gate = by_basis[Basis.ALL].get(dimension), by_basis[Basis.GATE].get(dimension)
        if not any(lines) and every is None:
            continue
        yield {
            "id": dimension.value,
            "name": name_of(dimension).capitalize(),
            "scores": [_score(score, line) for score, line in zip(_compared(every), lines, strict=True)],
            "decided": [
                [kind.value, sum(dict(line.decided_by).get(kind, 0) for line in lines if line)] for kind in TRUST
            ],
            "unscored": sum(line.unscored for line in lines if line),
            "gate": _change(gate) if gate and _rests_on_something(gate) else None,
            "all": _change(every) if every else None,
            "history": [_history(card, dimension) for card in _line_of(context)],
        }


def _rests_on_something(change: Change) -> bool:
    return any(count for _, count in change.decided_by)


def _compared(change: Change | None) -> tuple[float | None, float | None]:
    """The scores over what both sides have."""
    return (change.base, change.candidate) if change else (None, None)


def _score(score: float | None, line: DimensionLine | None) -> Json:
    """[score, low, high]; no interval where the scorecard's is about more than what is compared."""
    if score is None:
        return None
    same = line and line.score is not None and line.interval and abs(line.score - score) < SAME
    return [_round(score), *(map(_round, line.interval) if same and line and line.interval else (None, None))]


def _change(change: Change) -> Json:
    return {
        "base": _round(change.base),
        "candidate": _round(change.candidate),
        "difference": _round(change.difference),
        "interval": list(map(_round, change.interval)) if change.interval else None,
        "p_worse": _round(change.p_worse),
        "p_better": _round(change.p_better),
        "margin": _round(change.margin),
        "verdict": change.verdict.value,
        "decided": [[kind.value, count] for kind, count in change.decided_by],
        "detectable": _round(change.detectable),
        "wider": list(map(_round, change.wider)) if change.wider else None,
        "cases": change.cases,
    }


def _round(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _line_of(context: Context) -> list[Scorecard]:
    """Earlier scorecards and the two that are compared, oldest first; empty where there are no earlier ones."""
    compared = [context.base, context.candidate]
    headers = [card.header for card in compared]
    earlier = [card for card in context.history if card.header not in headers]
    return [*earlier, *compared] if earlier else []


def _history(card: Scorecard, dimension: Dimension) -> Json:
    line = card.dimension(dimension)
    return _round(line.score) if line else None


def _case(context: Context, case_id: str) -> Json:
    case = context.suite.case(case_id)
    versions = {name: version for name, version, _ in context.candidate.header.cases}
    return {
        "id": case_id,
        "title": case.title if case else case_id,
        "family": case.family if case else "",
        "version": versions.get(case_id),
        "task": case.message if case else "",
    }


def _criterion(criterion: Criterion) -> Json:
    return {
        "id": criterion.id,
        "dimension": criterion.dimension.value,
        "statement": criterion.statement,
        "guidance": criterion.guidance,
        "points": criterion.points,
        "sort": criterion.sort.value,
        "must": criterion.must,
        "covers": list(criterion.covers),
        "graders": [ref.kind.value for ref in criterion.graders],
    }


def _ranks(context: Context, cells: Cells) -> dict[AnswerKey, int]:
    """How much each answer is worth keeping: 0 for a case with flips, then those with disagreements, with failures."""
    ranks: dict[AnswerKey, int] = {}
    flipped = {case for case, criterion in cells.keys if cells.flip((case, criterion))}
    for side in SIDES:
        for line in context.card(side).grades:
            key = (side, line.case, line.repeat)
            rank = 3 if line.grade.status is not Status.FAIL else 2
            if (line.case, line.grade.criterion, line.repeat) in cells.differing[side]:
                rank = 1
            ranks[key] = 0 if line.case in flipped else min(rank, ranks.get(key, 9))
    return ranks


def _repeats(context: Context) -> dict[tuple[SideName, str], int]:
    found: dict[tuple[SideName, str], int] = {}
    for side in SIDES:
        for line in context.card(side).grades:
            found[side, line.case] = max(found.get((side, line.case), 0), line.repeat)
    return found


def _diff(context: Context) -> Json:
    """The hunks; null where a text is no longer to be had."""
    if context.base_persona is None or context.candidate_persona is None:
        return None
    return [_hunk(h) for h in persona_hunks(context.base_persona, context.candidate_persona, context.instructions)]


def _hunk(hunk: Hunk) -> Json:
    return {
        "heading": hunk.heading,
        "lines": [_line(line) for line in hunk.lines],
        "instructions": [list(pair) for pair in hunk.instructions],
    }


def _line(line: Line) -> Json:
    spans: Sequence[Json] = [[text, changed] if changed else text for text, changed in line.spans]
    return [line.mark, line.base, line.candidate, list(spans)]


def _cost(context: Context) -> Iterator[Json]:
    """What was measured on either side: [name, unit, base, candidate], null where it is not stated."""
    both = [context.usage(side) for side in SIDES]
    if not any(both):
        return
    for name, field, unit in (
        ("Answers", "answers", ""),
        ("Input tokens", "input_tokens", ""),
        ("Output tokens", "output_tokens", ""),
        ("Cost", "cost_usd", "$"),
        ("Latency, median", "latency_seconds", "s"),
    ):
        yield [name, unit, *(getattr(spent, field) if spent else None for spent in both)]
