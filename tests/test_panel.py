"""A panel of judges: odd, with a quorum, by majority; a tie is nobody's verdict."""

from __future__ import annotations

import pytest

from graders.criterion import Evidence, Grade, Kind, Status
from graders.judge.panel import combine, panel_version

P, F, N, U = Status.PASS, Status.FAIL, Status.NOT_APPLICABLE, Status.UNSCORED


def votes(*statuses: Status) -> list[Grade]:
    return [
        Grade(
            criterion="c",
            status=status,
            kind=Kind.JUDGE,
            grader="j",
            version="v",
            evidence=(Evidence(quote=f"quote {number}", line=number),) if status is not U else (),
            reason=f"reason {number}",
        )
        for number, status in enumerate(statuses, 1)
    ]


def test_one_vote_stands_as_it_is() -> None:
    (vote,) = votes(F)
    assert combine([vote]) is vote
    assert panel_version("v", 1) == "v"


@pytest.mark.parametrize("count", [0, 2, 4])
def test_an_even_panel_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="odd number"):
        combine(votes(*[P] * count))


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ((P, P, F), P),
        ((F, P, F), F),
        ((N, N, P), N),
        ((P, P, U), P),
        ((P, F, U), U),
        ((P, U, U), U),
        ((P, F, N), U),
        ((P, P, F, F, N), U),
        ((F, F, F, P, P), F),
    ],
)
def test_the_majority_of_the_valid_votes_decides(said: tuple[Status, ...], status: Status) -> None:
    grade = combine(votes(*said))
    assert grade.status is status
    assert grade.votes == said
    assert grade.version == f"vx{len(said)}"


def test_the_evidence_is_that_of_a_vote_for_the_verdict() -> None:
    grade = combine(votes(P, F, F))
    assert grade.evidence == (Evidence(quote="quote 2", line=2),)
    assert grade.reason == "2 of 3 votes: reason 2"


def test_what_is_undecided_says_why_and_quotes_nothing() -> None:
    assert combine(votes(P, U, U)).reason == "1 of 3 votes are valid, 2 are needed"
    tied = combine(votes(P, F, U))
    assert (tied.reason, tied.evidence) == ("no majority: pass, fail, unscored", ())
