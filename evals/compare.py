"""Two scorecards to one comparison: what moved, what broke, and what may be concluded.

Here: the order of the steps. Not here: pairing (`pairing`), differences besides the persona (`comparability`), tests
(`statistics`), rules of decision (`gate`), wording (`sentence`), files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from evals.case import Suite
from evals.comparability import differences
from evals.comparison import ENOUGH, Basis, BrokenMust, Change, Comparison, Flip, Verdict
from evals.gate import FINAL, Rule, family_verdict, score_verdict
from evals.pairing import (
    Pair,
    alike,
    count_kinds,
    gate_relevant,
    on_basis,
    pair_up,
    repeats_of,
    score_rows,
    unscored_share,
)
from evals.scorecard import Scorecard
from evals.sentence import Finding, sentence
from graders.criterion import Dimension

Repeats = dict[str, tuple[list[int], list[int]]]


def compare(
    base: Scorecard, candidate: Scorecard, suite: Suite, *, allow: Collection[str] = (), rule: Rule = FINAL
) -> Comparison:
    """The comparison. `allow` names differences that the user means (`evals.comparability.KNOWN`); `rule` says how
    sure the verdicts must be.

    Precedence: not comparable, too little scored, a broken must, regressed, not worse or improved, inconclusive.
    """
    licensed = frozenset(base.header.licensed) & frozenset(candidate.header.licensed)
    pairs, repeats = pair_up(base, candidate), repeats_of(base, candidate)
    gated = on_basis(pairs, Basis.GATE, licensed)
    may_gate = alike(gated)
    differ = differences(base, candidate, allow)
    comparable = bool(repeats) and all(difference.allowed for difference in differ)
    dimensions = [d for d in Dimension if any(pair.criterion.dimension is d for pair in pairs)]
    changes = [
        *_changes(Basis.GATE, may_gate, repeats, dimensions, suite, rule if comparable else None),
        *_changes(Basis.ALL, alike(pairs), repeats, dimensions, suite, rule if comparable else None),
    ]
    here, there = ({case for case, _, _ in card.header.cases} for card in (base, candidate))
    comparison = Comparison(
        base=base.header,
        candidate=candidate.header,
        changes=tuple(changes),
        flips=tuple(_flips(pairs)) if comparable else (),
        musts=tuple(_broken(may_gate)) if comparable else (),
        only_base=tuple(sorted(here - there)),
        only_candidate=tuple(sorted(there - here)),
        differences=differ,
        verdict=Verdict.INCONCLUSIVE,
        sentence="",
        set_apart=tuple((pair.case, pair.criterion.id) for pair in pairs if pair.kind_differs),
        compared=len(pairs),
        may_gate=len(may_gate),
    )
    finding = Finding(
        comparison=comparison,
        comparable=comparable,
        shared=tuple(repeats),
        answers=_answers(repeats),
        licensed=bool(licensed),
        unscored=unscored_share(gate_relevant(pairs, licensed, (base, candidate))),
        unscored_limit=suite.unscored_limit,
        lost=tuple(_lost(gated, may_gate)),
    )
    verdict = _verdict(finding)
    return replace(comparison, verdict=verdict, sentence=sentence(verdict, finding))


def _verdict(finding: Finding) -> Verdict:
    """The first rule that fires, in their fixed order."""
    if not finding.comparable:
        return Verdict.NOT_COMPARABLE
    if finding.nothing_gates or finding.unscored > finding.unscored_limit:
        return Verdict.TOO_LITTLE_SCORED
    if finding.comparison.musts:
        return Verdict.REGRESSED
    lost = [Verdict.INCONCLUSIVE for _ in finding.lost]
    return family_verdict([change.verdict for change in finding.family] + lost)


def _lost(gated: Sequence[Pair], kept: Sequence[Pair]) -> Iterator[Dimension]:
    """Dimensions that the base's gate had a score in and the comparison has none: a loss there would not be seen."""
    had = {pair.criterion.dimension for pair in gated if pair.base.scored}
    have = {pair.criterion.dimension for pair in kept}
    return (dimension for dimension in Dimension if dimension in had - have)


