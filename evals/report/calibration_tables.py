"""What `evals calibrate` prints: the figures, the licence, and the items where judge and truth differ.

Here: tables and sentences. Not here: any figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evals.calibrate import Calibration, GraderMeasured, Measured
from evals.judge_record import Asked
from evals.report.safe import plain
from evals.report.tables import table
from graders.criterion import Dimension, Status
from graders.judge.calibration import Estimate, Measures

FIGURES = ("balanced_accuracy", "sensitivity", "specificity", "kappa", "macro_f1", "coverage", "invalid_rate")
HEADERS = ("balanced accuracy", "sensitivity", "specificity", "kappa", "macro-F1", "coverage", "invalid")


def calibration_text(found: Calibration) -> str:
    """Everything, in the order in which a sceptic would ask."""
    bound = found.bound_to
    parts = [
        f"judge {bound['judge']}, rubric {bound['rubric']}, asked {bound['context']}; gold set {bound['gold']}",
        *_what(found),
        "",
        "Held-out half, truth by execution (what a licence is decided on):",
        _table(found.measured, "held_out"),
        "",
        "The other half, by which rubrics may be mended:",
        _table(found.measured, "mending"),
        "",
        "Labelled items of both halves (never enough for a licence where a model of the judge's family labelled):",
        _table(found.measured, "labelled"),
        "",
        "Equal votes in separate conversations:",
        *_consistency(found.measured),
        "",
        "Licence to gate:",
        *_licences(found.measured),
        "",
        "Error rates by revision:",
        *_differentials(found),
        "",
        "What the judge alone decided, and the same corrected by the labels (PPI++, 95 %):",
        _corrections(found),
        "",
        "Other graders against the truth from another source:",
        _graders(found.graders),
        *_selftest(found),
    ]
    return "\n".join(parts)


def _what(found: Calibration) -> Iterable[str]:
    sources = [one.item.provenance for one in found.found]
    labellers = sorted({one.item.by for one in found.found if one.item.provenance == "label"})
    by = f" by {', '.join(labellers)}" if labellers else ""
    yield f"{len(sources)} items: {sources.count('execution')} decided by attacks, {sources.count('label')} labelled{by}"
    open_ones = sum(one.item.truth is Status.NOT_APPLICABLE for one in found.found)
    if open_ones:
        yield f"{open_ones} whose truth is not_applicable are in no figure"
    if found.unfit:
        yield f"{found.unfit} are no longer about what there is, and are in no figure: `evals validate` says which"
    if found.unasked:
        yield (
            f"{len(found.unasked)} have no recorded reply to the question as it now stands, and are in no figure: "
            + ", ".join(item.name for item in found.unasked[:3])
        )


def _name(dimension: Dimension | None) -> str:
    return dimension.value if dimension else "all"


def figure(estimate: Estimate | None) -> str:
    """
    >>> figure(Estimate(0.9, 0.8, 1.0, 30)), figure(None)
    ('0.90 (0.80-1.00)', '-')
    """
    return f"{estimate.value:.2f} ({estimate.low:.2f}-{estimate.high:.2f})" if estimate else "-"


def _matrix(measures: Measures) -> list[str]:
    c = measures.confusion
    return [str(c.items), str(measures.answers), f"{c.tp} {c.fp} / {c.fn} {c.tn}"]


def _table(measured: Sequence[Measured], half: str) -> str:
    rows = []
    for one in measured:
        measures: Measures = getattr(one, half)
        if measures.confusion.items:
            figures = [figure(getattr(measures, name)) for name in FIGURES]
            rows.append([_name(one.dimension), *_matrix(measures), *figures])
    return table(rows, ["dimension", "items", "answers", "tp fp / fn tn", *HEADERS]) if rows else "none"


def _consistency(measured: Sequence[Measured]) -> Iterable[str]:
    for one in measured:
        for name, measures in (("held out", one.held_out), ("other half", one.mending), ("labelled", one.labelled)):
            found = measures.self_consistency
            if found and one.dimension is None:
                yield f"  {name}: {figure(found)} of {found.n} items with more than one vote"
    if not any(m.held_out.self_consistency or m.mending.self_consistency for m in measured):
        yield "  no item has more than one vote"


def _licences(measured: Sequence[Measured]) -> Iterable[str]:
    for one in measured:
        if one.licence and one.dimension:
            said = "granted" if one.licence.granted else f"not granted: {_lacking(one)}"
            yield f"  {one.dimension.value}: {said}"


def _lacking(one: Measured) -> str:
    if not one.held_out.confusion.items or one.licence is None:
        return "attacks decided none of its items"
    return "; ".join(one.licence.reasons)


def _differentials(found: Calibration) -> Iterable[str]:
    for base, candidate, one in found.differentials:
        yield (
            f"  {base} and {candidate}: sensitivity {figure(one.sensitivity.base)} and {figure(one.sensitivity.candidate)}, "
            f"specificity {figure(one.specificity.base)} and {figure(one.specificity.candidate)}"
        )
        yield from (f"    warning: {warning}" for warning in one.warnings)


def _corrections(found: Calibration) -> str:
    rows = [
        [
            c.revision,
            c.dimension.value,
            f"{c.correction.raw:.2f}",
            f"{c.correction.value:.2f} ({c.correction.low:.2f}-{c.correction.high:.2f})",
            f"{c.correction.known} of {c.correction.answers}",
        ]
        for c in found.corrections
    ]
    return table(rows, ["revision", "dimension", "raw", "corrected", "answers labelled"]) if rows else "no labels"


def _graders(graders: Sequence[GraderMeasured]) -> str:
    rows = [
        [
            one.kind.value,
            plain(one.grader, 60),
            one.against,
            *_matrix(one.measures),
            *(figure(getattr(one.measures, name)) for name in ("sensitivity", "specificity", "kappa", "coverage")),
        ]
        for one in graders
    ]
    headers = ["kind", "grader", "truth by", "items", "answers", "tp fp / fn tn", "sensitivity", "specificity", "kappa"]
    return table(rows, [*headers, "coverage"]) if rows else "none has a truth from another source"


def _selftest(found: Calibration) -> Iterable[str]:
    if not found.selftest_current:
        yield "The self-test on record is of other attacks than those of now: run `evals selftest --record` again."


def worst_text(found: Sequence[Asked], statements: dict[str, str]) -> str:
    """Where judge and truth differ, quote beside quote, the surest differences (most votes against the truth) first."""
    blocks = [f"{len(found)} items on which the judge's first vote differs from the truth"]
    for one in found:
        item, first = one.item, one.votes[0]
        votes = ", ".join(vote.status.value for vote in one.votes)
        quotes = "; ".join(plain(e.cited, 200) for e in first.evidence) or "no quote"
        blocks += [
            "",
            f"{item.name}: {plain(statements.get(item.name, ''), 300)}",
            f"  truth {item.truth.value} ({item.provenance}, {plain(item.by, 80)}): {plain(item.reason, 400)}",
            f"    {plain(item.quote, 300)}",
            f"  judge {votes}: {plain(first.reason, 400)}",
            f"    {quotes}",
        ]
    return "\n".join(blocks)
