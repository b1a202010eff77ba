"""Whether a judge errs more on one revision's answers than on the other's.

Here: the check. Not here: the regression gate that such a judge would mislead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graders.judge.calibration import Estimate, Labelled, measure
from graders.judge.proportions import square_and_add

if TYPE_CHECKING:
    from graders.judge.rates import Floats

RATES = {"sensitivity": "is met", "specificity": "is not met"}


@dataclass(frozen=True, kw_only=True)
class Gap:
    """One rate on both sides; None where no decided item of the class is there."""

    base: Estimate | None
    candidate: Estimate | None
    difference: Estimate | None
    """Candidate minus base, -1 to 1."""


@dataclass(frozen=True, kw_only=True)
class Differential:
    """Error rates by revision, and what must be said about them."""

    sensitivity: Gap
    specificity: Gap
    warnings: tuple[str, ...]


def differential(items: Sequence[Labelled], base: str, candidate: str) -> Differential:
    """Sensitivity and specificity on the answers of either revision, with a warning for each that differs or is unknown.

    A judge of equal error rates on both sides shrinks a true difference; one of unequal rates invents or hides one. They
    differ when the 95 % interval of the difference leaves 0 out. On either side it takes the wider limit of two:
    method 10 of Newcombe (Statistics in Medicine 17, 1998, p. 873), and percentiles of resampled answers (see
    `measure`). Fisher's exact test was not taken: it ignores clusters too, and finds less at 30 items a side. No
    warning is no proof of equality: look at how wide the interval is. Items of other revisions are left aside.

    Raises ValueError when both revisions are one, or an item is there twice.
    """
    if base == candidate:
        message = f"both sides are revision {base}"
        raise ValueError(message)
    sides = [[item for item in items if item.revision == revision] for revision in (base, candidate)]
    gaps = {name: _gap(name, *sides) for name in RATES}
    warnings = [_warning(name, gap, base, candidate) for name, gap in gaps.items()]
    return Differential(**gaps, warnings=tuple(warning for warning in warnings if warning))


def _gap(name: str, base: Sequence[Labelled], candidate: Sequence[Labelled]) -> Gap:
    one, other = _figure(name, base), _figure(name, candidate)
    known = one is not None and other is not None
    return Gap(base=one, candidate=other, difference=_difference(name, base, candidate) if known else None)


def _figure(name: str, items: Sequence[Labelled]) -> Estimate | None:
    measures = measure(items)
    return measures.sensitivity if name == "sensitivity" else measures.specificity


def _difference(name: str, base: Sequence[Labelled], candidate: Sequence[Labelled]) -> Estimate:
    from graders.judge.rates import percentiles, rates, resampled, share_limits, size, tables

    one, other = tables(base), tables(candidate)

    def figure(table: Floats) -> Floats:
        return rates(table)[name]

    totals = one.sum(axis=0), other.sum(axis=0)
    before, after = (float(figure(total)) for total in totals)
    limits = [share_limits(name, total) for total in totals]
    newcombe = square_and_add(
        after - before,
        [limits[1][0] - before, after - limits[0][1]],
        [limits[1][1] - before, after - limits[0][0]],
    )
    drawn = [figure(resampled(rows, stream)) for stream, rows in enumerate((one, other), start=1)]
    both = [newcombe, *(percentiles(drawn[1] - drawn[0]) if all(map(len, drawn)) else [])]
    return Estimate(
        value=after - before,
        low=min(low for low, _ in both),
        high=max(high for _, high in both),
        n=sum(size(name, total) for total in totals),
    )


def _warning(name: str, gap: Gap, base: str, candidate: str) -> str | None:
    if gap.base is None or gap.candidate is None or gap.difference is None:
        lacking = " or ".join(
            revision for revision, side in ((base, gap.base), (candidate, gap.candidate)) if side is None
        )
        return f"{name} cannot be compared: no decided item of {lacking} whose criterion {RATES[name]}"
    if gap.difference.low <= 0 <= gap.difference.high:
        return None
    return (
        f"{name} differs: {gap.base.value:.3f} on answers of {base}, {gap.candidate.value:.3f} on those of {candidate} "
        f"(difference {gap.difference.low:+.3f} to {gap.difference.high:+.3f}); differences this judge finds between the two "
        "may be its own"
    )
