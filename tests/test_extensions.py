"""evals.toml: what it names is used, locked and told apart; nothing else is ever imported."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from evals.errors import InputError, ProviderError
from evals.exchange import Message, Provenance, Request, Response, Settings, Usage
from evals.extensions import Named, read_extensions, registry_of
from evals.load import load_suite
from evals.project import Project
from evals.providers.named import NamedProvider
from evals.validate import validate
from graders.registry import BUILT_IN
from tests.conftest import REPOSITORY
from tests.sandbox_host import needs_runtimes

Cli = Callable[..., tuple[int, str, str]]

RULE = """\
from graders import Dimension, Rule, Severity, Site


class NoTodo(Rule):
    \"\"\"Says that nothing is left to do.\"\"\"

    id = "py-no-todo"
    version = {version}
    dimension = Dimension.MAINTAINABILITY
    severity = Severity.LOW
    cwe = None
    languages = ("python",)
    BAD = ("x = 1  # TODO\\n",)
    GOOD = ("x = 1\\n",)

    def check(self, source):
        {check}
"""
CHECK = 'yield Site(line=1, ok="TODO" not in source.text, quote=source.lines[0], message="To do.")'


def write_rule(project: Path, check: str = CHECK, version: int = 1, extra: str = "") -> None:
    (project / "house.py").write_text(RULE.format(check=check, version=version) + extra, encoding="utf-8")


def toml(project: Path, text: str) -> Project:
    (project / "evals.toml").write_text(text, encoding="utf-8")
    return Project(project)


@pytest.fixture
def house(project: Path) -> Iterator[Path]:
    """A project whose case names a rule of its own."""
    write_rule(project)
    toml(project, '[graders]\nrules = ["house:NoTodo"]\n')
    case = project / "cases/small/login.yaml"
    case.write_text(case.read_text(encoding="utf-8").replace("py-sql-injection", "py-no-todo"), encoding="utf-8")
    yield project
    sys.path[:] = [place for place in sys.path if place != str(project)]
    sys.modules.pop("house", None)


def answer(project: Path, code: str) -> Path:
    path = project / "answer.md"
    path.write_text(f"```python\n{code}\n```\n", encoding="utf-8")
    return path


def test_a_rule_of_the_project_decides(house: Path, cli: Cli) -> None:
    for code, status in (("x = 1", "pass"), ("x = 1  # TODO", "fail")):
        answer(house, code)
        grade = json.loads(cli(house, "grade", "--case", "login", "answer.md", "--format", "json")[1])["grades"][0]
        assert (grade["status"], grade["grader"], grade["version"].split("/")[1]) == (status, "py-no-todo", "1")
    assert "py-no-todo" in cli(house, "list", "rules")[1]
    assert "py-no-todo" in cli(house, "scan", "answer.md", "--rule", "py-no-todo")[1]


def test_cases_that_name_it_are_imported(house: Path, cli: Cli) -> None:
    rule = {
        "id": "done",
        "dimension": "security",
        "sort": "depth",
        "points": 1,
        "statement": "It leaves nothing to do.",
    }
    criterion = {
        **rule,
        "guidance": "Pass: so. Fail: not.",
        "covers": [],
        "graders": [{"kind": "rule", "rules": ["py-no-todo"]}],
    }
    row = {"id": "other", "message": "Do it.", "criteria": [criterion]}
    (house / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    code, _, err = cli(house, "import", "cases", "rows.jsonl", "--suite", "small")
    assert code == 0, err
    case = load_suite(Project(house), "small").case("other")
    assert case
    assert case.criteria[0].graders[0].rules == ("py-no-todo",)


def test_the_lock_holds_what_it_is_made_of(house: Path, cli: Cli) -> None:
    assert cli(house, "lock")[0] == 0
    assert cli(house, "validate")[0] == 0
    with (house / "house.py").open("a", encoding="utf-8") as file:
        file.write("# another line\n")
    code, _, err = cli(house, "validate")
    assert code == 2
    assert "a grader is not as locked (extensions.sources.house:NoTodo)" in err


def test_a_project_without_the_file_has_the_built_in_graders(project: Path) -> None:
    assert registry_of(Project(project)) is BUILT_IN
    assert load_suite(Project(project), "small").cases[0].registry is None
    assert "house" not in sys.modules


def test_what_the_file_does_not_name_is_never_imported(project: Path, cli: Cli) -> None:
    (project / "house.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    case = project / "cases/small/login.yaml"
    case.write_text(
        case.read_text(encoding="utf-8").replace("[py-sql-injection]", '["house:NoTodo"]'), encoding="utf-8"
    )
    code, _, err = cli(project, "validate")
    assert code == 2
    assert "house:NoTodo" in err
    assert "house" not in sys.modules


FAULTS = [
    ("graders = 3", 1, "must be a table"),
    ("[grader]\nrules = []", 1, "did you mean `graders`"),
    ("[graders]\nrule = []", 2, "did you mean `rules`"),
    ('[graders]\nrules = "house:NoTodo"', 2, "must be a list"),
    ('[graders]\nrules = ["house"]', 2, "module, colon, object"),
    ('[graders]\nrules = ["../house:NoTodo"]', 2, "module, colon, object"),
    ("[graders\n", 1, "not valid TOML"),
    ('[graders]\nrules = ["nowhere_at_all:X"]', 2, "there is no module `nowhere_at_all`"),
    ('[graders]\nrules = [\n "house:NoTodo",\n "house:NoToodo"]', 4, "did you mean `NoTodo`"),
    ('[graders]\nrules = ["house:Dimension"]', 2, "is no rule"),
    ('[graders]\nattacks = ["house:NoTodo"]', 2, "is no suite of attacks"),
    ('[graders]\nrules = ["broken:X"]', 2, "importing it failed: ValueError: no luck"),
    ('[graders]\nrules = ["quits:X"]', 2, "importing it failed: SystemExit"),
    ('[graders]\nrules = ["house:Unmade"]', 2, "making the rule failed: TypeError"),
    ('[graders]\nrules = ["needs:X"]', 2, "needs `not_installed_anywhere`"),
    ('[graders]\nrules = ["json:X"]', 2, "has the name of another module"),
    ('[graders]\nrules = ["house:BARE"]', 2, "has no `BAD`"),
    ('[graders]\nrules = ["house:NoTodo", "house:NoTodo"]', None, "there is a grader `py-no-todo` already"),
    ('[providers]\nlive = "house:NoTodo"', 2, "cannot name a provider"),
    ('[providers]\nacme = ["house:NoTodo"]', 2, "must be text such as"),
]
BARE = "\n\nclass _Bare(NoTodo):\n    id = 'py-bare'\n    BAD = ()\n\n\nBARE = _Bare()\n\n\nclass Unmade(Rule):\n    pass\n"


@pytest.mark.parametrize(("text", "line", "said"), FAULTS)
def test_bad_files_are_told_with_their_line(house: Path, cli: Cli, text: str, line: int | None, said: str) -> None:
    write_rule(house, extra=BARE)
    (house / "broken.py").write_text("raise ValueError('no luck')\n", encoding="utf-8")
    (house / "quits.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    (house / "needs.py").write_text("import not_installed_anywhere\n", encoding="utf-8")
    (house / "json.py").write_text("X = 1\n", encoding="utf-8")
    toml(house, text)
    code, out, err = cli(house, "grade", "--case", "login", "answer.md")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: evals.toml:{line}: " if line else "error: evals.toml: ")
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("return iter(())", "no bad site is found in example 1 of BAD"),
        ('yield Site(line=1, ok=False, quote="x", message="m")', "a bad site is found in example 1 of GOOD"),
        (
            'yield from (Site(line=1, ok=False, quote="x", message="m") for _ in "T" if "TODO" in source.text)',
            "never pass",
        ),
        ("raise KeyError('x')", "fails on its own examples: KeyError"),
    ],
)
def test_a_rule_that_cannot_fail_or_pass_is_a_fault(house: Path, check: str, said: str) -> None:
    write_rule(house, check)
    sys.modules.pop("house", None)
    toml(house, '[graders]\nrules = ["house:NoTodo"]\n# another text, so that it is read again\n')
    assert any(said in fault.message and fault.file == "evals.toml" for fault in validate(Project(house)).faults)


def test_a_rule_that_fails_leaves_its_criterion_unscored(house: Path, cli: Cli) -> None:
    write_rule(house, "raise KeyError('x')")
    answer(house, "x = 1")
    grade = json.loads(cli(house, "grade", "--case", "login", "answer.md", "--format", "json")[1])["grades"][0]
    assert (grade["status"], grade["reason"]) == ("unscored", "rule py-no-todo failed: KeyError: 'x'")


# the examples of the documentation


@pytest.fixture
def examples(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "examples"
    shutil.copytree(REPOSITORY / "docs/examples", folder)
    yield folder
    sys.path[:] = [place for place in sys.path if place != str(folder)]
    for name in ("no_print", "slug_attacks", "local_gateway"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["no_print.py", "slug_attacks.py", "local_gateway.py"])
def test_examples_are_short(name: str) -> None:
    assert len((REPOSITORY / "docs/examples" / name).read_text(encoding="utf-8").splitlines()) <= 30


@pytest.mark.parametrize(("name", "status"), [("good", "pass"), ("bad", "fail")])
def test_the_examples_grade(examples: Path, cli: Cli, name: str, status: str) -> None:
    needs_runtimes()
    code, out, err = cli(examples, "grade", "--case", "slugify", f"answers/{name}.md", "--format", "json")
    assert code == 0, err
    grades = json.loads(out)["grades"]
    assert [(g["grader"], g["status"]) for g in grades] == [
        ("SLUG-1", status),
        ("py-house-no-print", status),
        ("text-matches", status),
    ]
    assert all(grade["evidence"] for grade in grades)


def test_the_examples_are_sound(examples: Path, cli: Cli) -> None:
    assert cli(examples, "lock")[0] == 0
    assert cli(examples, "validate")[0] == 0


class _Server(BaseHTTPRequestHandler):
    asked: list[dict[str, object]] = []  # noqa: RUF012 - one test, one server

    def do_POST(self) -> None:
        self.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        text = (REPOSITORY / "docs/examples/answers/good.md").read_text(encoding="utf-8")
        reply = {
            "id": "msg_1",
            "model": "tiny-1",
            "stop_reason": "end_turn",
            "content": [{"type": "text", "text": text}],
        }
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(reply).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, object]]]:
    _Server.asked.clear()
    with HTTPServer(("127.0.0.1", 0), _Server) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("LOCAL_GATEWAY", f"http://127.0.0.1:{server.server_port}/v1/messages")
        yield _Server.asked
        server.shutdown()
        thread.join()


def test_a_provider_of_the_project_answers_once_and_is_named(
    examples: Path, cli: Cli, gateway: list[dict[str, object]]
) -> None:
    command = ("run", "--provider", "local", "--model", "tiny", "--no-execute", "--format", "json")
    code, out, err = cli(examples, *command)
    assert code == 3, err  # the attack was not run
    card = json.loads(out)[0]
    assert (card["model"], card["provider"]) == ("local@1/tiny-1", "local 1 (local_gateway:LocalGateway)")
    assert [request["model"] for request in gateway] == ["tiny"]
    assert cli(examples, *command)[1] == out
    assert len(gateway) == 1, "what was answered is remembered"
    assert "answers of provider local 1" in cli(examples, *command[:-2])[1]


def test_a_provider_that_fails_leaves_answers_out(examples: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_GATEWAY", "http://127.0.0.1:9/v1/messages")
    code, _, err = cli(examples, "run", "--provider", "local", "--no-execute")
    assert code == 3
    assert "no answer: provider `local` failed: URLError" in err


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ('[providers]\nacme = "house:NoTodo"', "acmee", "did you mean `acme`"),
        ('[providers]\nacme = "house:NoTodo"', "acme", "evals.toml:2: house:NoTodo: is no provider"),
        ('[providers]\nacme = "house:Severity"', "acme", "making it failed"),
        ('[providers]\nacme = "nowhere_at_all:X"', "acme", "there is no module"),
        ("", "magic", "no provider `magic`"),
    ],
)
def test_wrong_providers_are_told(house: Path, cli: Cli, text: str, name: str, said: str) -> None:
    toml(house, '[graders]\nrules = ["house:NoTodo"]\n')
    (house / "evals.toml").write_text(f'{text}\n[graders]\nrules = ["house:NoTodo"]\n', encoding="utf-8")
    code, out, err = cli(house, "run", "--provider", name)
    assert (code, out) == (2, "")
    assert said in err


def test_providers_are_imported_only_when_asked(house: Path) -> None:
    (house / "explodes.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    text = '[providers]\nacme = "explodes:X"\n[graders]\nrules = ["house:NoTodo"]\n'
    home = toml(house, text)
    assert list(read_extensions(home).providers) == ["acme"]
    assert validate(home).counts
    with pytest.raises(InputError):
        read_extensions(toml(house, '[providers]\nAcme = "explodes:X"'))


def test_the_examples_attacks_are_tested_themselves(examples: Path, cli: Cli) -> None:
    needs_runtimes()
    code, out, err = cli(examples, "selftest")
    assert code == 0, out + err
    assert "1 of 1 seeded defects noticed" in out
    assert "1 of 1 sound answers passed everything" in out


def test_attacks_that_nothing_shows_to_be_able_to_fail_are_a_warning(examples: Path, cli: Cli) -> None:
    assert "warning" not in cli(examples, "validate")[2]
    path = examples / "slug_attacks.py"
    path.write_text(path.read_text(encoding="utf-8").replace(", mutants=lambda: (SPACES,)", ""), encoding="utf-8")
    sys.modules.pop("slug_attacks", None)
    text = (examples / "evals.toml").read_text(encoding="utf-8")
    (examples / "evals.toml").write_text(text + "# read again\n", encoding="utf-8")
    assert "evals.toml: suite of attacks `slug` has no mutants" in cli(examples, "validate")[2]


@pytest.mark.parametrize(
    "fields",
    [
        {"provenance": None},
        {"usage": Usage(input_tokens=-1, output_tokens=1)},
        {"stop_reason": 7},
        {"text": 7},
    ],
    ids=str,
)
def test_a_response_that_could_not_be_kept_is_an_error_of_the_provider(fields: dict[str, object]) -> None:
    class Sloppy:
        async def respond(self, request: Request) -> Response:
            sound = Response(text="hello", provenance=Provenance(kind="imported"))
            return replace(sound, **fields)  # type: ignore[arg-type]  # what is tested

    request = Request(model="own@1/m", messages=(Message(role="user", text="u"),), settings=Settings(max_tokens=5))
    provider = NamedProvider(Named(key="own", spec="own:Own", line=1), Sloppy(), "1")
    with pytest.raises(ProviderError, match="fields of other types"):
        asyncio.run(provider.respond(request))
