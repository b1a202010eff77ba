"""A promptfoo configuration becomes cases that load and run; what has no counterpart is named; hostile files get nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals.errors import InputError
from evals.importers.imported import Import
from evals.importers.promptfoo import read_promptfoo
from evals.load import load_suite
from evals.project import Project
from evals.run import grade_answer
from graders.criterion import Dimension, Kind, Status
from graders.text_check import TextCheck, TextOp

Cli = Callable[..., tuple[int, str, str]]

CONFIG = """\
# yaml-language-server: $schema=https://promptfoo.dev/config-schema.json
description: Customer replies
prompts:
  - "Answer in {{ language }}: {{question}}"
  - file://prompts/short.txt
providers:
  - openai:gpt-5
  - id: anthropic:messages:claude-sonnet-5-5
defaultTest:
  vars:
    language: French
  assert:
    - type: latency
      threshold: 3000
tests:
  - description: Opening hours
    vars:
      question: When do you open?
    assert:
      - type: icontains
        value: ouvert
        weight: 3
      - type: llm-rubric
        value: Is polite, and in {{language}}.
        metric: documentation
  - vars:
      question: [Where are you?, "Who are you?"]
      language: Spanish
    assert:
      - type: not-contains-any
        value: [OpenAI, Anthropic]
      - type: javascript
        value: output.length < 200
  - vars: {question: Nothing}
    assert:
      - type: cost
        threshold: 0.01
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder `replies/` with a configuration."""
    folder = tmp_path / "replies"
    (folder / "prompts").mkdir(parents=True)
    (folder / "prompts/short.txt").write_text("{{question}} ({{language}}, one line)\n", encoding="utf-8")
    (folder / "promptfooconfig.yaml").write_text(CONFIG, encoding="utf-8")
    return folder


def read(folder: Path, text: str) -> Import:
    path = folder / "promptfooconfig.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_promptfoo(path)


def one(folder: Path, assertion: str, **variables: str) -> Import:
    values = json.dumps({"x": "y", **variables})
    return read(folder, f"prompts: ['{{{{x}}}}']\ntests:\n  - vars: {values}\n    assert:\n      - {assertion}\n")


def test_it_imports_loads_and_runs_with_the_scripted_provider(shop: Path, cli: Cli) -> None:
    code, out, err = cli(shop.parent, "import", "promptfoo", "replies/promptfooconfig.yaml")
    assert code == 0, err
    assert out.startswith("6 cases in cases/replies/\n")
    suite = load_suite(Project(shop.parent), "replies")
    assert [case.id for case in suite.cases] == [
        "opening-hours-p1", "opening-hours-p2", "test-2-1-p1", "test-2-1-p2", "test-2-2-p1", "test-2-2-p2",
    ]  # fmt: skip
    case = suite.cases[1]
    assert (case.message, case.family, case.title) == (
        "When do you open? (French, one line)\n",
        "opening-hours",
        "Opening hours",
    )
    first, second = case.criteria
    assert (first.points, first.dimension, first.statement) == (
        3, Dimension.JUDGEMENT, "The answer contains `ouvert`, in any letter case.",
    )  # fmt: skip
    assert (second.dimension, second.graders[0].kind) == (Dimension.DOCUMENTATION, Kind.JUDGE)
    assert "Is polite, and in French." in second.guidance
    code, out, err = cli(shop.parent, "run", "--provider", "scripted", "--repeats", "1")
    assert code == 0, err
    assert "no model was asked" in out
    assert cli(shop.parent, "lock")[0] == 0
    assert cli(shop.parent, "validate")[0] == 0


def test_what_is_left_out_is_listed_for_people_and_programs(shop: Path, cli: Cli) -> None:
    code, out, _ = cli(
        shop.parent, "import", "promptfoo", "replies/promptfooconfig.yaml", "--format", "json", "--suite", "s"
    )
    assert code == 0
    data = json.loads(out)
    assert data["suite"] == "s"
    assert len(data["cases"]) == 6
    left = {(row["where"], row["what"]) for row in data["left_out"]}
    assert left == {
        ("providers", "openai:gpt-5, anthropic:messages:claude-sonnet-5-5"),
        ("defaultTest.assert[0]", "latency"),
        ("tests[1].assert[1]", "javascript"),
        ("tests[2].assert[0]", "cost"),
        ("tests[2]", "the whole test"),
    }
    assert all(row["why"] for row in data["left_out"])


def test_nothing_that_is_there_is_touched(shop: Path, cli: Cli) -> None:
    args = ("import", "promptfoo", "replies/promptfooconfig.yaml")
    assert cli(shop.parent, *args)[0] == 0
    case = shop.parent / "cases/replies/opening-hours-p1.yaml"
    case.write_text("mine", encoding="utf-8")
    code, _, err = cli(shop.parent, *args)
    assert code == 2
    assert "is not overwritten; nothing was written" in err
    assert case.read_text(encoding="utf-8") == "mine"


def test_an_agent_file_becomes_the_persona(shop: Path, cli: Cli) -> None:
    agent = shop.parent / ".claude/agents/clerk.md"
    agent.parent.mkdir(parents=True)
    agent.write_text("---\nname: clerk\ndescription: Replies.\n---\nBe brief.\n", encoding="utf-8")
    _, _, err = cli(shop.parent, "import", "promptfoo", "replies/promptfooconfig.yaml", "--suite", "a")
    assert ".claude/agents/clerk.md" in err
    args = (
        "import",
        "promptfoo",
        "replies/promptfooconfig.yaml",
        "--suite",
        "b",
        "--persona",
        ".claude/agents/clerk.md",
    )
    assert cli(shop.parent, *args)[0] == 0
    assert (shop.parent / "prompts/b/0001-imported.md").read_bytes() == agent.read_bytes()
    assert list((shop.parent / "prompts/b").iterdir()) == [shop.parent / "prompts/b/0001-imported.md"]


ASSERTIONS: list[tuple[str, TextCheck, str, str]] = [
    ("{type: contains, value: a}", TextCheck(op=TextOp.CONTAINS, values=("a",)), "cat", "dog"),
    ("{type: contains, value: 42}", TextCheck(op=TextOp.CONTAINS, values=("42",)), "42", "41"),
    ("{type: contains, value: '{{x}}!'}", TextCheck(op=TextOp.CONTAINS, values=("y!",)), "y!", "{{x}}!"),
    ("{type: icontains, value: A}", TextCheck(op=TextOp.CONTAINS, values=("A",), ignore_case=True), "cat", "dog"),
    ("{type: not-contains, value: a}", TextCheck(op=TextOp.CONTAINS, values=("a",), negated=True), "dog", "cat"),
    ("{type: contains-all, value: [a, b]}", TextCheck(op=TextOp.CONTAINS, values=("a", "b")), "ab", "a"),
    ("{type: contains-all, value: 'a, b'}", TextCheck(op=TextOp.CONTAINS, values=("a", "b")), "b, a", "b"),
    ("{type: contains-any, value: [q, b]}", TextCheck(op=TextOp.CONTAINS_ANY, values=("q", "b")), "b", "a"),
    (
        "{type: not-icontains-any, value: [Q, B]}",
        TextCheck(op=TextOp.CONTAINS_ANY, values=("Q", "B"), ignore_case=True, negated=True),
        "a",
        "b",
    ),
    ("{type: equals, value: Paris}", TextCheck(op=TextOp.EQUALS, values=("Paris",)), "Paris\n", "Paris, France"),
    ("{type: starts-with, value: Yes}", TextCheck(op=TextOp.STARTS_WITH, values=("Yes",)), "Yes, it is", "Oh yes. Yes"),
    ("{type: regex, value: '\\d{4}-\\u0064'}", TextCheck(op=TextOp.MATCHES, values=(r"\d{4}-\x{0064}",)), "2026-d", "26-d"),
    ("{type: not-regex, value: 'v\\d'}", TextCheck(op=TextOp.MATCHES, values=(r"v\d",), negated=True), "v", "v1"),
    ("{type: is-json}", TextCheck(op=TextOp.JSON, values=()), "[1]", "one"),
    ("{type: is-json, value: {required: [a]}}", TextCheck(op=TextOp.JSON, values=('{"required": ["a"]}',)), '{"a": 1}', "{}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "check", "good", "bad"), ASSERTIONS, ids=[row[0] for row in ASSERTIONS])
def test_each_assertion_keeps_its_meaning(
    tmp_path: Path, cli: Cli, text: str, check: TextCheck, good: str, bad: str
) -> None:
    found = one(tmp_path / "shop", text)
    assert found.left_out == ()
    assert found.cases[0].checks[0].decides == check
    assert cli(tmp_path, "import", "promptfoo", "shop/promptfooconfig.yaml")[0] == 0
    case = load_suite(Project(tmp_path), "shop").cases[0]
    assert [grade.status for grade in grade_answer(case, good)] == [Status.PASS]
    assert [grade.status for grade in grade_answer(case, bad)] == [Status.FAIL]


LEFT = [
    ("{type: javascript, value: 'process.exit()'}", "write a rule"),
    ("{type: python, value: 'file://evil.py'}", "is a file"),
    ("{type: similar, value: x}", "embedding"),
    ("{type: regex, value: '(?<=a)b'}", "RE2"),
    ("{type: contains, value: 'file://phrases.txt'}", "is a file"),
    ("{type: contains, value: '{{nothing}}'}", "no variable `nothing`"),
    ("{type: contains, value: '{{x | upper}}'}", "more than the name"),
    ("{type: contains}", "no text"),
    ("{type: contains, value: ''}", "no value"),
    ("{type: equals, value: {a: 1}}", "no text"),
    ("{type: is-json, value: {$ref: 'http://x/y'}}", "not a keyword"),
    ("{type: not-llm-rubric, value: rude}", "the other way"),
    ("{type: llm-rubric}", "the rubric is no text"),
    ("{type: contains, value: a, weight: 0}", "weight is 0"),
    ("{type: contains, value: a, transform: output.x}", "as code has changed it"),
    ("{type: assert-set, threshold: 0.5, assert: [{type: is-json}]}", "share"),
    ("{type: made-up, value: a}", "no counterpart"),
    ("just text", "no mapping"),
]


@pytest.mark.parametrize(("text", "why"), LEFT)
def test_what_has_no_counterpart_is_left_out_with_the_reason(tmp_path: Path, text: str, why: str) -> None:
    found = one(tmp_path, text)
    assert found.cases == ()
    assert why in found.left_out[0].why
    assert found.left_out[0].where == "tests[0].assert[0]"
    assert found.left_out[1].what == "the whole test"


def test_sets_and_templates_of_assertions(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "prompts: ['hello {{x}}']\nassertionTemplates: {polite: {type: llm-rubric, value: Is polite.}}\ntests:\n"
        "  - vars: {x: you}\n    assert:\n      - {$ref: '#/assertionTemplates/polite', weight: 2}\n"
        "      - {type: assert-set, assert: [{type: contains, value: a}, {type: is-json}]}\n",
    )
    assert [
        (check.decides if isinstance(check.decides, str) else check.decides.op, check.weight)
        for check in found.cases[0].checks
    ] == [
        ("Is polite.", 2.0),
        (TextOp.CONTAINS, 1.0),
        (TextOp.JSON, 1.0),
    ]


def test_system_texts_are_revisions_where_they_share_the_user_text(tmp_path: Path, cli: Cli) -> None:
    folder = tmp_path / "chat"
    chats = [
        [{"role": "system", "content": s}, {"role": "user", "content": "{{q}}"}] for s in ("Be brief.", "Be kind.")
    ]
    other = [{"role": "system", "content": "Be odd."}, {"role": "user", "content": "Say {{q}}"}]
    talk = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "{{q}}"},
    ]
    varied = [{"role": "system", "content": "Speak {{q}}."}, {"role": "user", "content": "{{q}}"}]
    prompts = json.dumps([json.dumps(chat) for chat in (*chats, other, talk, varied)])
    read(
        folder,
        f"prompts: {prompts}\ntests:\n  - vars: {{q: 'Why?'}}\n    assert: [{{type: contains, value: because}}]\n",
    )
    code, out, _ = cli(tmp_path, "import", "promptfoo", "chat/promptfooconfig.yaml")
    assert code == 0
    assert [
        (tmp_path / "prompts/chat" / f"000{n}-imported.md").read_text(encoding="utf-8").split("---\n\n")[1]
        for n in (1, 2)
    ] == [
        "Be brief.\n",
        "Be kind.\n",
    ]
    assert [case.message for case in load_suite(Project(tmp_path), "chat").cases] == ["Why?\n"]
    for said in ("prompts[2]", "prompts[3]: chat: a conversation", "prompts[4]: chat: its system text has variables"):
        assert said in out


@pytest.mark.parametrize("place", ["defaultTest: {options: {transform: output.a}}", "ignored: 1"])
def test_answers_that_code_changes_are_not_checked_unchanged(tmp_path: Path, place: str) -> None:
    own = "" if place.startswith("default") else "options: {postprocess: output.a}, "
    found = read(tmp_path, f"prompts: [hi]\n{place}\ntests: [{{{own}assert: [{{type: is-json}}]}}]\n")
    assert found.cases == ()
    assert "code changes its answers" in found.left_out[-1].why


CSV = (
    "question,__expected,__expected2,__description,__prefix,__metadata:team\n"
    'Capital of France?,Paris,,Capital,"Briefly: ",geo\n'
    'Two numbers,"contains-all: 1, 2",icontains:AND,,,\n'
    "A rubric,llm-rubric: Is short.,not-contains: because,,,\n"
    'Code,"fn: output.length",javascript: x,,,\n'
)


def test_tests_in_a_table(tmp_path: Path) -> None:
    tmp_path.joinpath("tests.csv").write_text("\ufeff" + CSV, encoding="utf-8")
    found = read(tmp_path, "prompts: ['{{question}}']\ntests: file://tests.csv\n")
    assert [(case.name, case.message) for case in found.cases] == [
        ("capital", "Briefly: Capital of France?\n"),
        ("test-2", "Two numbers\n"),
        ("test-3", "A rubric\n"),
    ]
    decided: list[Any] = [[check.decides for check in case.checks] for case in found.cases]
    assert decided[0] == [TextCheck(op=TextOp.EQUALS, values=("Paris",))]
    assert decided[1][0] == TextCheck(op=TextOp.CONTAINS, values=("1", "2"))
    assert decided[1][1] == TextCheck(op=TextOp.CONTAINS, values=("AND",), ignore_case=True)
    assert decided[2] == ["Is short.", TextCheck(op=TextOp.CONTAINS, values=("because",), negated=True)]
    assert {(row.where, row.what) for row in found.left_out} == {
        ("tests.csv[0].__metadata:team", "__metadata:team"),
        ("tests.csv[3].assert[0]", "javascript"),
        ("tests.csv[3].assert[1]", "javascript"),
        ("tests.csv[3]", "the whole test"),
    }


def test_words_are_read_as_its_own_yaml_reads_them(tmp_path: Path) -> None:
    found = one(tmp_path, "{type: contains-any, value: [no, Yes, on, 012, 12:30, 2026-01-01, 1.5, true]}")
    check = found.cases[0].checks[0].decides
    assert isinstance(check, TextCheck)
    assert check.values == ("no", "Yes", "on", "012", "12:30", "2026-01-01", "1.5", "true")


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.yaml"])
def test_tests_in_other_files(tmp_path: Path, name: str) -> None:
    test = json.dumps({"vars": {"q": "x"}, "assert": [{"type": "is-json"}]})
    tmp_path.joinpath(name).write_text(
        f"{test}\n{test}\n" if name == "t.jsonl" else f"[{test}, {test}]", encoding="utf-8"
    )
    tmp_path.joinpath("v.yaml").write_text("q: from a file\n", encoding="utf-8")
    found = read(
        tmp_path, f"prompts: ['{{{{q}}}}']\ntests: [{name}, {{vars: file://v.yaml, assert: [{{type: is-json}}]}}]\n"
    )
    assert [case.message for case in found.cases] == ["x\n", "x\n", "from a file\n"]


def test_files_outside_the_folder_are_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET", encoding="utf-8")
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "link.txt").symlink_to(secret)
    for name in ("../secret.txt", "link.txt", str(secret), "../../../../../../etc/passwd.txt"):
        text = f"prompts: ['file://{name}', 'hi {{{{x}}}}']\ntests:\n  - vars: {{x: 'file://{name}'}}\n    assert: [{{type: is-json}}]\n"
        found = read(folder, text)
        assert found.cases == ()
        assert "SECRET" not in str(found)
        assert sum("lies outside" in row.why for row in found.left_out) == 2


def test_the_environment_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "TOP SECRET")
    found = read(tmp_path, "prompts: ['{{env.SECRET}}']\ntests: [{assert: [{type: is-json}]}]\n")
    assert found.cases == ()
    assert "no variable `env.SECRET`" in found.left_out[0].why


def test_text_of_variables_is_not_a_template_of_its_own(tmp_path: Path) -> None:
    tmp_path.joinpath("d.txt").write_text("{{x}} {% raw %}", encoding="utf-8")
    found = read(tmp_path, "prompts: ['A {{d}}']\ntests: [{vars: {x: 'y', d: 'B {{x}}'}, assert: [{type: is-json}]}]\n")
    assert found.cases[0].message == "A B y\n"


BAD = [
    ("a: &x [1]\nb: *x\n", ":1: anchors and aliases are not allowed"),
    ("prompts: [\n", "not valid YAML"),
    ("- 1\n", ":1: is no configuration of promptfoo"),
    ("cases: []\n", ":1: is no configuration of promptfoo"),
    ("prompts: ['x']\ntests: []\n", "no case could be made; nothing was written"),
    (
        "prompts: ['{{a}}']\ntests: [{vars: {a: [" + "x," * 1001 + "]}, assert: [{type: is-json}]}]\n",
        "no case could be made",
    ),
    (
        "prompts: [" + "'{{a}}'," * 40 + "]\ntests: [{vars: {a: [" + "x," * 40 + "]}, assert: [{type: is-json}]}]\n",
        "c.yaml: prompts and variables unfold to more than 1,000 cases",
    ),
]


@pytest.mark.parametrize(("text", "said"), BAD, ids=range(len(BAD)))
def test_bad_configurations_get_one_clear_error(tmp_path: Path, cli: Cli, text: str, said: str) -> None:
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    code, _, err = cli(tmp_path, "import", "promptfoo", "c.yaml", "--suite", "s")
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert not (tmp_path / "cases").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("missing.yaml",), "missing.yaml: no such file"),
        (("config.js",), "code is not run"),
        (("c.yaml", "c.yaml"), "takes one configuration"),
        (("c.yaml", "--suite", "A B"), "lower case with hyphens"),
        (("c.yaml", "--dimension", "judgment"), "did you mean `judgement`"),
        (("c.yaml", "--persona", "nobody.md"), "nobody.md: no such file"),
    ],
)
def test_bad_arguments(tmp_path: Path, cli: Cli, args: tuple[str, ...], said: str) -> None:
    text = "prompts: [hi]\ntests: [{assert: [{type: is-json}]}]\n"
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "config.js").write_text("module.exports = {}\n", encoding="utf-8")
    code, _, err = cli(tmp_path, "import", "promptfoo", *args)
    assert code == 2
    assert said in err
    assert not (tmp_path / "cases").exists()


def test_odd_texts_survive_the_way_into_a_case_file(tmp_path: Path, cli: Cli) -> None:
    odd = [
        "no",
        "012",
        "12:30",
        "2026-01-01",
        "a: b # c",
        "- x",
        "* &a",
        "line\n\n  indented\n",
        "tab\there",
        "é\u2028\u0085",
        "'\"",
        "%{#",
    ]
    config = {
        "prompts": ["Say {{x}}."],
        "tests": [{"vars": {"x": odd[:-1]}, "assert": [{"type": "contains", "value": "{{x}}"}]}],
    }
    read(tmp_path / "odd", json.dumps(config))
    assert cli(tmp_path, "import", "promptfoo", "odd/promptfooconfig.yaml")[0] == 0
    cases = load_suite(Project(tmp_path), "odd").cases
    asked = {check.values[0] for case in cases for c in case.criteria for ref in c.graders if (check := ref.text)}
    assert asked == set(odd[:-1])
    with pytest.raises(InputError, match="anchors"):
        read(tmp_path / "odd", "prompts: &a [x]\ntests: []\n")


def test_a_test_called_suite_leaves_the_suites_own_file(tmp_path: Path, cli: Cli) -> None:
    tests = "".join(
        f"  - {{description: {name}, vars: {{x: y}}, assert: [{{type: is-json}}]}}\n" for name in ("suite", "my suite")
    )
    read(tmp_path / "shop", f"prompts: ['{{{{x}}}}']\ntests:\n{tests}")
    code, out, err = cli(tmp_path, "import", "promptfoo", "shop/promptfooconfig.yaml")
    assert code == 0, err
    assert out.startswith("2 cases in cases/shop/\n")
    suite = load_suite(Project(tmp_path), "shop")
    assert (suite.persona, [case.id for case in suite.cases]) == ("shop", ["my-suite", "suite-2"])


def weighed(folder: Path, weight: str) -> Import:
    """YAML's numbers are checked; those of JSON Lines come as they are."""
    folder.mkdir(exist_ok=True)
    row = f'{{"vars": {{"x": "y"}}, "assert": [{{"type": "is-json", "weight": {weight}}}]}}'
    folder.joinpath("t.jsonl").write_text(row, encoding="utf-8")
    return read(folder, "prompts: ['{{x}}']\ntests: file://t.jsonl\n")


