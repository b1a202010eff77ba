"""The persona's changes, split by instruction."""

from __future__ import annotations

from evals.instructions import Instruction, Instructions
from evals.persona import Persona
from evals.persona_hunks import Hunk, persona_hunks

KNOWN = Instructions(
    persona="p",
    items=(
        Instruction("safe", (("0001", "Be safe with data."), ("0002", "Be safe with all data and secrets."))),
        Instruction("short", (("0001", "Explain yourself in short."), ("0002", "Explain yourself in short."))),
        Instruction("old", (("0001", "Use tabs."),)),
        Instruction("ask", (("0002", "Ask before you delete."),)),
    ),
)


def hunks(one: str, two: str, known: Instructions | None = KNOWN) -> tuple[Hunk, ...]:
    return persona_hunks(Persona("p", "0001", one), Persona("p", "0002", two), known)


def shown(hunk: Hunk) -> list[str]:
    return [line.mark + "".join(text for text, _ in line.spans) for line in hunk.lines]


def test_equal_texts_have_no_hunks() -> None:
    assert hunks("Be safe with data.\n", "Be safe with data.\n") == ()


def test_a_reworded_instruction_stands_against_itself_with_its_words_marked() -> None:
    (hunk,) = hunks("# Rules\n\nBe safe with data.\n", "# Rules\n\nBe safe with all data and secrets.\n")
    assert hunk.instructions == (("safe", "reworded"),)
    assert hunk.heading == "Rules"
    assert shown(hunk) == [" # Rules", " ", "-Be safe with data.", "+Be safe with all data and secrets."]
    marked = [text for line in hunk.lines for text, changed in line.spans if changed]
    assert marked == ["all", "and secrets"]


def test_each_instruction_of_a_new_text_has_its_own_hunk() -> None:
    found = hunks("", "# Rules\n\n- Be safe with all data and secrets.\n- Ask before you delete.\n")
    assert [hunk.instructions for hunk in found] == [(("safe", "added"),), (("ask", "added"),)]
    assert shown(found[0])[0] == "+# Rules"


def test_removed_and_moved_are_told_apart() -> None:
    one = "Use tabs.\n\nExplain yourself in short.\n\nBe safe with data.\n"
    two = "Be safe with data.\n\nExplain yourself in short.\n"
    how = {id_: word for hunk in hunks(one, two) for id_, word in hunk.instructions}
    assert how["old"] == "removed"
    assert set(how.values()) == {"removed", "moved"}


def test_an_instruction_that_only_shares_the_line_is_not_named() -> None:
    (hunk,) = hunks(
        "Be safe with data. Explain yourself in short.\n",
        "Be safe with all data and secrets. Explain yourself in short.\n",
    )
    assert hunk.instructions == (("safe", "reworded"),)


def test_without_instructions_it_is_a_plain_difference_of_lines() -> None:
    (hunk,) = hunks("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nD\ne\nf\n", None)
    assert shown(hunk) == [" b", " c", "-d", "+D", " e", " f"]
    assert hunk.instructions == ()
    assert [(line.base, line.candidate) for line in hunk.lines][:3] == [(2, 2), (3, 3), (4, None)]


def test_words_of_another_revision_are_understood_in_a_copy() -> None:
    copy = Persona("p", "draft.md", "Be safe with all data and secrets.\n")
    (hunk,) = persona_hunks(Persona("p", "0001", "Be safe with data.\n"), copy, KNOWN)
    assert hunk.instructions == (("safe", "reworded"),)
