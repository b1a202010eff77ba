"""The gold set: criteria of recorded answers whose truth is known without the judge, one JSON line each.

Two sources, never mixed up: `execution`, what the attacks saw, and `label`, what two independent readers and where they
differ a third said. Here: the items, reading and writing them, and whether they still fit the recordings.
Not here: what the judge said of them (`calibrate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.canonical import Json, canonical, digest
from evals.case import Case, Suite
from evals.errors import Fault
from evals.json_lines import checked_rows
from evals.project import Project
from evals.scorecard import Scorecard
from evals.whole_file import write_whole
from graders.criterion import Criterion, Dimension, Kind, Status

EXECUTION = "execution"
LABEL = "label"


@dataclass(frozen=True, kw_only=True)
class GoldItem:
    """The truth about one criterion of one recorded answer."""

    case: str
    wording: str
    """Digest of what is asked: task, statement, guidance. The truth is bound to it."""
    revision: str
    repeat: int
    answer: str
    """Digest of the answer's text, as grades name it."""
    criterion: str
    dimension: Dimension
    truth: Status
    provenance: str
    """`execution` or `label`."""
    by: str
    """Ids of the attacks, or who labelled: `human`, or `model:` and its family."""
    labels: tuple[str, ...]
    """The independent labels, the adjudicated one last where there is one; empty for `execution`."""
    quote: str
    reason: str

    @property
    def name(self) -> str:
        return f"{self.case}/{self.revision}/{self.repeat}/{self.criterion}"

    @property
    def place(self) -> str:
        """The answer it is about, as recordings are named."""
        return f"{self.case}/{self.revision}/{self.repeat}"


def gold_path(project: Project, suite: str) -> Path:
    return project.root / "graders" / "judge" / "gold" / f"{suite}.jsonl"


def gold_digest(project: Project, suite: str) -> str | None:
    """Identity of a gold set, any changed character making another; None where there is none."""
    try:
        return digest(gold_path(project, suite).read_bytes().decode("utf-8", "replace"))[:16]
    except OSError:
        return None


def to_json(item: GoldItem) -> dict[str, Json]:
    return {
        "case": item.case,
        "wording": item.wording,
        "revision": item.revision,
        "repeat": item.repeat,
        "answer": item.answer,
        "criterion": item.criterion,
        "dimension": item.dimension.value,
        "truth": item.truth.value,
        "provenance": item.provenance,
        "by": item.by,
        "labels": list(item.labels),
        "quote": item.quote,
        "reason": item.reason,
    }


def _from_json(row: dict[str, Any]) -> GoldItem:
    plain = {**row, "dimension": Dimension(row["dimension"]), "truth": Status(row["truth"])}
    return GoldItem(**{**plain, "labels": tuple(row["labels"])})


def read_gold(project: Project, suite: str) -> tuple[list[GoldItem], list[Fault]]:
    """The gold set of a suite, and every line that is none; nothing of both where there is no file."""
    path = gold_path(project, suite)
    shown = project.shown(path)
    if not path.is_file():
        return [], []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [], [Fault(message=f"cannot be read ({error})", file=shown)]
    rows, faults = checked_rows(text, shown, "gold.schema.json")
    items: dict[str, GoldItem] = {}
    for number, row in rows:
        item = _from_json(row)
        if item.name in items:
            faults.append(Fault(message=f"{item.name} has a truth already", file=shown, line=number))
        items[item.name] = item
    return list(items.values()), faults


def write_gold(project: Project, suite: str, items: Iterable[GoldItem]) -> Path:
    """Write the set sorted, whole or not at all."""
    path = gold_path(project, suite)
    rows = sorted(items, key=lambda item: (item.provenance, item.name))
    write_whole(path, "".join(canonical(to_json(item)) + "\n" for item in rows))
    return path


def wording(case: Case, criterion: Criterion) -> str:
    """Identity of the question about a criterion; points, graders and the case's version are no part of it."""
    harm = criterion.points < 0
    return digest([case.task.text, criterion.statement, criterion.guidance, harm])[:16]


def misfit(item: GoldItem, suite: Suite, answers: Mapping[str, str]) -> str:
    """Why an item is not about what there is now; empty when it is. `answers`: digests by place."""
    case = suite.case(item.case)
    criterion = case.criterion(item.criterion) if case else None
    if case is None or criterion is None:
        return "about a criterion that is not there"
    if item.wording != wording(case, criterion):
        return "about another wording of task or criterion"
    if answers.get(item.place) != item.answer:
        return "about another answer than the recorded one"
    return "" if item.dimension is criterion.dimension else "of another dimension than its criterion"


def misfits(items: Sequence[GoldItem], suite: Suite, answers: Mapping[str, str], file: str) -> Iterator[Fault]:
    """What does not fit any more, one fault for each case and reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in items:
        if why := misfit(item, suite, answers):
            found.setdefault((item.case, why), []).append(item.name)
    for (_, why), names in found.items():
        yield Fault(
            message=f"{len(names)} items are {why} ({names[0]}); `evals calibrate --renew` takes what attacks decide, label the rest anew",
            file=file,
        )


def judged(criterion: Criterion) -> bool:
    """Whether a judge is asked about a criterion."""
    return any(ref.kind is Kind.JUDGE for ref in criterion.graders)


def executed_items(suite: Suite, cards: Iterable[Scorecard]) -> Iterator[GoldItem]:
    """What the attacks decided, in the given scorecards, of criteria that a judge is asked about as well."""
    for card in cards:
        for line in card.grades:
            case = suite.case(line.case)
            criterion = case.criterion(line.grade.criterion) if case else None
            grade = line.grade
            if case is None or criterion is None or not judged(criterion):
                continue
            if grade.kind is Kind.EXECUTION and grade.status in (Status.PASS, Status.FAIL):
                yield GoldItem(
                    case=case.id,
                    wording=wording(case, criterion),
                    revision=card.header.revision,
                    repeat=line.repeat,
                    answer=line.answer,
                    criterion=criterion.id,
                    dimension=criterion.dimension,
                    truth=grade.status,
                    provenance=EXECUTION,
                    by=grade.grader,
                    labels=(),
                    quote=grade.evidence[0].quote if grade.evidence else "",
                    reason=grade.reason,
                )
