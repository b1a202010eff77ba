"""Agent files: valid headers, broken headers, hostile headers, and a body that stays as it was written."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from evals.agent_file import HEADER_LIMIT, TEXT_LIMIT, WARNINGS_LIMIT, read_agent
from evals.errors import InputError
from evals.persona import Example, Persona

AGENTS = Path(__file__).parent / "data" / "agents"


def agent(header: str, body: str = "Be brief.\n") -> Persona:
    return read_agent(f"---\n{header}\n---\n{body}", revision="0001", source="agents/some-agent.md")


def warned(persona: Persona) -> list[tuple[int, str]]:
    return [(warning.line, warning.message) for warning in persona.warnings]


def has_warning(persona: Persona, line: int, part: str) -> bool:
    return any(at == line and part in message for at, message in warned(persona))


# --- well-formed files ---


def test_valid_header_gives_fields_as_written_and_no_warnings() -> None:
    persona = agent('name: db-guard\ndescription: "Guards \\"tables\\""\ntools:\n  - Read\n  - Bash\nmodel: opus')
    assert persona.name == "db-guard"
    assert persona.description == 'Guards "tables"'
    assert persona.header == (
        ("name", "db-guard"),
        ("description", '"Guards \\"tables\\""'),
        ("tools", "- Read\n  - Bash"),
        ("model", "opus"),
    )
    assert persona.warnings == ()
    assert (persona.revision, persona.source) == ("0001", "agents/some-agent.md")


def test_values_that_yaml_would_retype_stay_text() -> None:
    persona = agent("name: a\ndescription: 2030-01-01\nmaxTurns: 012\nbackground: no\ncolor: 12:30")
    assert [value for _, value in persona.header] == ["a", "2030-01-01", "012", "no", "12:30"]
    assert persona.description == "2030-01-01"


def test_values_outside_ascii_are_cut_at_the_right_places() -> None:
    assert dict(agent("name: a\ndescription: ☃ 🐝 é\ncolor: blue").header)["color"] == "blue"


def test_folded_description_becomes_one_line() -> None:
    assert agent("name: a\ndescription: >\n  key: value\n  goes on\n").description == "key: value goes on"


def test_body_is_kept_to_the_letter() -> None:
    persona = agent("name: a\ndescription: b", "\n\n  # Title  \n\n---\n\ttab \\n\n* list\n \n\n")
    assert persona.body == "  # Title  \n\n---\n\ttab \\n\n* list"


def test_empty_body_is_a_control_without_persona() -> None:
    assert agent("name: a\ndescription: b", "\n\n").body == ""
    assert read_agent("---\nname: a\ndescription: b\n---", revision="0000", source="a.md").body == ""


def test_line_ends_and_byte_order_mark_change_nothing() -> None:
    plain = "---\nname: a\ndescription: b\n---\nOne.\n\nTwo.\n"
    other = "\ufeff" + plain.replace("\n", "\r\n")
    first, second = (read_agent(text, revision="x", source="a.md") for text in (plain, other))
    assert second.body == "One.\n\nTwo."
    assert (first.digest, first.warnings) == (second.digest, second.warnings) == (first.digest, ())


def test_fences_may_have_trailing_spaces() -> None:
    persona = read_agent("--- \nname: a\ndescription: b\n---\t\nBody", revision="x", source="f.md")
    assert (persona.name, persona.body) == ("a", "Body")


# --- files without a usable header ---


@pytest.mark.parametrize("text", ["Just a prompt.", "\n---\nname: a\n---\nBody", "# Title\n---\nx: y\n---"])
def test_without_header_the_whole_file_is_the_body(text: str) -> None:
    persona = read_agent(text, revision="x", source="prompts/old-hand.md")
    assert persona.body == text.strip()
    assert persona.name == "old-hand"
    assert has_warning(persona, 1, "no header")


def test_unclosed_header_is_body() -> None:
    persona = read_agent("---\nname: a\ndescription: b\nBody ---\n", revision="x", source="f.md")
    assert persona.body == "---\nname: a\ndescription: b\nBody ---"
    assert persona.header == ()
    assert has_warning(persona, 1, "closes the header")
    assert has_warning(persona, 4, "ends the header at this line")


def test_empty_text_is_an_empty_body() -> None:
    assert read_agent("", revision="x", source="f.md").body == ""


# --- headers that are not valid YAML ---


def test_broken_file_gives_all_that_it_says() -> None:
    text = (AGENTS / "data-archivist.md").read_text(encoding="utf-8")
    persona = read_agent(text, revision="0007", source="data-archivist.md")
    assert persona.name == "data-archivist"
    assert [key for key, _ in persona.header] == ["name", "model", "description"]
    assert persona.description.startswith("Call this agent for moving old records to cheap storage. It keeps")
    assert persona.examples == (
        Example(
            context="The orders table has grown past two billion rows.",
            user="Which orders can leave the database?",
            assistant="I'll have the data-archivist agent sort orders by how long they must stay.",
            commentary="Retention rules decide here, so the data-archivist is the right one to ask.",
        ),
        Example(
            context="An auditor wants a deleted invoice back.",
            user="Where did invoice 77 go: tape or bucket?",
            assistant="Let me ask the data-archivist agent to trace it.",
            commentary="Tracing archived records is this agent's daily work.",
        ),
    )
    assert persona.body == text.partition("\n---\n\n")[2].rstrip()
    assert has_warning(persona, 5, "`key: value` in text")
    assert any("drops every field" in message for _, message in warned(persona))


def test_literal_line_breaks_stay_raw_in_the_header() -> None:
    persona = agent('name: a\ndescription: First: one.\\nSecond "x".')
    assert dict(persona.header)["description"] == 'First: one.\\nSecond "x".'
    assert persona.description == 'First: one.\nSecond "x".'


@pytest.mark.parametrize(
    "value",
    ["it says: so", '[x] y: "z"', "*bold* x", "@me", "`tick` words", "%x y", "{x} y", "it: has #1 here", "'a' b: c"],
)
def test_what_claude_code_repairs_is_no_warning(value: str) -> None:
    persona = agent(f"name: a-b\ndescription: {value}\nmodel: opus")
    assert persona.description == value
    assert persona.warnings == ()


@pytest.mark.parametrize(
    ("header", "line", "part"),
    [
        ("name: a\ndescription: hello\n  key: value", 4, "`key: value` in text"),
        ("name: a\ndescription: hello\nplain words", 4, "at the margin"),
        ("name: a\ndescription: x: y\n<example>", 4, "at the margin"),
        ('name: a\ndescription: "hello" and more', 3, "quoted string with more text"),
        ("name: a\ndescription: 'it's here'", 3, "quoted string with more text"),
        ("name: a\n\tdescription: hello", 3, "a tab before a key"),
        ("name: a\ndescription: it ends:", 3, "drops every field"),
        ("name: a\ndescription: x: y\n  more", 4, "drops every field"),
        ("name: a\ndescription: hello\nContext: words", 4, "takes `Context:` for a field"),
        ("name: a\ndescription: hello: x\nNote: it says: so", 4, "`Note` is no field"),
        ("name: a\ndescription:\n  hello Context:\n    words", 3, "list or mapping"),
        ("name: a\ndescription: [one, two]", 3, "list or mapping"),
        ("name: a\ndescription: one\ndescription: two", 4, "given twice"),
        ("name: a\ndescription: &x one\nmodel: *x", 4, "alias"),
        ("name: a\ndescription: b\n1: c", 4, "not text"),
        ("name: a\ndescription: b\n? [c]\n: d", 4, "not text"),
        ("- a\n- b", 2, "no list of `key: value`"),
        ("just words", 2, "no list of `key: value`"),
        ("name: a\n...\n--- x\ndescription: b", 4, "a second YAML document"),
        ("name: a\ndescription: fix issue #12 now", 3, "ends at ` #`"),
        ("description: b", 1, "no `name`"),
        ("name: a\nmodel: opus", 2, "without `description`"),
        ("name: a\ndescription:", 2, "without `description`"),
        ("name: 12\ndescription: b", 2, "not text to YAML"),
        ("name: [a]\ndescription: b", 2, "not text to YAML"),
        ("name: Bad_Name\ndescription: b", 2, "lower-case"),
        ("name: -a\ndescription: b", 2, "lower-case"),
        ("name: a\ndescription: b\ncolour: red", 4, "`colour` is no field"),
        ("name: a\ndescription: b ---\nmodel: opus", 3, "ends the header at this line"),
        ("name: a\ndescription: b\x07c", 3, "control character"),
        ("name: a\ndescription: b\udc80c", 3, "control character"),
    ],
)
def test_what_claude_code_would_lose_is_warned_of(header: str, line: int, part: str) -> None:
    persona = agent(header)
    assert has_warning(persona, line, part), warned(persona)
    assert persona.body == "Be brief."


def test_colon_in_a_file_with_crlf_is_warned_of() -> None:
    text = "---\r\nname: a\r\ndescription: it says: so\r\n---\r\nBody\r\n"
    crlf = read_agent(text, revision="x", source="a.md")
    assert has_warning(crlf, 3, "CRLF")
    assert crlf.description == "it says: so"
    assert read_agent(text.replace("\r", ""), revision="x", source="a.md").warnings == ()


def test_the_last_of_two_fields_counts() -> None:
    persona = agent("name: a\ndescription: one\ndescription: two")
    assert persona.description == "two"
    assert [value for key, value in persona.header if key == "description"] == ["one", "two"]


def test_outer_quotes_and_block_marks_are_no_part_of_a_broken_value() -> None:
    persona = agent("name: 'a'\ndescription: |\n  one\n  two\nuser: x\nmodel: \"opus\"")
    assert persona.name == "a"
    assert persona.description == "one\ntwo\nuser: x"


def test_only_known_fields_at_the_margin_start_a_field() -> None:
    persona = agent('name: a\ndescription: b\nuser: "x" y\n  model: no\nassistant: z\nmodel: opus')
    assert [key for key, _ in persona.header] == ["name", "description", "model"]
    assert persona.description == 'b\nuser: "x" y\nmodel: no\nassistant: z'


# --- names ---


@pytest.mark.parametrize("name", ["../../etc", "a/b", "a b", ".", "a:b", '"\\e[31m"', "x" * 200])
def test_a_name_that_names_no_folder_gives_way_to_the_files(name: str) -> None:
    persona = agent(f"name: {name}\ndescription: b")
    assert persona.name == "some-agent"
    assert has_warning(persona, 1, "cannot name a folder")


@pytest.mark.parametrize(
    ("source", "name"),
    [("ag/x-y.md@origin/main", "x-y"), ("a b.md", "a-b"), ("", "persona"), ("...md", "persona"), ("é.md", "persona")],
)
def test_the_name_from_the_file(source: str, name: str) -> None:
    assert read_agent("Body", revision="x", source=source).name == name


# --- examples ---


def test_examples_on_lines_of_their_own() -> None:
    talk = "  context: A\n    story.\n  user: 'Tell the user: hi'\n  assistant: Yes.\n  user: And?\n"
    persona = agent(f"name: a\ndescription: |\n  Use it.\n  <example>\n{talk}  </example>")
    assert persona.examples == (Example(context="A story.", user="Tell the user: hi\nAnd?", assistant="Yes."),)


def test_examples_that_wrapping_joined_into_one_line() -> None:
    talk = 'Context: A story. user: "Help me" assistant: "I will" <commentary>Because it fits.</commentary>'
    persona = agent(f"name: a\ndescription: Use it. <example>{talk}</example>")
    assert persona.examples == (
        Example(context="A story.", user="Help me", assistant="I will", commentary="Because it fits."),
    )


def test_an_example_without_labels_says_nothing() -> None:
    assert agent("name: a\ndescription: x <example>just words</example>").examples == (Example(),)


def test_an_example_that_is_never_closed_is_none() -> None:
    assert agent("name: a\ndescription: x <example> user: y").examples == ()


# --- hostile files ---

DEEP = HEADER_LIMIT // 2
HOSTILE = {
    "alias bomb": "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [{f'*a{n}, ' * 9}]\n" for n in range(20)),
    "deep list": "description: " + "[" * DEEP,
    "deep mapping": "name: " + "{a: " * (DEEP // 4),
    "deep block": "- " * DEEP,
    "deep keys": "? " * DEEP,
    "many keys": "a: b\n" * (HEADER_LIMIT // 5),
    "many distinct keys": "".join(f"k{n}: v\n" for n in range(HEADER_LIMIT // 11)),
    "many broken lines": "name: a\n" + " x: y: z\n" * (HEADER_LIMIT // 10),
    "many controls": "\x01" * HEADER_LIMIT,
    "NULs": "name: a\x00\ndescription: \x00",
    "open quotes": 'name: "' + "\\" * (HEADER_LIMIT - 100),
    "open examples": "description: " + "<example>" * (HEADER_LIMIT // 10),
    "labels": "description: <example>" + " user:" * (HEADER_LIMIT // 7) + "</example>",
    "spaces": "description:" + " " * (HEADER_LIMIT - 100) + "x: y",
    "tags": "name: !!python/object/apply:os.abort []\ndescription: b",
    "too long": "name: a\n" + "x" * HEADER_LIMIT,
    "3 MB": "name: a: b\n" * 300_000,
    "unicode breaks": "name: a\u2028description: b\u0085x: [",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_headers_only_warn_and_take_no_time(kind: str) -> None:
    started = time.process_time()
    persona = agent(HOSTILE[kind])
    assert time.process_time() - started < 30  # a guard against growth without bound, no measure of speed
    assert persona.body == "Be brief."
    assert 0 < len(persona.warnings) <= WARNINGS_LIMIT + 1


def test_a_file_too_large_to_be_a_prompt_is_refused() -> None:
    with pytest.raises(InputError, match="characters"):
        read_agent("---\n" + "a" * TEXT_LIMIT, revision="x", source="big.md")


@pytest.mark.parametrize(("bad", "part"), [("\0", "NUL"), ("\udcff", "UTF-8")])
def test_a_body_that_cannot_be_sent_is_refused_at_its_line(bad: str, part: str) -> None:
    with pytest.raises(InputError, match=part) as caught:
        agent("name: a\ndescription: b", f"One\nTwo {bad}\n")
    assert [(fault.file, fault.line) for fault in caught.value.faults] == [("agents/some-agent.md", 6)]
