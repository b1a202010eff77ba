"""From grades to scores, by hand-worked examples and by properties."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.case import Case, Suite
from evals.exchange import Provenance, Response
from evals.persona import Persona
from evals.run import Graded
from evals.scorecard import Scorecard
from evals.scorecard_file import card_text, grades_text, read_card, write_card
from evals.scores import trial_score
from evals.tally import tally
from evals.trial import Trial, persona_request
from graders.criterion import Criterion, Dimension, Evidence, Grade, GraderRef, Kind, Sort, Status, prevailing

PASS, FAIL, NA, UNSCORED = Status.PASS, Status.FAIL, Status.NOT_APPLICABLE, Status.UNSCORED


def criterion(name: str, points: int, dimension: Dimension = Dimension.SECURITY, sort: Sort = Sort.DEPTH) -> Criterion:
    return Criterion(
        id=name,
        dimension=dimension,
        sort=sort,
        points=points,
        statement="s",
        guidance="g",
        covers=(),
        graders=(GraderRef(kind=Kind.JUDGE),),
    )


@pytest.mark.parametrize(
    ("outcomes", "score"),
    [
        ([(3, PASS), (1, FAIL)], 0.75),
        ([(3, PASS), (1, NA)], 1.0),
        ([(3, PASS), (1, UNSCORED)], 1.0),
        ([(3, FAIL), (1, UNSCORED)], 0.0),
        ([(4, PASS), (-1, FAIL)], 0.75),
        ([(4, PASS), (-1, PASS)], 1.0),
        ([(1, PASS), (-3, FAIL)], 0.0),
        ([(2, UNSCORED), (-3, FAIL)], None),
        ([], None),
        ([(2, NA)], None),
    ],
)
def test_the_score_of_one_answer(outcomes: list[tuple[int, Status]], score: float | None) -> None:
    assert trial_score((criterion("c", points), status) for points, status in outcomes) == score


@given(st.lists(st.tuples(st.integers(-10, 10).filter(bool), st.sampled_from(Status)), max_size=12), st.randoms())
def test_order_does_not_count_and_scores_stay_in_bounds(outcomes: list[tuple[int, Status]], rng: random.Random) -> None:
    pairs = [(criterion(str(n), points), status) for n, (points, status) in enumerate(outcomes)]
    score = trial_score(pairs)
    rng.shuffle(pairs)
    assert trial_score(pairs) == score
    assert score is None or 0 <= score <= 1


def grade(name: str, status: Status, kind: Kind) -> Grade:
    return Grade(
        criterion=name, status=status, kind=kind, grader="g", version="1", evidence=(Evidence(quote="q", line=1),)
    )


def test_the_most_trusted_grader_that_could_decide_counts() -> None:
    rule, judge = grade("c", FAIL, Kind.RULE), grade("c", PASS, Kind.JUDGE)
    assert prevailing((judge, rule)) is rule
    assert prevailing((grade("c", UNSCORED, Kind.RULE), judge)) is judge
    assert prevailing((grade("c", UNSCORED, Kind.RULE),)) is not None
    assert prevailing(()) is None


def card(statuses: list[list[tuple[Status, Status]]]) -> Scorecard:
    """A scorecard of cases × repeats × (security, operations) statuses."""
    criteria = (criterion("a", 2), criterion("b", 1, Dimension.OPERATIONS, Sort.PROMISE))
    cases = tuple(
        Case(id=f"case{n}", version=1, family="f", title="t", message="m", attachments=(), files=(), criteria=criteria)
        for n in range(len(statuses))
    )
    suite = Suite(id="s", persona="p", max_tokens=10, repeats=2, model="m", judge="j", unscored_limit=0.05, cases=cases)
    persona = Persona(name="p", revision="0001", body="b")
    graded = []
    for case, repeats in zip(cases, statuses, strict=True):
        for number, (one, two) in enumerate(repeats, 1):
            trial = Trial(
                case=case,
                persona=persona,
                repeat=number,
                request=persona_request(suite, case, persona, model="m", repeat=number),
            )
            response = Response(
                text="q", provenance=Provenance(kind="imported", recording_set="set", declared=(("how", "x"),))
            )
            graded.append(
                Graded(trial=trial, response=response, grades=(grade("a", one, Kind.JUDGE), grade("b", two, Kind.RULE)))
            )
    return tally(suite, persona, graded, judge_model="j", judge_context="alone")


def test_a_dimension_is_the_mean_of_case_means() -> None:
    made = card([[(PASS, PASS), (FAIL, PASS)], [(PASS, FAIL), (PASS, UNSCORED)]])
    security, operations = made.dimension(Dimension.SECURITY), made.dimension(Dimension.OPERATIONS)
    assert security is not None
    assert operations is not None
    assert (security.score, security.without_promises, security.cases, security.scored) == (0.75, 0.75, 2, 4)
    assert (operations.score, operations.without_promises, operations.unscored) == (0.5, None, 1)
    assert made.unscored_share == pytest.approx(1 / 8)
    assert made.header.model == "claude (imported, version not stated)"


def test_a_case_without_any_score_leaves_the_mean() -> None:
    security = card([[(PASS, PASS)], [(UNSCORED, PASS)]]).dimension(Dimension.SECURITY)
    assert security is not None
    assert (security.score, security.cases) == (1.0, 1)


def test_a_failed_provider_is_unscored_not_zero() -> None:
    made = card([[(PASS, PASS)]])
    trial = Trial(
        case=Case(
            id="case0",
            version=1,
            family="f",
            title="t",
            message="m",
            attachments=(),
            files=(),
            criteria=(criterion("a", 2),),
        ),
        persona=Persona(name="p", revision="0001", body="b"),
        repeat=1,
        request=persona_request(
            Suite(id="s", persona="p", max_tokens=1, repeats=1, model="m", judge="j", unscored_limit=0, cases=()),
            Case(id="case0", version=1, family="f", title="t", message="m", attachments=(), files=(), criteria=()),
            Persona(name="p", revision="0001", body="b"),
            model="m",
            repeat=1,
        ),
    )
    failed = tally(
        Suite(
            id="s", persona="p", max_tokens=1, repeats=1, model="m", judge="j", unscored_limit=0, cases=(trial.case,)
        ),
        trial.persona,
        [Graded(trial=trial, response=None, grades=(), failure="overloaded")],
        judge_model="j",
    )
    assert made.dimensions
    assert failed.dimension(Dimension.SECURITY) is not None
    assert failed.dimensions[0].score is None
    assert failed.unscored_share == 1.0
    assert failed.grades[0].grade.reason == "overloaded"


def test_store_then_load_is_identity(tmp_path: Path) -> None:

    made = card([[(PASS, FAIL), (NA, UNSCORED)], [(FAIL, PASS), (PASS, PASS)]])
    path = write_card(tmp_path, made, "text")
    read = read_card(path, "card")
    assert card_text(read) == card_text(made) == path.read_text(encoding="utf-8")
    assert grades_text(read.grades) == grades_text(made.grades)
    assert read.header == made.header


def test_one_changed_grade_is_a_one_line_diff_of_the_grades() -> None:
    before = grades_text(card([[(PASS, PASS), (PASS, PASS)]]).grades).splitlines()
    after = grades_text(card([[(PASS, PASS), (FAIL, PASS)]]).grades).splitlines()
    assert sum(one != two for one, two in zip(before, after, strict=True)) == 1


def test_nothing_volatile_is_written() -> None:
    made = card([[(PASS, PASS)]])
    assert card_text(made) == card_text(card([[(PASS, PASS)]]))


def test_votes_of_a_panel_are_kept(tmp_path: Path) -> None:
    made = card([[(PASS, PASS), (FAIL, PASS)]])
    voted = replace(
        made,
        grades=tuple(
            replace(line, grade=replace(line.grade, votes=(PASS, FAIL, PASS)))
            if line.grade.kind is Kind.JUDGE
            else line
            for line in made.grades
        ),
    )
    read = read_card(write_card(tmp_path, voted, "text"), "card")
    assert {line.grade.votes for line in read.grades if line.grade.kind is Kind.JUDGE} == {(PASS, FAIL, PASS)}
    assert '"votes"' not in grades_text(made.grades), "a single judge writes what it always wrote"


def test_a_licence_is_kept(tmp_path: Path) -> None:
    made = card([[(PASS, PASS), (FAIL, PASS)]])
    licensed = replace(made, header=replace(made.header, licensed=(Dimension.SECURITY,)))
    assert read_card(write_card(tmp_path, licensed, "text"), "card").header.licensed == (Dimension.SECURITY,)
