"""Values to rows: each a dictionary with exactly the columns that `columns` promises, in that order.

Figures have the four decimals of the committed files, so that a scorecard gives the same rows from memory and from disk.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from evals.canonical import Json
from evals.case import Case
from evals.data.columns import ANSWERS, CASES, CRITERIA, DIMENSIONS, GRADES, SCORECARDS, Table
from evals.exchange import Response, Usage
from evals.recording import Recording
from evals.scorecard import GradeLine, Scorecard, answer_digest
from evals.scorecard_file import header_json, rounded
from evals.trial import Trial
from graders.criterion import Criterion, GraderRef, Kind
from graders.text_check import check_json

Row = dict[str, Json]


def _row(table: Table, values: Row) -> Row:
    """The values in the table's order. Raises KeyError for one that was forgotten."""
    return {name: _whole(values[name]) for name in table.names}


def _whole(value: Json) -> Json:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {key: _whole(item) for key, item in value.items()} if isinstance(value, dict) else value


def whole(text: str) -> str:
    """Half a character (a lone surrogate), which neither Parquet nor any protocol can carry, becomes U+FFFD.

    >>> whole("a\\ud83d"), whole("\\ud83d\\ude00 ü")
    ('a\ufffd', '😀 ü')
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _about(card: Scorecard) -> Row:
    header = card.header
    return {"suite": header.suite, "persona": header.persona, "revision": header.revision, "model": header.model}


def _versions(card: Scorecard) -> dict[str, int]:
    return {case: version for case, version, _ in card.header.cases}


def _criterion(card: Scorecard, case: str, criterion: Criterion | None) -> Row:
    """Null for what a scorecard does not say of a criterion that only its grades name."""
    facts: Row = dict.fromkeys(("dimension", "sort", "points", "must"))
    if criterion is not None:
        facts = {
            "dimension": criterion.dimension.value,
            "sort": criterion.sort.value,
            "points": criterion.points,
            "must": criterion.must,
        }
    return {**_about(card), "case": case, "case_version": _versions(card).get(case), **facts}


def grade_rows(card: Scorecard) -> list[Row]:
    """One row for each grade, in the order of the committed file."""
    known = {(line.case, line.criterion.id): line.criterion for line in card.criteria}
    ordered = sorted(
        card.grades, key=lambda line: (line.case, line.grade.criterion, line.repeat, line.grade.kind, line.grade.grader)
    )
    return [_grade_row(card, line, known.get((line.case, line.grade.criterion))) for line in ordered]


def _grade_row(card: Scorecard, line: GradeLine, criterion: Criterion | None) -> Row:
    grade = line.grade
    advisory = grade.kind is Kind.JUDGE and (criterion is None or criterion.dimension not in card.header.licensed)
    return _row(
        GRADES,
        {
            **_criterion(card, line.case, criterion),
            "criterion": grade.criterion,
            "repeat": line.repeat,
            "answer": line.answer,
            "kind": grade.kind.value,
            "grader": grade.grader,
            "grader_version": grade.version,
            "status": grade.status.value,
            "prevails": line.prevails,
            "advisory": advisory,
            "reason": grade.reason,
            "evidence": [{"quote": one.quote, "line": one.line} for one in grade.evidence],
            "votes": [status.value for status in grade.votes],
        },
    )


def _by(decided: Sequence[tuple[Kind, int]]) -> Row:
    counted = dict(decided)
    return {f"by_{kind.value}": counted.get(kind, 0) for kind in Kind}


def criterion_rows(card: Scorecard) -> list[Row]:
    """One row for each criterion."""
    ordered = sorted(card.criteria, key=lambda line: (line.case, line.criterion.id))
    return [
        _row(
            CRITERIA,
            {
                **_criterion(card, line.case, line.criterion),
                "criterion": line.criterion.id,
                "repeats": line.repeats,
                "passes": line.passes,
                "rate": rounded(line.rate),
                "scored": line.scored,
                "not_applicable": line.not_applicable,
                "unscored": line.unscored,
                **_by(line.decided_by),
                "executable": line.executable,
            },
        )
        for line in ordered
    ]


def dimension_rows(card: Scorecard) -> list[Row]:
    """One row for each dimension."""
    return [
        _row(
            DIMENSIONS,
            {
                **_about(card),
                "dimension": line.dimension.value,
                "score": rounded(line.score),
                "low": rounded(line.interval[0]) if line.interval else None,
                "high": rounded(line.interval[1]) if line.interval else None,
                "without_promises": rounded(line.without_promises),
                "cases": line.cases,
                "scored": line.scored,
                "not_applicable": line.not_applicable,
                "unscored": line.unscored,
                **_by(line.decided_by),
            },
        )
        for line in card.dimensions
    ]


def scorecard_row(card: Scorecard) -> Row:
    """What the scorecard is about."""
    said = header_json(card.header)
    licensed: list[Json] = [dimension.value for dimension in card.header.licensed]
    return _row(
        SCORECARDS,
        {**said, "licensed": licensed, "isolation": card.header.isolation, "case_versions": said["cases"]},
    )


def answer_row(suite: str, trial: Trial, recording: Recording) -> Row:
    """A recorded answer to a trial."""
    request, response = trial.request, recording.response
    return _row(
        ANSWERS,
        {
            "suite": suite,
            "case": trial.case.id,
            "case_version": trial.case.version,
            "persona": trial.persona.name,
            "revision": trial.persona.revision,
            "repeat": trial.repeat,
            "system": request.system,
            "messages": [{"role": one.role, "content": one.text} for one in request.messages],
            "text": response.text,
            "answer": answer_digest(response.text),
            "request": request.digest,
            **_response(response),
        },
    )


def _response(response: Response) -> Row:
    usage, provenance = response.usage, response.provenance
    return {
        "model": response.model,
        "stop_reason": response.stop_reason,
        **{name: getattr(usage, name, None) for name in Usage.__dataclass_fields__},
        "provenance": provenance.kind,
        "recording_set": provenance.recording_set,
        "request_id": provenance.request_id,
        "declared": [{"topic": topic, "statement": statement} for topic, statement in provenance.declared],
    }


def case_row(suite: str, case: Case) -> Row:
    """A whole case. `evals import cases` makes the same case of it."""
    return _row(
        CASES,
        {
            "suite": suite,
            "id": case.id,
            "version": case.version,
            "family": case.family,
            "title": case.title,
            "message": case.message,
            "attachments": [{"name": one.name, "text": one.text} for one in case.attachments],
            "files": list(case.files),
            "minimum": [{"dimension": dimension.value, "score": least} for dimension, least in case.minimum],
            "criteria": [_criterion_data(one) for one in case.criteria],
            "digest": case.digest,
        },
    )


def _criterion_data(criterion: Criterion) -> Json:
    return {
        "id": criterion.id,
        "dimension": criterion.dimension.value,
        "sort": criterion.sort.value,
        "points": criterion.points,
        "must": criterion.must,
        "statement": criterion.statement,
        "guidance": criterion.guidance,
        "covers": list(criterion.covers),
        "graders": [_grader(ref) for ref in criterion.graders],
    }


def _grader(ref: GraderRef) -> Json:
    attacks: Json = None if ref.attacks is None else list(ref.attacks)
    text = None if ref.text is None else json.dumps(check_json(ref.text), ensure_ascii=False)
    return {
        "kind": ref.kind.value,
        "attacks": attacks,
        "rules": list(ref.rules),
        "text": text,
        "file": ref.file,
        "veto": ref.veto,
    }


def result_tables(cards: Sequence[Scorecard]) -> list[tuple[Table, list[Row]]]:
    """All tables of results."""
    return [
        (GRADES, [row for card in cards for row in grade_rows(card)]),
        (CRITERIA, [row for card in cards for row in criterion_rows(card)]),
        (DIMENSIONS, [row for card in cards for row in dimension_rows(card)]),
        (SCORECARDS, [scorecard_row(card) for card in cards]),
    ]
