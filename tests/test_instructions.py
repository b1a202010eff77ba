"""Instructions: their shape, and the proof that they and the framing are the whole of a persona."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from evals.agent_file import read_agent
from evals.errors import InputError
from evals.instructions import Instruction, Instructions, check, read_instructions
from evals.persona import Persona

SHIPPED = Path(__file__).parent.parent / "prompts" / "backend-engineer"

BODY = """You keep bees.

## Care

1. Feed them in   autumn, and
   count the hives.
- Note what you did
"""

ITEMS = (
    Instruction("role", (("0001", "You keep bees."),)),
    Instruction("feed", (("0001", "Feed them in autumn, and"),)),
    Instruction("count", (("0001", "count the hives."),)),
    Instruction("note", (("0001", "- Note what\nyou did"),)),
)
BEES = Instructions("beekeeper", ITEMS, (("0001", ("Care",)),), "instructions.yaml")


def persona(body: str = BODY, revision: str = "0001") -> Persona:
    return Persona(name="beekeeper", revision=revision, body=body, source=f"{revision}.md")


def with_words(words: str, *, of: str) -> Instructions:
    items = tuple(Instruction(of, (("0001", words),)) if item.id == of else item for item in ITEMS)
    return replace(BEES, items=items)


def shipped() -> tuple[Instructions, list[Persona]]:
    data = yaml.safe_load((SHIPPED / "instructions.yaml").read_text(encoding="utf-8"))
    files = sorted(SHIPPED.glob("[0-9]*.md"))
    personas = [read_agent(f.read_text(encoding="utf-8"), revision=f.name[:4], source=f.name) for f in files]
    return read_instructions(data, "instructions.yaml"), personas


def test_shipped_persona_is_accounted_for_to_the_last_word() -> None:
    instructions, personas = shipped()
    assert {"0000", "0001", "0002"} <= {p.revision for p in personas}
    assert all(p.name == instructions.persona and p.warnings == () for p in personas)
    assert check(instructions, personas) == []


def test_every_shipped_word_is_needed() -> None:
    instructions, personas = shipped()
    for number in range(len(instructions.items)):
        fewer = replace(instructions, items=instructions.items[:number] + instructions.items[number + 1 :])
        assert check(fewer, personas), instructions.items[number].id


def test_marks_and_white_space_do_not_count() -> None:
    assert check(BEES, [persona()]) == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("Note what we did", "line 7 of the body begins like them, then has “you” where they have “we”"),
        ("Note what you did today", "then has “” where they have “today”"),
        ("Sing to them", "are not there"),
        ("Note what you di", "are not there"),
        ("note what you did", "are not there"),
    ],
)
def test_words_that_are_not_in_the_body(words: str, part: str) -> None:
    faults = check(with_words(words, of="note"), [persona()])
    assert faults[0].path == "$.instructions.note.0001"
    assert part in faults[0].message
    assert (faults[1].file, len(faults)) == ("0001.md", 2)
    assert "line 7 of the body" in faults[1].message
    assert "“Note what you did”" in faults[1].message


def test_words_that_stand_twice() -> None:
    faults = check(BEES, [persona(BODY + "- count the hives.\n")])
    assert faults[0].path == "$.instructions.count.0001"
    assert "stand 2 times (lines 6, 8 of the body)" in faults[0].message


def test_words_that_overlap() -> None:
    (fault,) = check(with_words("autumn, and count the hives.", of="count"), [persona()])
    assert (fault.file, fault.path) == ("instructions.yaml", "$.instructions.count.0001")
    assert fault.message == "in revision 0001 these words overlap $.instructions.feed.0001 at line 5 of the body"


def test_words_that_nobody_claims_are_named_with_their_line() -> None:
    faults = check(BEES, [persona(BODY + "\n* Wear a veil\nalways\n\n### ")])
    assert [(fault.file, "line 9 of the body" in fault.message) for fault in faults] == [("0001.md", True)]
    assert "“Wear a veil always”" in faults[0].message


def test_a_long_rest_is_shortened() -> None:
    (fault,) = check(BEES, [persona(BODY + "- buzz" * 500)])
    assert "words)" in fault.message
    assert len(fault.message) < 300


def test_framing_may_repeat_words_of_an_instruction_but_stands_once() -> None:
    instructions = replace(BEES, framing=(("0001", ("Care", "count the hives.")),))
    (fault,) = check(instructions, [persona()])
    assert fault.path == "$.framing.0001[1]"
    headed = BODY.replace("## Care", "## Care\n\nFeed them")
    assert check(replace(BEES, framing=(("0001", ("Care", "Feed them")),)), [persona(headed)]) == []


def test_only_numbered_revisions_with_a_body_are_proved() -> None:
    others = [persona("Anything.", "agents/b.md@main"), persona("", "0000")]
    assert check(BEES, [persona(), *others]) == []


@pytest.mark.parametrize("others", [[], [persona("", "0002")]])
def test_words_of_a_revision_that_is_not_there(others: list[Persona]) -> None:
    items = (*ITEMS, Instruction("veil", (("0002", "Wear a veil"),)))
    (fault,) = check(replace(BEES, items=items), [persona(), *others])
    assert fault.message.startswith("revision 0002 is named here")


def test_reading_gives_the_values() -> None:
    data = {"persona": "p", "instructions": {"role": {"0001": "Do.", "0002": "Act."}}, "framing": {"0002": ["Head"]}}
    assert read_instructions(data, "f.yaml") == Instructions(
        "p", (Instruction("role", (("0001", "Do."), ("0002", "Act."))),), (("0002", ("Head",)),), "f.yaml"
    )


def test_framing_may_be_absent() -> None:
    assert read_instructions({"persona": "p", "instructions": {"a": {"0001": "x"}}}, "f.yaml").framing == ()


def test_all_faults_of_shape_are_reported_together() -> None:
    data = {
        "persona": 7,
        "instructions": {"Bad Id": {"0001": "x"}, "a": {1: "x"}, "b": {"0001": " - "}, "c": {}, "d": ["x"]},
        "framing": {"0001": "text", "0002": [3]},
        "extra": 1,
    }
    with pytest.raises(InputError) as caught:
        read_instructions(data, "f.yaml")
    assert [fault.path for fault in caught.value.faults] == [
        "$.extra",
        "$.framing.0001",
        "$.framing.0002[0]",
        "$.instructions.Bad Id",
        "$.instructions.a",
        "$.instructions.b.0001",
        "$.instructions.c",
        "$.instructions.d",
        "$.persona",
    ]
    assert {fault.file for fault in caught.value.faults} == {"f.yaml"}


@pytest.mark.parametrize("data", [None, [], "text", {}, {"persona": "p"}, {"persona": "p", "instructions": {}}])
def test_other_shapes_are_input_errors(data: object) -> None:
    with pytest.raises(InputError, match=r"wanted here"):
        read_instructions(data, "f.yaml")
