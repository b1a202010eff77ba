"""What changed between two personas, and which criteria would notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evals.comparison import Comparison
from evals.context import Context
from evals.instructions import Instruction, Instructions
from evals.report.persona_diff import diff_lines, touched

Compared = Callable[..., tuple[Comparison, Context]]


def test_instructions_are_changed_added_or_removed(compared: Compared) -> None:
    _, context = compared()
    items = (
        Instruction("be-safe", (("0001", "Be  safe.\n"), ("0002", "Be safe."))),
        Instruction("changed", (("0001", "Be brief."), ("0002", "Be very brief."))),
        Instruction("added", (("0002", "Be kind."),)),
        Instruction("removed", (("0001", "Be quick."),)),
        Instruction("elsewhere", (("0000", "Be."),)),
    )
    found = touched(replace(context, instructions=Instructions(persona="helper", items=items)))
    assert found is not None
    assert [(item.instruction, item.how) for item in found] == [
        ("changed", "changed"),
        ("added", "added"),
        ("removed", "removed"),
    ]
    assert {item.criteria for item in found} == {()}


def test_criteria_that_cover_a_changed_instruction_are_named(compared: Compared) -> None:
    found = touched(compared()[1])
    assert found is not None
    assert [item.criteria for item in found] == [("login/sql-safe", "login/explains")]


def test_a_revision_that_is_not_split_is_not_guessed_at(compared: Compared) -> None:
    _, context = compared()
    assert touched(replace(context, instructions=None)) is None
    header = replace(context.candidate.header, revision="0009")
    assert touched(replace(context, candidate=replace(context.candidate, header=header))) is None


def test_the_diff_is_of_bodies_and_absent_without_both(compared: Compared) -> None:
    _, context = compared()
    lines = diff_lines(context)
    assert lines is not None
    assert lines[0] == "--- helper 0001"
    assert [line for line in lines if line[0] in "+-"][2:] == ["-Be 0001.", "+Be 0002."]
    assert diff_lines(replace(context, candidate_persona=None)) is None
