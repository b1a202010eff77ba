"""Every command that the documents show is run: each page is walked from top to bottom, as a reader would.

`evals` runs in this process and `pytest` in one of its own, in a copy of what a reader has; what asks the API asks a server
on loopback that answers fixtures. What cannot be run in a test is listed with the place where it is run.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from evals.cli import parser
from evals.providers.batch import Pace
from evals.providers.retry import Patience
from tests.fake_api.server import ApiServer
from tests.integration.conftest import ANSWER, VERDICT

ROOT = Path(__file__).parent.parent.parent
Cli = Callable[..., tuple[int, str, str]]
MADE = {
    *("rules.md", "attacks-jwt.md", "attacks-payment.md", "attacks-migration.md", "licences.md", "cli.md"),
    *("library.md", "performance.md", "statistics.md"),
}
"""Made from code, or with examples that are run where they are made: tests/test_cli_help.py, test_library.py, test_benchmarks.py,
test_power.py."""
PAGES = [
    *("README.md", "CONTRIBUTING.md"),
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in MADE),
]
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ +)*(?:(?:\.venv/bin/)?(?:evals|pytest|python)|make|git|export|cd|pip)\s")
OFTEN = {"--help", "-h"}
INLINE = re.compile(r"`(?:\.venv/bin/)?evals ([a-z][^`\n]*)`")

OWN_PROJECT = {"docs/quickstart.md", "docs/write-a-case.md", "docs/index.md"}
"""Pages whose commands make a project of the reader's own."""
ELSEWHERE = {
    "git clone": "by whoever runs `.ci/run`, in a fresh clone",
    "cd persona-evals": "after it",
    "EVALS_REQUIRE_SANDBOX=1": "by `.ci/run`",
    "make eval": "by `.ci/run` here, and in a new project by tests/integration/test_wheel.py",
    "make test": "by `.ci/run`",
    "make setup": "by every target",
    "make docs": "what it writes is held to the code by tests of each page",
    "make nightly": "its parts by tests/test_workflows.py and tests/integration/test_gate.py",
    "make live": "is `evals run --provider live`, which is run here",
    "evals selftest": "by tests/test_attacks_*.py and `make nightly`; takes minutes",
    "pip install": "the wheel with nothing else by tests/integration/test_wheel.py; extras are in the locked environment",
    "python -m pytest": "is how this runs",
    "OTEL_EXPORTER_OTLP_ENDPOINT=": "with a collector on loopback by tests/test_exporters.py",
    "MLFLOW_TRACKING_URI=": "on a store of files by tests/test_exporters.py",
    "evals run --executor dask://": "on a local cluster by tests/test_dask_workers.py",
}
SUITE = "persona: backend-engineer\nmax_tokens: 1000\nrepeats: 1\nmodel: m\njudge: m\n"
REPLACED = {"<id>": "jwt-auth", "NNNN": "0001"}
"""Words that stand for something, and what they stand for here."""
NEITHER = (0, 3)
"""A live run here is fine, or incomplete: answers are not executed, and some criteria have attacks alone."""
EXPECTED: dict[str, tuple[int, ...]] = {
    "docs/write-a-case.md: evals validate": (2,),  # nothing is locked yet, as the page says
    "evals import cases hf://": (2,),  # ORG, NAME and COMMIT stand for something
    "evals bisect 0001 0002 --provider live": (0, 2, 3),
    "evals run --provider live": NEITHER,
    "evals run --provider batch": NEITHER,
    "evals run --persona path/to/agent.md": NEITHER,
    "evals cache why login/0001/3": (2,),  # no case of this suite
}


@dataclass(frozen=True)
class Shown:
    """One command in a document."""

    line: int
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)

    @property
    def elsewhere(self) -> bool:
        return any(self.text.startswith(known) for known in ELSEWHERE)


def shown(page: str) -> Iterator[Shown]:
    """The commands in a page's listings, in order."""
    fenced = False
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif (fenced or line.startswith("    ")) and COMMAND.match(line.strip().removeprefix("- ") + " "):
            yield from commands(number, line.strip().removeprefix("- "))


