"""A comparison as one JSON document; its form is `evals/schemas/comparison.schema.json`."""

from __future__ import annotations

from evals.canonical import Json
from evals.comparison import Change, Comparison, Flip, Side
from evals.scorecard import Header
from evals.scorecard_file import grade_json, header_json, rounded

FORMAT = 1


def comparison_json(comparison: Comparison) -> dict[str, Json]:
    """Figures with four decimals; p-values with six."""
    return {
        "format": FORMAT,
        "verdict": comparison.verdict.value,
        "sentence": comparison.sentence,
        "base": _header(comparison.base),
        "candidate": _header(comparison.candidate),
        "compared": comparison.compared,
        "may_gate": comparison.may_gate,
        "changes": [_change(change) for change in comparison.changes],
        "broken_musts": [dict(vars(must).items()) for must in comparison.musts],
        "flips": [_flip(flip) for flip in comparison.flips],
        "only_base": list(comparison.only_base),
        "only_candidate": list(comparison.only_candidate),
        "set_apart": [{"case": case, "criterion": criterion} for case, criterion in comparison.set_apart],
        "differences": [dict(vars(difference).items()) for difference in comparison.differences],
    }


def _header(header: Header) -> dict[str, Json]:
    return {name: value for name, value in header_json(header).items() if name not in ("line", "format")}


def _pair(interval: tuple[float, float] | None) -> Json:
    return None if interval is None else [rounded(interval[0]), rounded(interval[1])]


def _change(change: Change) -> dict[str, Json]:
    return {
        "dimension": change.dimension.value if change.dimension else None,
        "basis": change.basis.value,
        "base": rounded(change.base),
        "candidate": rounded(change.candidate),
        "difference": rounded(change.difference),
        "interval": _pair(change.interval),
        "p_worse": None if change.p_worse is None else round(change.p_worse, 6),
        "p_better": None if change.p_better is None else round(change.p_better, 6),
        "margin": change.margin,
        "verdict": change.verdict.value,
        "decided_by": {kind.value: count for kind, count in change.decided_by},
        "detectable": rounded(change.detectable),
        "wider": _pair(change.wider),
        "cases": change.cases,
    }


def _flip(flip: Flip) -> dict[str, Json]:
    return {
        "case": flip.case,
        "criterion": flip.criterion.id,
        "dimension": flip.criterion.dimension.value,
        "statement": flip.criterion.statement,
        "points": flip.criterion.points,
        "worse": flip.worse,
        "whole": flip.whole,
        "kind_differs": flip.kind_differs,
        "base": _side(flip.base),
        "candidate": _side(flip.candidate),
    }


def _side(side: Side) -> dict[str, Json]:
    return {
        "passes": side.passes,
        "scored": side.scored,
        "repeats": side.repeats,
        "grades": [grade_json(line) for line in side.grades],
    }
