"""What a terminal shows of a comparison."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from evals.case import Suite
from evals.compare import compare
from evals.context import Context
from evals.instructions import Instruction, Instructions
from evals.persona import Persona
from evals.report.colour import wanted
from evals.report.comparison_text import comparison_text
from evals.scorecard import Scorecard
from evals.usage import Spent

Card = Callable[..., Scorecard]
BASE = {f"case{n}/security-sql": "PPP" for n in range(4)} | {"case0/documentation-why": "ppp", "old/security-sql": "P"}
CANDIDATE = {f"case{n}/security-sql": "FFF" for n in range(4)} | {"case0/documentation-why": "pfp"}


@pytest.fixture
def shown(card: Card, small_suite: Suite) -> Callable[..., str]:
    def show(
        candidate: dict[str, str] = CANDIDATE, *, colour: bool = False, model: str = "m", **changed: object
    ) -> str:
        cards = card(BASE), card(candidate, revision="0002", model=model)
        context = Context(
            base=cards[0],
            candidate=cards[1],
            base_persona=Persona("helper", "0001", "Be safe.\n"),
            candidate_persona=Persona("helper", "0002", "Be quick.\n"),
            suite=small_suite,
            instructions=Instructions(
                persona="helper",
                items=(
                    Instruction("be-safe", (("0001", "Be safe."),)),
                    Instruction("be-quick", (("0002", "Be quick."),)),
                ),
            ),
        )
        context = replace(context, **changed)  # type: ignore[arg-type]  # a test names its own parts
        return comparison_text(compare(*cards, small_suite), context, colour=colour)

    return show


def test_the_verdict_comes_first_and_lines_are_short(shown: Callable[..., str]) -> None:
    lines = shown().splitlines()
    assert lines[0].startswith("Regressed: security fell by 1.00")
    assert all(len(line) <= 120 for line in lines if not line.startswith("    "))


def test_there_is_no_headline_number(shown: Callable[..., str]) -> None:
    table = [line for line in shown().splitlines() if line.startswith(("security", "documentation", "overall", "mean"))]
    assert [line.split()[0] for line in table] == ["security", "security", "documentation"]


def test_both_sides_of_a_flip_show_their_evidence(shown: Callable[..., str]) -> None:
    text = shown()
    assert "▼ case0/security-sql: 3/3 → 0/3" in text
    assert "base       pass by rule: because pass (line 3: quote of case0 1)" in text
    assert "candidate  fail by rule: because fail (line 3: quote of case0 1)" in text


def test_what_is_in_no_figure_is_said(shown: Callable[..., str]) -> None:
    text = shown(candidate={**CANDIDATE, "case1/security-sql": "fff"})
    assert "only in the base, in no figure: old" in text
    assert "set apart, decided by different kinds of grader: case1/security-sql" in text


def test_cost_is_stated_or_said_not_to_be(shown: Callable[..., str]) -> None:
    assert "Cost, tokens and latency: not stated." in shown()
    text = shown(candidate_usage=Spent(answers=3, input_tokens=12_000, output_tokens=900, cost_usd=None))
    assert "12,000 / 900" in text
    assert text.count("not stated") == 5


def test_the_changed_instructions_and_what_would_notice(shown: Callable[..., str]) -> None:
    text = shown()
    assert "The persona's text: 1 lines added, 1 removed." in text
    assert "nothing in the suite would notice" in text
    assert "The two personas are the same text." in shown(candidate_persona=Persona("helper", "0001", "Be safe.\n"))
    assert "not there any more" in shown(base_persona=None)


def test_a_refused_comparison_shows_no_difference(shown: Callable[..., str]) -> None:
    text = shown(model="other\x1b[31m\n::error::x")
    assert text.startswith("Not comparable: ")
    assert "\x1b" not in text
    assert "\n::" not in text
    assert "▼" not in text
    row = next(line for line in text.splitlines() if line.startswith("security"))
    assert row.split() == ["security", "1.00", "0.00", "not", "comparable"]


def test_colour_only_marks_what_words_say(shown: Callable[..., str]) -> None:
    plain, painted = shown(), shown(colour=True)
    assert "\x1b[33m" in painted
    assert (
        painted.replace("\x1b[33m", "").replace("\x1b[36m", "").replace("\x1b[1m", "").replace("\x1b[0m", "") == plain
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "expected"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_when_to_colour(stream: io.StringIO, environment: dict[str, str], *, expected: bool) -> None:
    assert wanted(stream, environment) is expected