def commands(number: int, line: str) -> Iterator[Shown]:
    """What a line asks for. A column of spaces ends a command as a comment does."""
    for known, meant in REPLACED.items():
        line = line.replace(known, meant)
    for part in re.split(r" {4,}", line)[0].split(" && "):
        words = shlex.split(part, comments=True)
        yield Shown(number, (words[0].removeprefix(".venv/bin/"), *words[1:]))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader of this repository has, with the files that the pages speak of."""
    home = tmp_path_factory.mktemp("original") / "home"
    for folder in ("cases", "prompts", "results", "graders/judge/gold"):
        shutil.copytree(ROOT / folder, home / folder)
    for file in ("evals.lock", "pyproject.toml"):
        shutil.copy(ROOT / file, home)
    recording = home / "results/recordings/backend-engineer/jwt-auth/0002/1.json"
    known = json.loads(recording.read_text(encoding="utf-8"))
    for name, text in files_of(known).items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    repository(home / "path/to", "agent.md")
    return home


def files_of(known: dict[str, Any]) -> dict[str, str]:
    """Files by name that commands of the pages name."""
    agent = "---\nname: reviewer\ndescription: Reviews code.\n---\n\nReview what you are given.\n"
    message = {
        "id": "msg_1",
        "model": "some-model",
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
        "content": [{"type": "text", "text": known["response"]["text"]}],
    }
    result = {"custom_id": known["request"]["digest"], "result": {"type": "succeeded", "message": message}}
    criterion = "- id: polite\n  dimension: judgement\n  sort: depth\n  points: 1\n  statement: It is polite.\n"
    return {
        "answer.md": known["response"]["text"],
        "app.py": "import sqlite3\n",
        "migration.sql": "CREATE TABLE t (id bigint PRIMARY KEY);\n",
        "path/to/agent.md": agent,
        "results.jsonl": json.dumps(result) + "\n",
        "declared.json": json.dumps({"conversation": "one fresh conversation an answer", "judge_context": "alone"}),
        "tasks.jsonl": json.dumps({"task_id": "greet", "prompt": "Greet me."}) + "\n",
        "criteria.yaml": criterion + "  guidance: 'Pass: polite. Fail: not.'\n  covers: []\n  graders: [judge]\n",
        "promptfooconfig.yaml": "prompts: ['Greet {{name}}.']\nproviders: [echo]\ntests:\n"
        "  - vars: {name: Ada}\n    assert: [{type: contains, value: Ada}]\n",
        "my-plugin/evals/greets/prompt.md": "Greet me.\n",
        "my-plugin/evals/greets/graders/polite.md": "---\ntype: llm\n---\nThe answer is polite.\n",
    }


def repository(folder: Path, file: str) -> None:
    """Make the file two commits old."""
    name = ("-c", "user.name=reader", "-c", "user.email=reader@example.org")
    for words in (("init", "-q"), ("add", file), (*name, "commit", "-qm", "one")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    with (folder / file).open("a", encoding="utf-8") as out:
        out.write("Be exact.\n")
    subprocess.run(["git", *name, "commit", "-qam", "two"], cwd=folder, check=True)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(lambda params: VERDICT if "output_config" in params else ANSWER) as found:
        yield found


@pytest.mark.parametrize("page", [page for page in PAGES if any(not one.elsewhere for one in shown(page))])
def test_the_commands_of_a_page_do_what_they_say(
    page: str, original: Path, tmp_path: Path, cli: Cli, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALS_SANDBOX", "none-in-this-test")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(Patience, "wait", lambda _self, _tries, named=None: named or 0.001)
    monkeypatch.setattr(Pace, "waits", lambda _self: repeat(0.01))
    folder = tmp_path / "own"
    if page in OWN_PROJECT:
        folder.mkdir()
    else:
        shutil.copytree(original, folder)
    if page == "docs/datasets.md":
        suite = folder / "cases/my-suite/suite.yaml"
        suite.parent.mkdir()
        suite.write_text(SUITE, encoding="utf-8")
    walk = Walk(folder, cli, monkeypatch)
    for command in shown(page):
        if not command.elsewhere:
            walk.run(f"{page}:{command.line}: {command.text}", command)


class Walk:
    """A reader at a prompt."""

    def __init__(self, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.cli = cli
        self.monkeypatch = monkeypatch

    def run(self, place: str, command: Shown) -> None:
        match command.words:
            case ("cd", name):
                self.folder /= name
                assert self.folder.is_dir(), place
            case ("export", assignment):
                name, _, _ = assignment.partition("=")
                self.monkeypatch.setenv(name, "sk-of-the-documents")
            case ("evals", *argv):
                if "live" in argv or "batch" in argv:
                    self.monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-the-documents")
                code, out, err = self.cli(self.folder, *argv)
                assert code in expected(place), f"{place}: exit {code}\n{out}\n{err}"
                assert "Traceback" not in out + err, place
            case ("pytest", *argv):
                code, said = by_pytest(self.folder, argv)
                # 5: nothing had failed the last time
                assert code in ((0, 5) if "--lf" in argv else (0,)), f"{place}: {said}"
            case _:
                pytest.fail(f"{place}: nothing runs this; see ELSEWHERE")


def expected(place: str) -> tuple[int, ...]:
    """Exit codes of a command, found by its words, or by its page and its words."""
    page, _line, text = place.split(":", 2)
    return next(
        (
            codes
            for known, codes in EXPECTED.items()
            if f"{page}:{text}".startswith(known) or text.strip().startswith(known)
        ),
        (0,),
    )


def by_pytest(folder: Path, argv: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *argv],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_excuse_is_used() -> None:
    every = [command.text for page in PAGES for command in shown(page)]
    for known in ELSEWHERE:
        assert any(text.startswith(known) for text in every), known
    placed = [f"{page}: {command.text}" for page in PAGES for command in shown(page)]
    for known in EXPECTED:
        assert any(text.startswith(known) for text in [*every, *placed]), known


def test_commands_are_found_at_all() -> None:
    assert sum(1 for page in PAGES for _ in shown(page)) > 30


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_sentences_name_verbs_and_options_that_exist(page: str) -> None:
    verbs = options()
    for said in INLINE.findall((ROOT / page).read_text(encoding="utf-8")):
        verb, *rest = said.split()
        assert verb in verbs, f"{page}: evals {said}"
        for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", " ".join(rest)):
            assert option in verbs[verb] | OFTEN, f"{page}: evals {said}"


def options() -> dict[str, set[str]]:
    """Options of each verb, those of its sub-verbs included."""
    found: dict[str, set[str]] = {}
    for action in parser()._actions:
        for name, verb in (getattr(action, "choices", None) or {}).items():
            found[name] = set(below(verb))
    return found


def below(verb: Any) -> Iterator[str]:
    for action in verb._actions:
        yield from action.option_strings
        if isinstance(getattr(action, "choices", None), dict):
            for inner in action.choices.values():
                yield from below(inner)
