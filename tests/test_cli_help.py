"""Help, its examples, the page made of it, and the published schemas: all follow from the command line itself."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.cli import EXIT_CODES, parser
from evals.cli_document import INTERNAL, document, schemas
from evals.cli_outputs import OUTPUTS
from tests.output_schemas import FOLDER, wrong
from tests.terminal import REPOSITORY

Cli = Callable[..., tuple[int, str, str]]
VERBS = parser().verbs
EXAMPLES = [example for verb in VERBS.values() for example in verb.examples()]


def words(example: str) -> list[str]:
    """The command's own words, without what the shell does with its output."""
    return shlex.split(re.sub(r"\s>\s.*", "", example))[1:]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_examples_and_they_are_of_it(verb: str) -> None:
    examples = VERBS[verb].examples()
    assert examples
    for example in examples:
        assert parser().read(words(example)).verb == verb
        assert example in VERBS[verb].format_help()


def test_an_option_that_is_not_there_would_be_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().read(["run", "--provder", "live"])
    assert "no option `--provder`; did you mean `--provider`?" in capsys.readouterr().err


EXPECTED = {
    "evals run --resume": (2, "no unfinished run"),
    "evals gate 0000 0001 --fail-on inconclusive": (1, ""),
    "evals gate 0001 0002 --sequential --looks 3,8": (2, "ANTHROPIC_API_KEY"),
    "evals bisect 0001 0002": (3, "Inconclusive"),
    "evals import responses results.jsonl --declare declared.json --set 2026-01": (2, "no such file"),
    "evals import labels first.jsonl second.jsonl --by human --adjudicated third.jsonl": (2, "no such file"),
    "evals import cases tickets.csv --map body=message --criteria criteria.yaml": (2, "no such file"),
    "evals import promptfoo promptfooconfig.yaml --suite translations": (2, "promptfooconfig.yaml"),
}
"""Examples that need what is not there, or that decide, and what they then say. All others end with 0."""
LONG = {"evals selftest --attacks jwt", "evals selftest --record"}
"""Run code for minutes; `tests/test_selftest.py` has them."""
AGENT = "---\nname: reviewer\ndescription: Reviews code.\n---\n\nReview what you are given.\n"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project, with the files that the examples name, as a repository of its own."""
    place = tmp_path_factory.mktemp("original") / "project"
    place.mkdir()
    for name in ("cases", "prompts", "results", "graders/judge/gold"):
        shutil.copytree(REPOSITORY / name, place / name)
    shutil.copy(REPOSITORY / "evals.lock", place)
    agent = place / ".claude/agents/reviewer.md"
    agent.parent.mkdir(parents=True)
    agent.write_text(AGENT, encoding="utf-8")
    for name in ("answer.md", "app.py", "migration.sql"):
        (place / name).write_text("x = 1\n" if name == "app.py" else "", encoding="utf-8")
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
        subprocess.run(["git", *NOBODY, *command], cwd=place, check=True, capture_output=True)
    return place


NOBODY = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")


@pytest.mark.parametrize("example", [example for example in EXAMPLES if example not in LONG])
def test_examples_run(example: str, original: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import webbrowser

    from graders.execution import sandbox
    from graders.execution.box import BoxError

    def none() -> str:
        raise BoxError("not in this test")

    monkeypatch.setattr(sandbox, "level", none)
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"no code")))
    for part in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{part}_NAME", "Nobody")
        monkeypatch.setenv(f"GIT_{part}_EMAIL", "nobody@example.org")
    place = tmp_path / "project"
    shutil.copytree(original, place)
    if example.startswith("evals gate 0002"):
        assert cli(place, "bless", "0002", "--reason", "a baseline")[0] == 0
    code, out, err = cli(place, *words(example))
    expected, said = EXPECTED.get(example, (0, ""))
    assert code == expected, err
    assert said in err
    assert "Traceback" not in out + err


def test_exit_codes_are_in_help_and_docs() -> None:
    shown = parser().format_help()
    for code, meaning in EXIT_CODES.items():
        assert re.search(rf"^  {code} +{re.escape(meaning)}$", shown, re.MULTILINE)
        assert f"| {code} | {meaning} |" in document()


def test_exit_codes_are_those_of_the_errors() -> None:
    from evals.commands.gate import EXIT
    from evals.errors import EvalsError

    def codes(kind: type[EvalsError]) -> set[int]:
        return {kind.exit_code}.union(*map(codes, kind.__subclasses__()))

    assert codes(EvalsError) | set(EXIT.values()) | {130} == set(EXIT_CODES)


def test_the_page_is_fresh() -> None:
    assert (REPOSITORY / "docs/cli.md").read_text(encoding="utf-8") == document() + "\n", "run `make docs`"


def test_the_page_names_every_option() -> None:
    text = document()
    for name, verb in VERBS.items():
        section = text.split(f"## evals {name}\n")[1].split("\n## ")[0]
        for action in verb.arguments():
            if action.help != "==SUPPRESS==" and action.dest not in ("help", "verbosity"):
                for flag in action.option_strings:
                    assert f"`{flag}" in section


def test_published_schemas_are_those_that_ship() -> None:
    published = REPOSITORY / "docs/schemas"
    shipped = {path.name for path in FOLDER.glob("*.json")} - {f"{name}.schema.json" for name in INTERNAL}
    assert {path.name for path in published.glob("*.json")} == shipped
    for name in shipped:
        assert (published / name).read_bytes() == (FOLDER / name).read_bytes(), "run `make docs`"
    assert (published / "README.md").read_text(encoding="utf-8") == schemas() + "\n", "run `make docs`"


def test_every_verb_that_prints_json_has_schemas() -> None:
    with_json = {
        name
        for name, verb in VERBS.items()
        for action in verb.arguments()
        if action.dest == "format" and "json" in (action.choices or ())
    }
    assert set(OUTPUTS) == with_json
    for output in (output for forms in OUTPUTS.values() for output in forms):
        assert (FOLDER / f"{output.schema}.schema.json").is_file()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.name)
def test_schemas_say_what_they_are(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith(f"/{path.name}")
    assert schema["title"]
    assert schema.get("description") or path.name.split(".")[0] in INTERNAL


FILES = {
    "scorecard": "results/scorecards/*/*/[0-9][0-9][0-9][0-9].jsonl",
    "grade": "results/scorecards/*/*/*.grades.jsonl",
    "recording": "results/recordings/backend-engineer/*/*/*.json",
    "gold": "graders/judge/gold/*.jsonl",
    "selftest": "results/selftest/*.jsonl",
}


@pytest.mark.parametrize("name", FILES)
def test_committed_files_are_as_published(name: str) -> None:
    paths = sorted(REPOSITORY.glob(FILES[name]))
    assert paths
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for line in text.splitlines() if path.suffix == ".jsonl" else [text]:
            assert wrong(name, json.loads(line)) == [], path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("scorecard", {"line": "dimension", "dimension": "beauty"}),
        ("grade", {"case": "login", "status": "passed"}),
        ("findings", {"findings": []}),
        ("listing", [{"case": "login"}]),
        (
            "cache",
            {"responses": {"count": -1, "bytes": 0, "folder": ""}, "grades": {"count": 0, "bytes": 0, "folder": ""}},
        ),
    ],
)
def test_schemas_refuse_what_is_wrong(name: str, data: object) -> None:
    assert wrong(name, data)
