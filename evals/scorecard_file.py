"""Scorecards as files: JSON Lines that a `git diff` can be read from, and their reading back.

`NNNN.jsonl` holds the tally, one line per criterion and dimension; `NNNN.grades.jsonl` one line per grade. Sorted,
four decimals, nothing volatile. Here: the form of the files. Not here: what the figures mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from evals.canonical import Json, canonical, spelled
from evals.errors import Fault, InputError
from evals.project import Project
from evals.recording import PLAIN
from evals.scorecard import CriterionLine, DimensionLine, GradeLine, Header, Scorecard
from evals.usage import Spent, usage_path, usage_text
from evals.whole_file import write_together
from graders.criterion import Criterion, Dimension, Evidence, Grade, Kind, Sort, Status

FORMAT = 1


def rounded(value: float | None) -> float | None:
    """Four decimals: enough for any decision, and equal on every machine."""
    return None if value is None else round(value, 4) + 0.0


def header_json(header: Header) -> dict[str, Json]:
    isolation: dict[str, Json] = {} if header.isolation is None else {"isolation": header.isolation}
    provider: dict[str, Json] = {} if header.provider is None else {"provider": header.provider}
    return {
        "line": "scorecard",
        "format": FORMAT,
        "suite": header.suite,
        "persona": header.persona,
        "revision": header.revision,
        "persona_digest": header.persona_digest,
        "model": header.model,
        "judge": header.judge,
        "judge_context": header.judge_context,
        "judge_licence": [dimension.value for dimension in header.licensed] or None,
        "recording_set": header.recording_set,
        "repeats": header.repeats,
        "cases": [{"case": case, "version": version, "digest": digest} for case, version, digest in header.cases],
        "graders": [{"grader": grader, "version": version} for grader, version in header.graders],
        **isolation,
        **provider,
    }


def criterion_json(line: CriterionLine) -> dict[str, Json]:
    criterion = line.criterion
    return {
        "line": "criterion",
        "case": line.case,
        "criterion": criterion.id,
        "dimension": criterion.dimension.value,
        "sort": criterion.sort.value,
        "points": criterion.points,
        "must": criterion.must,
        "passes": line.passes,
        "scored": line.scored,
        "unscored": line.unscored,
        "not_applicable": line.not_applicable,
        "repeats": line.repeats,
        "decided_by": {kind.value: count for kind, count in line.decided_by},
        **({"executable": line.executable} if line.executable else {}),
    }


def dimension_json(line: DimensionLine) -> dict[str, Json]:
    low, high = line.interval or (None, None)
    return {
        "line": "dimension",
        "dimension": line.dimension.value,
        "score": rounded(line.score),
        "low": rounded(low),
        "high": rounded(high),
        "without_promises": rounded(line.without_promises),
        "cases": line.cases,
        "scored": line.scored,
        "unscored": line.unscored,
        "not_applicable": line.not_applicable,
        "decided_by": {kind.value: count for kind, count in line.decided_by},
    }


def grade_json(line: GradeLine) -> dict[str, Json]:
    grade = line.grade
    return {
        "case": line.case,
        "repeat": line.repeat,
        "criterion": grade.criterion,
        "status": grade.status.value,
        "kind": grade.kind.value,
        "grader": grade.grader,
        "version": grade.version,
        "prevails": line.prevails,
        "answer": line.answer,
        "reason": grade.reason,
        "evidence": [{"quote": e.quote, "line": e.line} for e in grade.evidence],
        **({"votes": [status.value for status in grade.votes]} if grade.votes else {}),
    }


def card_text(card: Scorecard) -> str:
    """The text of `NNNN.jsonl`."""
    criteria = sorted(card.criteria, key=lambda line: (line.case, line.criterion.id))
    rows = [header_json(card.header), *map(criterion_json, criteria), *map(dimension_json, card.dimensions)]
    return "".join(canonical(row) + "\n" for row in rows)


def grades_text(lines: Iterable[GradeLine]) -> str:
    """The text of `NNNN.grades.jsonl`."""
    ordered = sorted(
        lines, key=lambda line: (line.case, line.grade.criterion, line.repeat, line.grade.kind, line.grade.grader)
    )
    return "".join(map(grade_text, ordered))


def grade_text(line: GradeLine) -> str:
    """A line of `NNNN.grades.jsonl`."""
    return spelled(grade_json(line)) + "\n"


def card_folder(project: Project, suite: str, persona: str, out: Path | None = None) -> Path:
    return (out or project.scorecards) / suite / persona


def card_name(revision: str) -> str:
    """The file name for a revision; one that is no plain name gets its digest."""
    from evals.canonical import digest

    return revision if PLAIN.fullmatch(revision) else f"at-{digest(revision)[:12]}"


def write_card(
    folder: Path, card: Scorecard, markdown: str, *, total: Spent | None = None, grades: Iterable[str] | None = None
) -> Path:
    """Write the files of a scorecard together; the path of the first.

    `total`: what its answers cost, where that is known. `grades`: the text of the grades' file in parts, where the
    scorecard does not hold them.
    """
    name = card_name(card.header.revision)
    path = folder / f"{name}.jsonl"
    texts: dict[Path, str | Iterable[str]] = {
        path: card_text(card),
        folder / f"{name}.grades.jsonl": grades_text(card.grades) if grades is None else grades,
        folder / f"{name}.md": markdown,
    }
    if total:
        texts[usage_path(path)] = usage_text(total)
    write_together(texts)
    if not total:  # what other answers cost says nothing of these
        usage_path(path).unlink(missing_ok=True)
    return path


def read_card(path: Path, shown: str) -> Scorecard:
    """A scorecard from its files. Raises InputError naming the line that is wrong."""
    header: Header | None = None
    criteria: list[CriterionLine] = []
    dimensions: list[DimensionLine] = []
    for number, row in _rows(path, shown):
        try:
            if row["line"] == "scorecard":
                header = _header(row)
            elif row["line"] == "criterion":
                criteria.append(_criterion(row))
            else:
                dimensions.append(_dimension(row))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                Fault(
                    message=f"is not a line of a scorecard ({error!r}); run `evals run` again", file=shown, line=number
                )
            ) from None
    if header is None:
        raise InputError(Fault(message="has no header line; run `evals run` again", file=shown, line=1))
    grades = path.with_name(path.name.removesuffix(".jsonl") + ".grades.jsonl")
    return Scorecard(
        header=header, criteria=tuple(criteria), dimensions=tuple(dimensions), grades=tuple(_grades(grades, shown))
    )


def _rows(path: Path, shown: str) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Fault(message=f"cannot be read ({error})", file=shown)) from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError(Fault(message="is not JSON", file=shown, line=number)) from None
        if not isinstance(row, dict):
            raise InputError(Fault(message="is not a JSON object", file=shown, line=number))
        yield number, row


def _header(row: dict[str, Any]) -> Header:
    return Header(
        suite=row["suite"],
        persona=row["persona"],
        revision=row["revision"],
        persona_digest=row["persona_digest"],
        model=row["model"],
        judge=row["judge"],
        judge_context=row["judge_context"],
        recording_set=row["recording_set"],
        repeats=row["repeats"],
        cases=tuple((c["case"], c["version"], c["digest"]) for c in row["cases"]),
        graders=tuple((g["grader"], g["version"]) for g in row["graders"]),
        licensed=tuple(Dimension(name) for name in row["judge_licence"] or ()),
        isolation=row.get("isolation"),
        provider=row.get("provider"),
    )


def _criterion(row: dict[str, Any]) -> CriterionLine:
    """Statement and guidance are not in the file; they belong to the case."""
    criterion = Criterion(
        id=row["criterion"],
        dimension=Dimension(row["dimension"]),
        sort=Sort(row["sort"]),
        points=row["points"],
        statement="",
        guidance="",
        covers=(),
        graders=(),
        must=row["must"],
    )
    return CriterionLine(
        case=row["case"],
        criterion=criterion,
        passes=row["passes"],
        fails=row["scored"] - row["passes"],
        not_applicable=row["not_applicable"],
        unscored=row["unscored"],
        decided_by=_kinds(row),
        executable=row.get("executable", 0),
    )


def _kinds(row: dict[str, Any]) -> tuple[tuple[Kind, int], ...]:
    return tuple((kind, row["decided_by"][kind.value]) for kind in Kind if kind.value in row["decided_by"])


def _dimension(row: dict[str, Any]) -> DimensionLine:
    interval = None if row["low"] is None else (row["low"], row["high"])
    return DimensionLine(
        dimension=Dimension(row["dimension"]),
        score=row["score"],
        interval=interval,
        without_promises=row["without_promises"],
        cases=row["cases"],
        scored=row["scored"],
        unscored=row["unscored"],
        not_applicable=row["not_applicable"],
        decided_by=_kinds(row),
    )


def _grades(path: Path, shown: str) -> Iterable[GradeLine]:
    for number, row in _rows(path, path.name):
        try:
            grade = Grade(
                criterion=row["criterion"],
                status=Status(row["status"]),
                kind=Kind(row["kind"]),
                grader=row["grader"],
                version=row["version"],
                reason=row["reason"],
                evidence=tuple(Evidence(quote=e["quote"], line=e["line"]) for e in row["evidence"]),
                votes=tuple(map(Status, row.get("votes", ()))),
            )
            yield GradeLine(
                case=row["case"], repeat=row["repeat"], answer=row["answer"], grade=grade, prevails=row["prevails"]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                Fault(message=f"is not a grade ({error!r})", file=f"{Path(shown).parent}/{path.name}", line=number)
            ) from None


def with_statements(card: Scorecard, criteria: dict[tuple[str, str], Criterion]) -> Scorecard:
    """The scorecard with the cases' own criteria, where they are still there."""
    return replace(
        card,
        criteria=tuple(
            replace(line, criterion=criteria.get((line.case, line.criterion.id), line.criterion))
            for line in card.criteria
        ),
    )