@pytest.mark.parametrize("weight", ["NaN", "Infinity", "1e999", "-1", "-Infinity", '"2"'])
def test_weights_that_are_no_numbers_are_left_out(tmp_path: Path, weight: str) -> None:
    found = weighed(tmp_path, weight)
    assert found.cases == ()
    assert "weight is no number" in found.left_out[0].why


def test_a_weight_of_any_length_ends_at_ten_points(tmp_path: Path, cli: Cli) -> None:
    weighed(tmp_path / "shop", "9" * 400)
    assert cli(tmp_path, "import", "promptfoo", "shop/promptfooconfig.yaml")[0] == 0
    (case,) = load_suite(Project(tmp_path), "shop").cases
    assert [criterion.points for criterion in case.criteria] == [10]


def test_files_that_no_reader_takes_are_named(tmp_path: Path) -> None:
    tmp_path.joinpath("big.csv").write_text("x,__expected\n" + "y" * 200_000 + ",is-json\n", encoding="utf-8")
    names = {
        "big.csv": "big.csv:2: is no CSV (field larger",
        "a\\0b.json": "is no name of a file",
        "n" * 300 + ".json": "cannot be read",
        "loop.json": "is no name of a file",
    }
    tmp_path.joinpath("loop.json").symlink_to(tmp_path / "loop.json")
    for name, said in names.items():
        found = read(tmp_path, f"prompts: ['{{{{x}}}}']\ntests: [\"file://{name}\"]\n")
        assert found.cases == ()
        assert said in found.left_out[0].why


