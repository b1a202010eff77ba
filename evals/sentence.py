"""The verdict in one sentence: which rule fired, with its number, interval and count. Every report prints this one.

Here: the wording, and the figures that it is made of. Not here: the rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from evals.comparison import Basis, Change, Comparison, Verdict
from evals.gate import SHOWN
from graders.criterion import Dimension


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A comparison before its verdict, and what besides it the verdict depends on."""

    comparison: Comparison
    comparable: bool
    shared: tuple[str, ...]
    """Cases that both sides have answers to."""
    answers: tuple[int, int]
    """Answers to them, base and candidate."""
    licensed: bool
    """Whether the judge has a licence in any dimension."""
    unscored: float
    """Share of gate-relevant (answer, criterion) that nobody decided, of the side where it is larger."""
    unscored_limit: float
    lost: tuple[Dimension, ...]
    """Dimensions that only the base's gate has a score in."""

    @property
    def family(self) -> list[Change]:
        """The scores that the gate tests."""
        return [c for c in self.comparison.of(Basis.GATE) if c.verdict is not Verdict.TOO_LITTLE_SCORED]

    @property
    def nothing_gates(self) -> bool:
        return not any(change.dimension is None for change in self.family)


def sentence(verdict: Verdict, finding: Finding) -> str:
    """The sentence. Names of cases and criteria in it come from files: escape it where it is shown."""
    made = {
        Verdict.NOT_COMPARABLE: _not_comparable,
        Verdict.TOO_LITTLE_SCORED: _too_little,
        Verdict.REGRESSED: _regressed,
        Verdict.NOT_WORSE: _not_worse,
        Verdict.IMPROVED: _improved,
        Verdict.INCONCLUSIVE: _inconclusive,
    }[verdict](finding)
    return f"{verdict.value.capitalize()}: {made}."


def _not_comparable(finding: Finding) -> str:
    refused = [difference for difference in finding.comparison.differences if not difference.allowed]
    if not refused:
        return "no case has answers on both sides"
    named = "; ".join(f"{d.what} ({_cut(d.base)} against {_cut(d.candidate)})" for d in refused[:3])
    more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
    option = f"--allow {refused[0].what.replace(' ', '-')}"
    return f"the two differ in more than the persona: {named}{more}; `{option}` says that it is meant"


def _too_little(finding: Finding) -> str:
    if finding.nothing_gates:
        covered = "the judge's licence covers nothing here" if finding.licensed else "the judge has no licence"
        few = finding.comparison.may_gate
        decided = f"only {_count(few, 'criterion')} {'is' if few == 1 else 'are'}" if few else "no criterion is"
        return f"{covered} and {decided} decided by rules or execution on both sides, so nothing may gate"
    return (
        f"{100 * finding.unscored:.0f} % of what graders that may gate were asked about was decided by nobody "
        f"(limit {100 * finding.unscored_limit:.0f} %)"
    )


def _regressed(finding: Finding) -> str:
    musts = finding.comparison.musts
    if musts:
        first = musts[0]
        more = f", and {len(musts) - 1} more" if len(musts) > 1 else ""
        return (
            f"{first.case}/{first.criterion} must hold, held in every answer of the base, "
            f"and failed in {first.fails} of {_count(first.scored, 'answer')}{more}"
        )
    fallen = [change for change in finding.family if change.verdict is Verdict.REGRESSED]
    worst = min(fallen, key=lambda change: (change.p_worse or 0.0, change.dimension is None, change.difference or 0.0))
    others = [_name(change) for change in fallen if change is not worst]
    also = f"; {_listed(others)} fell too" if others else ""
    return f"{_name(worst)} fell by {abs(worst.difference or 0):.2f} ({_span(worst)}, p {_p(worst.p_worse)} adjusted for {len(finding.family)} scores){also}; {_basis(finding)}"


def _improved(finding: Finding) -> str:
    risen = [change for change in finding.family if change.verdict is Verdict.IMPROVED]
    best = min(
        risen, key=lambda change: (change.p_better or 0.0, change.dimension is None, -(change.difference or 0.0))
    )
    others = [_name(change) for change in risen if change is not best]
    also = f"; {_listed(others)} rose too" if others else ""
    return f"{_name(best)} rose by {best.difference or 0:.2f} ({_span(best)}, p {_p(best.p_better)} adjusted for {len(finding.family)} scores){also}, and no score fell beyond its margin; {_basis(finding)}"


def _not_worse(finding: Finding) -> str:
    closest = min(finding.family, key=_room)
    return f"no score fell beyond its margin; closest to it is {_name(closest)} at {closest.difference or 0:+.2f} ({_span(closest)}, margin {closest.margin:.2f}); {_basis(finding)}"


def _inconclusive(finding: Finding) -> str:
    open_ = [change for change in finding.family if change.verdict not in SHOWN]
    if not open_:
        return f"no answer of the candidate could be graded in {_listed([_words(d) for d in finding.lost])}; {_basis(finding)}"
    widest = min(open_, key=_room)
    seen = f"; a drop of {widest.detectable:.2f} would be seen in 4 of 5 runs" if widest.detectable else ""
    moved = f"moved by {widest.difference:+.2f}" if round(widest.difference or 0.0, 2) else "stayed where it was"
    return f"{_name(widest)} {moved}, but a loss beyond {widest.margin:.2f} cannot be ruled out ({_span(widest)}){seen}; {_basis(finding)}"


def _room(change: Change) -> float:
    """How far the lower bound stays above the tolerated loss."""
    assert change.interval is not None
    return change.interval[0] + change.margin


def _span(change: Change) -> str:
    assert change.interval is not None
    return f"90 % interval {change.interval[0]:+.2f} to {change.interval[1]:+.2f}"


def _p(p: float | None) -> str:
    return "< 0.001" if p is not None and p < 0.001 else f"{p:.3f}"


def _name(change: Change) -> str:
    return "the mean over all criteria" if change.dimension is None else _words(change.dimension)


def _words(dimension: Dimension) -> str:
    return dimension.value.replace("_", " ")


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _basis(finding: Finding) -> str:
    """What the figures rest on."""
    comparison = finding.comparison
    return (
        f"{comparison.may_gate} of {_count(comparison.compared, 'criterion')} may gate, {_count(len(finding.shared), 'case')}, "
        f"{finding.answers[0]} against {_count(finding.answers[1], 'answer')}"
    )


def _count(number: int, noun: str) -> str:
    many = {"criterion": "criteria"}.get(noun, f"{noun}s")
    return f"{number} {noun if number == 1 else many}"


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
