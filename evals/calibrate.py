"""What the recorded judge is worth on the gold set, and the licence that follows, all from what is on disk.

Here: putting gold items, votes and grades together. Not here: the figures (`graders.judge.calibration`), or printing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evals.canonical import Json
from evals.case import Suite
from evals.errors import InputError, raise_all
from evals.gold import EXECUTION, LABEL, GoldItem, gold_path, misfit, read_gold
from evals.judge_record import Asked, answer_digests, asked, binary, judge_context, judge_name
from evals.licence import binding
from evals.project import Project
from evals.recording import Recording
from evals.scorecard import Scorecard
from evals.selftest_record import Known, read_record
from graders.criterion import Dimension, Kind, Status
from graders.execution.grading import attacks_of, grader_id
from graders.judge.calibration import Labelled, Measures, Provenance, executed, measure
from graders.judge.correction import Correction, correct
from graders.judge.differential import Differential, differential
from graders.judge.halves import split
from graders.judge.licence import Licence, decide

SEED = 2026
"""Splits the answers into the half to mend rubrics with and the half to be measured on; chosen before any figure was seen."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The judge in one dimension, or in all (dimension None)."""

    dimension: Dimension | None
    mending: Measures
    held_out: Measures
    labelled: Measures
    """On labelled items of both halves, reported apart."""
    licence: Licence | None
    """None for all dimensions together: a licence is earned in each."""


@dataclass(frozen=True, kw_only=True)
class GraderMeasured:
    """A rule, or an attack, against the truth from another source."""

    grader: str
    kind: Kind
    against: str
    """Where the truth comes from."""
    measures: Measures


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """A revision's judge-scored pass rate in one dimension."""

    revision: str
    dimension: Dimension
    correction: Correction


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Everything that `evals calibrate` reports."""

    suite: str
    bound_to: dict[str, Json]
    found: tuple[Asked, ...]
    unfit: int
    """Items that are not about what there is now, and are in no figure."""
    measured: tuple[Measured, ...]
    graders: tuple[GraderMeasured, ...]
    differentials: tuple[tuple[str, str, Differential], ...]
    corrections: tuple[Corrected, ...]
    selftest_current: bool
    """False: there is a record of the self-test, of other attacks than those of now, and it is left out."""

    @property
    def unasked(self) -> tuple[GoldItem, ...]:
        """Items whose question, as it now stands, has no recorded reply."""
        return tuple(one.item for one in self.found if not one.votes)

    @property
    def licensed(self) -> tuple[Dimension, ...]:
        return tuple(m.dimension for m in self.measured if m.dimension and m.licence and m.licence.granted)


def calibrate(home: Project, suite: Suite, recorded: Sequence[Recording], cards: Sequence[Scorecard]) -> Calibration:
    """Measure the recorded judge on the items that still fit. Raises InputError without any, for broken ones, or without replies."""
    items, faults = read_gold(home, suite.id)
    shown = home.shown(gold_path(home, suite.id))
    raise_all(faults)
    answers = answer_digests(recorded)
    fitting = [item for item in items if not misfit(item, suite, answers)]
    bound = binding(home, suite.id, judge=judge_name(recorded), context=judge_context(recorded))
    if not items or bound is None:
        raise InputError(f"no gold set {shown}; `evals calibrate --renew` takes what the attacks decided into one")
    found = asked(suite, fitting, recorded)
    if not any(one.votes for one in found):
        raise InputError(
            f"none of the {len(fitting)} gold items that fit has a recorded judge reply to the question as it now stands: the rubric has "
            "changed; `evals export requests` writes what must be recorded anew"
        )
    known = labelled(found)
    known_answers, current = read_record(home, suite)
    return Calibration(
        suite=suite.id,
        bound_to=bound,
        found=tuple(found),
        unfit=len(items) - len(fitting),
        measured=tuple(_measured(known)),
        graders=(*_graders(fitting, cards), *attacks_measured(suite, known_answers if current else ())),
        selftest_current=current,
        differentials=tuple(_differentials(known)),
        corrections=tuple(_corrections(suite, fitting, cards)),
    )


def labelled(found: Iterable[Asked]) -> list[Labelled]:
    """The items with a vote whose truth is a plain pass or fail, as the figures want them."""
    return [
        _labelled(one.item, tuple(binary(v.status) for v in one.votes), tuple(not v.decided for v in one.votes))
        for one in found
        if one.votes and one.item.truth is not Status.NOT_APPLICABLE
    ]


def _labelled(item: GoldItem, votes: tuple[bool | None, ...], invalid: tuple[bool, ...] = ()) -> Labelled:
    return Labelled(
        item=item.criterion,
        case=item.case,
        answer=item.place,
        revision=item.revision,
        dimension=item.dimension.value,
        provenance=Provenance(item.provenance),
        truth=item.truth is Status.PASS,
        votes=votes,
        invalid=invalid,
    )


def _measured(known: Sequence[Labelled]) -> Iterable[Measured]:
    halves = split(known, SEED)
    for dimension in (None, *Dimension):
        mending, held_out, everything = (
            [item for item in part if dimension is None or item.dimension == dimension.value]
            for part in (*halves, known)
        )
        if not everything:
            continue
        measures = measure(executed(held_out))
        yield Measured(
            dimension=dimension,
            mending=measure(executed(mending)),
            held_out=measures,
            labelled=measure([item for item in everything if item.provenance is Provenance.LABEL]),
            licence=decide(measures) if dimension else None,
        )


def _graders(items: Iterable[GoldItem], cards: Iterable[Scorecard]) -> Iterable[GraderMeasured]:
    """Each rule against attacks and labels, each attack against labels: nobody is measured against itself."""
    truths = {item.name: item for item in items if item.truth is not Status.NOT_APPLICABLE}
    said: dict[tuple[Kind, str, str], list[Labelled]] = {}
    for card in cards:
        for line in card.grades:
            item = truths.get(f"{line.case}/{card.header.revision}/{line.repeat}/{line.grade.criterion}")
            same = item is not None and item.answer == line.answer
            against = {Kind.RULE: (EXECUTION, LABEL), Kind.EXECUTION: (LABEL,)}.get(line.grade.kind, ())
            if item and same and line.grade.grader != "none" and item.provenance in against:
                key = (line.grade.kind, line.grade.grader, item.provenance)
                said.setdefault(key, []).append(_labelled(item, (binary(line.grade.status),)))
    for (kind, grader, source), found in sorted(said.items()):
        yield GraderMeasured(grader=grader, kind=kind, against=source, measures=measure(found))


def attacks_measured(suite: Suite, known: Sequence[Known]) -> Iterable[GraderMeasured]:
    """Each executable criterion's attacks against sound answers and the defects that it alone should notice."""
    for case in suite.cases:
        for criterion in case.criteria:
            attacks = [suite.registry.attacks[name] for name in attacks_of(criterion)]
            found = [
                Labelled(
                    item=one.name,
                    case=case.id,
                    answer=one.answer,
                    revision="selftest",
                    dimension=criterion.dimension.value,
                    provenance=Provenance.EXECUTION,
                    truth=truth,
                    votes=(one.said(criterion.id),),
                )
                for one in known
                if one.case == case.id and attacks and (truth := one.truth(criterion.id)) is not None
            ]
            if found:
                yield GraderMeasured(
                    grader=grader_id(attacks), kind=Kind.EXECUTION, against="seeded defects", measures=measure(found)
                )