def test_schemas_nested_too_deeply_are_left_out(tmp_path: Path) -> None:
    for depth in (900, 20_000):
        deep = '{"not":' * depth + "{}" + "}" * depth
        found = one(tmp_path, json.dumps({"type": "is-json", "value": "{{deep}}"}), deep=deep)
        assert found.cases == ()
        assert found.left_out[0].what == "is-json"


def test_half_a_character_in_an_expression_is_left_out(tmp_path: Path) -> None:
    row = {"vars": {"x": "y"}, "assert": [{"type": "regex", "value": "\ud83d"}]}
    tmp_path.joinpath("t.jsonl").write_text(json.dumps(row), encoding="utf-8")
    found = read(tmp_path, "prompts: ['{{x}}']\ntests: file://t.jsonl\n")
    assert found.cases == ()
    assert "half a character" in found.left_out[0].why


def test_a_line_of_json_ends_at_a_line_feed_only(tmp_path: Path) -> None:
    rows = [{"vars": {"x": text}, "assert": [{"type": "is-json"}]} for text in ("a\u2028b\u0085c", "d")]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows)
    tmp_path.joinpath("t.jsonl").write_text(text, encoding="utf-8", newline="")
    found = read(tmp_path, "prompts: ['{{x}}']\ntests: file://t.jsonl\n")
    assert [case.message for case in found.cases] == ["a\u2028b\u0085c\n", "d\n"]
