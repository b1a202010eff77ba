"""From two scorecards to a verdict: each rule of precedence, each thing that leaves the gate, each refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from evals.case import Margins, Suite
from evals.comparability import allowed_names
from evals.compare import compare
from evals.comparison import Basis, Change, Comparison, Verdict
from evals.errors import InputError
from evals.scorecard import Scorecard
from graders.criterion import Criterion, Dimension, Kind

Card = Callable[..., Scorecard]
Make = Callable[..., Criterion]


def find(comparison: Comparison, dimension: Dimension | None, basis: Basis = Basis.GATE) -> Change:
    return next(c for c in comparison.of(basis) if c.dimension is dimension)


def suite_of(count: int, *outcomes: tuple[str, str]) -> dict[str, str]:
    """The same outcomes in so many cases."""
    return {f"case{number}/{name}": text for number in range(count) for name, text in outcomes}


def test_a_drop_in_every_case_has_regressed(card: Card, small_suite: Suite) -> None:
    base = card(suite_of(4, ("security-sql", "PPP"), ("documentation-why", "PPF")))
    candidate = card(suite_of(4, ("security-sql", "FFF"), ("documentation-why", "PFP")))
    result = compare(base, candidate, small_suite)
    assert result.verdict is Verdict.REGRESSED
    assert find(result, Dimension.SECURITY).verdict is Verdict.REGRESSED
    assert find(result, Dimension.SECURITY).difference == -1.0
    assert find(result, Dimension.DOCUMENTATION).verdict is Verdict.INCONCLUSIVE
    assert result.sentence.startswith("Regressed: security fell by 1.00 (90 % interval ")
    assert "8 of 8 criteria may gate, 4 cases, 12 against 12 answers" in result.sentence


def test_the_other_way_round_is_no_improvement_while_a_loss_elsewhere_cannot_be_ruled_out(
    card: Card, small_suite: Suite
) -> None:
    base = card(suite_of(4, ("security-sql", "FFF"), ("documentation-why", "PFP")))
    candidate = card(suite_of(4, ("security-sql", "PPP"), ("documentation-why", "PPF")))
    result = compare(base, candidate, small_suite)
    assert find(result, Dimension.SECURITY).verdict is Verdict.IMPROVED
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "documentation stayed where it was, but a loss beyond 0.08 cannot be ruled out" in result.sentence


def test_improved(card: Card, small_suite: Suite) -> None:
    base = card(suite_of(12, ("security-sql", "FFFFF"), ("security-logs", "PPPPP")))
    candidate = card(suite_of(12, ("security-sql", "PPPPP"), ("security-logs", "PPPPP")))
    result = compare(base, candidate, small_suite)
    assert result.verdict is Verdict.IMPROVED
    assert "security rose by 0.50" in result.sentence


def test_not_worse_needs_enough_answers(card: Card, small_suite: Suite) -> None:
    few = card(suite_of(2, ("security-sql", "PPP")))
    many = card(suite_of(12, ("security-sql", "PPPPPPPPPP")))
    assert compare(few, few, small_suite).verdict is Verdict.INCONCLUSIVE
    assert compare(many, many, small_suite).verdict is Verdict.NOT_WORSE
    strict = replace(small_suite, margins=Margins(overall=0.01, dimension=0.01))
    assert compare(many, many, strict).verdict is Verdict.INCONCLUSIVE


def test_scores_are_the_scorecards_own_arithmetic(card: Card, small_suite: Suite, make_criterion: Make) -> None:
    criteria = (make_criterion("security-a", points=3), make_criterion("security-harm", points=-2))
    base = card({"one/security-a": "PP", "one/security-harm": "PP"}, *criteria)
    candidate = card({"one/security-a": "PF", "one/security-harm": "FF"}, *criteria)
    change = find(compare(base, candidate, small_suite), Dimension.SECURITY)
    # (3 - 2) / 3 in the first answer, cut to 0 in the second
    assert (change.base, change.candidate) == pytest.approx((1.0, 1 / 6))


def test_an_unlicensed_judge_is_outside_the_gate(card: Card, small_suite: Suite) -> None:
    base = card(suite_of(4, ("security-sql", "PPP"), ("documentation-why", "ppp")))
    candidate = card(suite_of(4, ("security-sql", "PPP"), ("documentation-why", "fff")))
    result = compare(base, candidate, small_suite)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert find(result, Dimension.DOCUMENTATION).verdict is Verdict.TOO_LITTLE_SCORED
    advisory = find(result, Dimension.DOCUMENTATION, Basis.ALL)
    assert (advisory.verdict, advisory.decided_by) == (Verdict.REGRESSED, ((Kind.JUDGE, 24),))
    assert (result.may_gate, result.compared) == (4, 8)


def test_a_licence_lets_the_judge_gate_in_its_dimensions(card: Card, small_suite: Suite) -> None:
    outcomes = [suite_of(4, ("security-sql", "PPP"), ("documentation-why", text)) for text in ("ppp", "fff")]
    licensed = [card(o, licensed=(Dimension.DOCUMENTATION,)) for o in outcomes]
    result = compare(licensed[0], licensed[1], small_suite)
    assert result.verdict is Verdict.REGRESSED
    assert "documentation fell by 1.00" in result.sentence
    elsewhere = [card(o, licensed=(Dimension.RELIABILITY,)) for o in outcomes]
    assert compare(elsewhere[0], elsewhere[1], small_suite).verdict is Verdict.INCONCLUSIVE


def test_nothing_may_gate(card: Card, small_suite: Suite) -> None:
    one = card({"one/documentation-why": "pp"})
    result = compare(one, one, small_suite)
    assert result.verdict is Verdict.TOO_LITTLE_SCORED
    assert result.sentence == (
        "Too little scored: the judge has no licence and no criterion is decided by rules or execution "
        "on both sides, so nothing may gate."
    )


def test_too_much_that_nobody_decided(card: Card, small_suite: Suite) -> None:
    base = card(suite_of(4, ("security-sql", "PPP")))
    candidate = card(suite_of(4, ("security-sql", "PPU")))
    result = compare(base, candidate, small_suite)
    assert result.verdict is Verdict.TOO_LITTLE_SCORED
    assert "33 % of what graders that may gate were asked about was decided by nobody (limit 5 %)" in result.sentence
    assert compare(base, candidate, replace(small_suite, unscored_limit=0.4)).verdict is not Verdict.TOO_LITTLE_SCORED


def test_a_judges_silence_does_not_stop_a_gate_that_it_is_outside_of(card: Card, small_suite: Suite) -> None:
    base = card(suite_of(4, ("security-sql", "PPP"), ("documentation-why", "ppp")))
    silent = replace(
        base,
        grades=tuple(
            replace(line, grade=replace(line.grade, status=type(line.grade.status).UNSCORED))
            if line.grade.kind is Kind.JUDGE
            else line
            for line in base.grades
            if line.grade.criterion == "security-sql" or line.prevails
        ),
    )
    assert compare(silent, silent, small_suite).verdict is Verdict.INCONCLUSIVE


def test_a_broken_must_is_a_regression_by_itself(card: Card, small_suite: Suite, make_criterion: Make) -> None:
    must = make_criterion("security-must", must=True)
    base = card({"one/security-must": "PPP", "two/security-must": "PFP"}, must)
    candidate = card({"one/security-must": "PPF", "two/security-must": "FFF"}, must)
    result = compare(base, candidate, small_suite)
    assert result.verdict is Verdict.REGRESSED
    assert [(broken.case, broken.fails, broken.scored) for broken in result.musts] == [("one", 1, 3)]
    assert result.sentence == (
        "Regressed: one/security-must must hold, held in every answer of the base, and failed in 1 of 3 answers."
    )


def test_a_must_that_only_the_unlicensed_judge_calls_broken_is_none(
    card: Card, small_suite: Suite, make_criterion: Make
) -> None:
    must = make_criterion("security-must", must=True)
    base = card({"one/security-must": "ppp", "one/security-sql": "PPP"}, must)
    candidate = card({"one/security-must": "fff", "one/security-sql": "PPP"}, must)
    result = compare(base, candidate, small_suite)
    assert result.musts == ()
    assert result.verdict is Verdict.INCONCLUSIVE


def test_different_kinds_of_grader_are_set_apart(card: Card, small_suite: Suite) -> None:
    base = card(suite_of(4, ("security-sql", "PPP"), ("security-logs", "PPP")))
    candidate = card(suite_of(4, ("security-sql", "fff"), ("security-logs", "PPP")))
    result = compare(base, candidate, small_suite)
    assert len(result.set_apart) == 4
    assert find(result, None).difference == 0.0
    assert find(result, None, Basis.ALL).difference == 0.0
    assert [flip.kind_differs for flip in result.flips] == [True] * 4
    assert result.verdict is Verdict.INCONCLUSIVE


def test_a_veto_and_the_judge_behind_it_are_one_process(card: Card, small_suite: Suite, make_criterion: Make) -> None:
    veto = make_criterion("security-hash", veto=True)
    base = card(suite_of(4, ("security-hash", "ppp"), ("security-sql", "PPP")), veto)
    candidate = card(suite_of(4, ("security-hash", "FFF"), ("security-sql", "PPP")), veto)
    result = compare(base, candidate, small_suite)
    assert result.set_apart == ()
    assert find(result, Dimension.SECURITY, Basis.ALL).verdict is Verdict.REGRESSED
    assert find(result, Dimension.SECURITY).difference == 0.0, "half of a process does not gate"


def test_a_dimension_that_the_candidate_lost_is_not_called_not_worse(card: Card, small_suite: Suite) -> None:
    base = card(suite_of(12, ("security-sql", "PPPPP"), ("reliability-retry", "PPPPP")))
    candidate = card(suite_of(12, ("security-sql", "PPPPP"), ("reliability-retry", "ppppp")))
    result = compare(base, candidate, small_suite)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "no answer of the candidate could be graded in reliability" in result.sentence


def test_cases_of_one_side_are_in_no_figure(card: Card, small_suite: Suite) -> None:
    base = card({"one/security-sql": "PP", "old/security-sql": "FF"})
    candidate = card({"one/security-sql": "PP", "new/security-sql": "FF"})
    result = compare(base, candidate, small_suite)
    assert (result.only_base, result.only_candidate) == (("old",), ("new",))
    assert (find(result, None).base, find(result, None).candidate) == (1.0, 1.0)


def test_no_case_in_common(card: Card, small_suite: Suite) -> None:
    result = compare(card({"one/security-sql": "P"}), card({"two/security-sql": "P"}), small_suite)
    assert result.verdict is Verdict.NOT_COMPARABLE
    assert result.sentence == "Not comparable: no case has answers on both sides."


@pytest.mark.parametrize(
    ("what", "header"),
    [
        ("suite", {"suite": "other"}),
        ("model", {"model": "n"}),
        ("recording set", {"recording_set": "2026-12"}),
        ("judge", {"judge": "k"}),
        ("judge context", {"judge_context": "shared"}),
        ("licence", {"licensed": (Dimension.SECURITY,)}),
        ("isolation", {"isolation": "none"}),
        ("case version", {"cases": (("one", 2, "x" * 64),)}),
    ],
)
def test_unlike_things_are_refused_unless_allowed(
    card: Card, small_suite: Suite, what: str, header: dict[str, object]
) -> None:
    outcomes = {"one/security-sql": "PPP"}
    base, candidate = card(outcomes), card(outcomes, **header)
    refused = compare(base, candidate, small_suite)
    assert refused.verdict is Verdict.NOT_COMPARABLE
    assert [(d.what, d.allowed) for d in refused.differences] == [(what, False)]
    assert what in refused.sentence
    assert f"--allow {what.replace(' ', '-')}" in refused.sentence
    assert all(c.difference is None and c.verdict is Verdict.NOT_COMPARABLE for c in refused.changes)
    assert find(refused, None).base == 1.0, "side by side it may be seen"
    meant = compare(base, candidate, small_suite, allow=[what])
    assert meant.verdict is Verdict.INCONCLUSIVE
    assert [d.allowed for d in meant.differences] == [True]


def test_another_grader_version_is_refused(card: Card, small_suite: Suite) -> None:
    base = card({"one/security-sql": "PPP"})
    newer = replace(base, grades=tuple(replace(line, grade=replace(line.grade, version="2")) for line in base.grades))
    result = compare(base, newer, small_suite)
    assert result.verdict is Verdict.NOT_COMPARABLE
    assert [(d.what, d.base, d.candidate) for d in result.differences] == [
        ("grader version", "some-rule 1", "some-rule 2")
    ]


def test_execution_on_one_side_only_is_refused(card: Card, small_suite: Suite) -> None:
    result = compare(card({"one/security-sql": "xxx"}), card({"one/security-sql": "PPP"}), small_suite)
    assert [d.what for d in result.differences] == ["execution"]
    assert result.verdict is Verdict.NOT_COMPARABLE


def test_one_allowed_difference_does_not_allow_another(card: Card, small_suite: Suite) -> None:
    base, candidate = card({"one/security-sql": "PPP"}), card({"one/security-sql": "PPP"}, model="n", judge="k")
    result = compare(base, candidate, small_suite, allow=["model"])
    assert result.verdict is Verdict.NOT_COMPARABLE
    assert "judge (j against k)" in result.sentence
    assert "model" not in result.sentence


def test_what_can_be_allowed_is_a_closed_list() -> None:
    assert allowed_names(["grader-version", "judge"]) == {"grader version", "judge"}
    with pytest.raises(InputError, match="did you mean `model`"):
        allowed_names(["modle"])


@pytest.mark.parametrize(
    ("base", "candidate", "found", "whole"),
    [
        ("PPPPP", "FFFFF", True, True),
        ("PPPPF", "FFFFP", True, True),
        ("PPPFF", "FFFFP", True, False),
        ("PPPPP", "PPPFF", True, False),
        ("PPPPP", "PPPPF", False, False),
        ("PPP", "PPF", False, False),
        ("PPP", "PFF", True, False),
        ("PP", "FF", False, False),
        ("PPPPP", "FFFFU", True, False),
    ],
)
def test_flips_and_moves(
    card: Card, small_suite: Suite, base: str, candidate: str, *, found: bool, whole: bool
) -> None:
    suite = replace(small_suite, unscored_limit=1.0)
    for one, other in ((base, candidate), (candidate, base)):
        flips = compare(card({"one/security-sql": one}), card({"one/security-sql": other}), suite).flips
        assert bool(flips) is found
        assert [flip.whole for flip in flips] == [whole] * len(flips)
        assert [flip.worse for flip in flips] == [one == base] * len(flips)


def test_flips_come_worst_first(card: Card, small_suite: Suite) -> None:
    base = card({"a/security-x": "FFFFF", "b/security-x": "PPPPP", "c/security-x": "PPPPP"})
    candidate = card({"a/security-x": "PPPPP", "b/security-x": "PPFFF", "c/security-x": "FFFFF"})
    flips = compare(base, candidate, small_suite).flips
    assert [flip.case for flip in flips] == ["c", "b", "a"]
    assert [line.grade.reason for line in flips[0].candidate.grades] == ["because fail"] * 5


def test_equal_inputs_give_an_equal_comparison(card: Card, small_suite: Suite) -> None:
    base = card(suite_of(9, ("security-sql", "PPFPF"), ("documentation-why", "pFpPf")))
    candidate = card(suite_of(9, ("security-sql", "PFFPF"), ("documentation-why", "pFfPf")))
    assert compare(base, candidate, small_suite) == compare(base, candidate, small_suite)


def test_the_wider_claim_counts_families_not_cases(card: Card, small_suite: Suite) -> None:
    base = card({f"c{n}/security-sql": "PPPP" for n in range(3)})
    candidate = card({"c0/security-sql": "PPPF", "c1/security-sql": "PPFF", "c2/security-sql": "PPPP"})
    change = find(compare(base, candidate, small_suite), Dimension.SECURITY)
    assert change.difference == pytest.approx(-0.25)
    assert change.wider is not None
    # differences -0.25, -0.5, 0: variance 0.0625, error 0.1443, t(0.95, 2) = 2.92
    assert change.wider == pytest.approx((-0.25 - 2.91999 * 0.144338, -0.25 + 2.91999 * 0.144338), abs=1e-4)