def _differentials(known: Sequence[Labelled]) -> Iterable[tuple[str, str, Differential]]:
    """Every revision against the one before it, over all executed items."""
    for base, candidate in pairwise(sorted({item.revision for item in known})):
        yield base, candidate, differential(executed(known), base, candidate)


def _corrections(suite: Suite, items: Iterable[GoldItem], cards: Iterable[Scorecard]) -> Iterable[Corrected]:
    """For what the judge alone decided: its pass rate over each revision's answers, and the same by the labels."""
    truths = {item.name: binary(item.truth) for item in items if item.provenance == LABEL}
    for card in cards:
        for dimension in Dimension:
            rows = list(_rates(suite, card, dimension, truths))
            found = correct(rows) if rows else None
            if found:
                yield Corrected(revision=card.header.revision, dimension=dimension, correction=found)


def _rates(
    suite: Suite, card: Scorecard, dimension: Dimension, truths: dict[str, bool | None]
) -> Iterable[tuple[float, float | None]]:
    """For each answer: the share of its judge-decided criteria that the judge, and that the labels say are met."""
    answers: dict[tuple[str, int], list[tuple[bool, bool | None]]] = {}
    for line in card.grades:
        case = suite.case(line.case)
        criterion = case.criterion(line.grade.criterion) if case else None
        said = binary(line.grade.status)
        mine = criterion is not None and criterion.dimension is dimension
        if mine and line.prevails and line.grade.kind is Kind.JUDGE and said is not None:
            name = f"{line.case}/{card.header.revision}/{line.repeat}/{line.grade.criterion}"
            answers.setdefault((line.case, line.repeat), []).append((said, truths.get(name)))
    for pairs in answers.values():
        told = [truth for _, truth in pairs if truth is not None]
        judged = sum(said for said, _ in pairs) / len(pairs)
        yield judged, sum(told) / len(told) if len(told) == len(pairs) else None


def calibration_json(home: Project, suite: Suite, recorded: Sequence[Recording]) -> dict[str, Json] | None:
    """What the lock says of the calibration; None where there is no gold set."""
    bound = binding(home, suite.id, judge=judge_name(recorded), context=judge_context(recorded))
    if bound is None:
        return None
    try:
        granted = calibrate(home, suite, recorded, ()).licensed
    except InputError:  # nothing to be measured earns nothing; `evals validate` says what is wrong
        granted = ()
    return {**bound, "licensed": [dimension.value for dimension in granted]}
