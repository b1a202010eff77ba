"""Labels that people or models gave to criteria of recorded answers, and the gold items that come of them.

Two independent labels that agree are a truth; where they differ a third, adjudicated one decides, and until then the
criterion has none. Here: reading and joining labels. Not here: the set that they enter (`gold`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evals.case import Suite
from evals.errors import Fault, raise_all
from evals.gold import LABEL, GoldItem, wording
from evals.json_lines import checked_rows
from graders.criterion import Status

Key = tuple[str, str, int, str]
"""Case, revision, repeat, criterion."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """What one reader said of one criterion of one answer."""

    status: Status
    quote: str
    reason: str


def read_labels(text: str, file: str) -> dict[Key, Label]:
    """One reader's labels from JSON Lines. Raises InputError with every broken or doubled line."""
    rows, faults = checked_rows(text, file, "label.schema.json")
    labels: dict[Key, Label] = {}
    for number, row in rows:
        key = (row["case"], row["revision"], row["repeat"], row["criterion"])
        if key in labels:
            faults.append(Fault(message=f"{'/'.join(map(str, key))} is labelled twice", file=file, line=number))
        labels[key] = Label(status=Status(row["label"]), quote=row["quote"], reason=row["reason"])
    raise_all(faults)
    return labels


def disputed(one: Mapping[Key, Label], two: Mapping[Key, Label]) -> list[Key]:
    """What both readers labelled, and differently."""
    return sorted(key for key in one.keys() & two.keys() if one[key].status is not two[key].status)


def labelled_items(
    suite: Suite,
    answers: Mapping[str, str],
    readers: Sequence[Mapping[Key, Label]],
    adjudicated: Mapping[Key, Label],
    by: str,
) -> Iterator[GoldItem]:
    """Gold items of what both readers labelled, a dispute only where it is adjudicated. `answers`: digests by place.

    Raises InputError for a label on a criterion or an answer that is not there.
    """
    one, two = readers
    for key in sorted(one.keys() & two.keys()):
        labels = [one[key], two[key]]
        if one[key].status is not two[key].status:
            if key not in adjudicated:
                continue
            labels.append(adjudicated[key])
        yield _item(suite, answers, key, labels, by)


def _item(suite: Suite, answers: Mapping[str, str], key: Key, labels: Sequence[Label], by: str) -> GoldItem:
    case_id, revision, repeat, criterion_id = key
    place = f"{case_id}/{revision}/{repeat}"
    case = suite.case(case_id)
    criterion = case.criterion(criterion_id) if case else None
    if case is None or criterion is None or place not in answers:
        raise_all([Fault(message=f"a label is about {place}/{criterion_id}, which is not there")])
    assert case is not None
    assert criterion is not None
    return GoldItem(
        case=case_id,
        wording=wording(case, criterion),
        revision=revision,
        repeat=repeat,
        answer=answers[place],
        criterion=criterion_id,
        dimension=criterion.dimension,
        truth=labels[-1].status,
        provenance=LABEL,
        by=by,
        labels=tuple(label.status.value for label in labels),
        quote=labels[-1].quote,
        reason=labels[-1].reason,
    )