def _answers(repeats: Repeats) -> tuple[int, int]:
    return sum(len(one) for one, _ in repeats.values()), sum(len(other) for _, other in repeats.values())


def _changes(
    basis: Basis,
    pairs: Sequence[Pair],
    repeats: Repeats,
    dimensions: Sequence[Dimension],
    suite: Suite,
    rule: Rule | None,
) -> Iterator[Change]:
    """Overall, then each dimension: both scores, and what the test says of their difference (none without a rule)."""
    from evals.statistics.family import Shift, family_test
    from evals.statistics.intervals import cases_like_these, detectable_drop

    rows = score_rows(pairs, repeats, dimensions)
    shifts: Sequence[Shift | None] = family_test(*rows) if rule and repeats else [None] * (1 + len(dimensions))
    families = [found.family if (found := suite.case(case)) else case for case in repeats]
    for number, (dimension, shift) in enumerate(zip([None, *dimensions], shifts, strict=True)):
        means = [_means(rows[0][case], rows[1][case], number) for case in range(len(repeats))]
        both = [(families[case], *pair) for case, pair in enumerate(means) if pair]
        margin = suite.margins.overall if dimension is None else suite.margins.dimension
        own = [pair for pair in pairs if dimension in (None, pair.criterion.dimension)]
        yield Change(
            dimension=dimension,
            basis=basis,
            base=sum(base for _, base, _ in both) / len(both) if both else None,
            candidate=sum(candidate for _, _, candidate in both) / len(both) if both else None,
            difference=shift.difference if shift else None,
            interval=shift.interval if shift else None,
            p_worse=shift.p_worse if shift else None,
            p_better=shift.p_better if shift else None,
            margin=margin,
            verdict=score_verdict(shift, margin, rule) if rule else Verdict.NOT_COMPARABLE,
            decided_by=count_kinds(own),
            detectable=detectable_drop(shift.error) if shift and shift.error > 1e-9 else None,
            wider=cases_like_these([(family, c - b) for family, b, c in both]) if shift else None,
            cases=len(both),
        )


def _means(
    base: Sequence[Sequence[float | None]], candidate: Sequence[Sequence[float | None]], score: int
) -> tuple[float, float] | None:
    """Mean over scored repeats on either side; None where a side has none."""
    one, other = ([row[score] for row in side if row[score] is not None] for side in (base, candidate))
    if not one or not other:
        return None
    return sum(x or 0.0 for x in one) / len(one), sum(x or 0.0 for x in other) / len(other)


def _flips(pairs: Sequence[Pair]) -> list[Flip]:
    """Criteria that moved by at least 0.4 of the repeats and by at least two of them, worst first."""
    moved = []
    for pair in pairs:
        base, candidate = pair.base, pair.candidate
        fewer = min(base.scored, candidate.scored)
        if min(base.repeats, candidate.repeats) < ENOUGH or not fewer:
            continue
        change = candidate.passes / candidate.scored - base.passes / base.scored
        if abs(change) >= 0.4 - 1e-9 and abs(change) * fewer >= 2 - 1e-9:
            flip = Flip(
                case=pair.case,
                criterion=pair.criterion,
                base=base,
                candidate=candidate,
                kind_differs=pair.kind_differs,
            )
            moved.append((round(change, 9), -abs(pair.criterion.points), pair.case, pair.criterion.id, flip))
    return [flip for *_, flip in sorted(moved, key=lambda item: item[:4])]


def _broken(pairs: Sequence[Pair]) -> Iterator[BrokenMust]:
    """`must` criteria that the base met in every scored repeat and the candidate failed, by grades that may gate."""
    for pair in pairs:
        fails = pair.candidate.scored - pair.candidate.passes
        if pair.criterion.must and pair.base.passes == pair.base.scored and fails:
            yield BrokenMust(case=pair.case, criterion=pair.criterion.id, fails=fails, scored=pair.candidate.scored)
