"""`evals compare` and `evals gate` as a user meets them: in a small project whose answers are fixtures."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from evals.schema import errors_of, schema_text

Cli = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parent.parent.parent

SAFE = 'I take parameters.\n\n**`app.py`**\n\n```python\ndb.execute("SELECT id FROM u WHERE n = %s", (n,))\n```\n'
UNSAFE = "I build text.\n\n**`app.py`**\n\n```python\ndb.execute(f\"SELECT id FROM u WHERE n = '{n}'\")\n```\n"
SILENT = "I would rather not show any code.\n"
CASE = """\
id: {id}
version: 1
family: {id}
title: A login route
message: |
  Add a login route to `app.py` for {id}.
files: [app.py]
criteria:
  - id: sql-safe
    dimension: security
    sort: tripwire
    points: 3
    statement: Values reach SQL as parameters only.
    guidance: "Pass: parameters. Fail: text."
    covers: [be-safe]
    graders:
      - rules: [py-sql-injection]
"""
REPEATS = 10
CASES = ("login", "logout", "search", "orders", "refunds", "reports")

Answers = Mapping[str, Callable[[str, int], str]]
"""For each revision: the answer to (case, repeat)."""


def always(text: str) -> Callable[[str, int], str]:
    return lambda _case, _repeat: text


@pytest.fixture
def recorded(project: Path, cli: Cli) -> Callable[[Answers], Path]:
    """The small project with six cases that rules alone decide, recorded, locked and scored."""
    (project / "cases/small/login.yaml").unlink()
    suite = (project / "cases/small/suite.yaml").read_text(encoding="utf-8")
    (project / "cases/small/suite.yaml").write_text(
        suite.replace("repeats: 2", f"repeats: {REPEATS}"), encoding="utf-8"
    )
    for case in CASES:
        (project / f"cases/small/{case}.yaml").write_text(CASE.format(id=case), encoding="utf-8")

    def build(answers: Answers) -> Path:
        code, out, err = cli(project, "export", "requests", "--suite", "small")
        assert code == 0, err
        lines = []
        seen: dict[tuple[str, str], int] = {}
        for line in out.splitlines():
            request = json.loads(line)
            case = request["params"]["messages"][0]["content"].split("for ")[1].split(".")[0]
            revision = "0001" if "system" in request["params"] else "0000"
            repeat = seen[revision, case] = seen.get((revision, case), 0) + 1
            text = answers[revision](case, repeat)
            message = {"content": [{"type": "text", "text": f"{text}\nAnswer {request['custom_id'][:8]}.\n"}]}
            lines.append(
                json.dumps({"custom_id": request["custom_id"], "result": {"type": "succeeded", "message": message}})
            )
        (project / "results.jsonl").write_text("\n".join(lines), encoding="utf-8")
        (project / "declared.json").write_text('{"conversation": "fixture"}', encoding="utf-8")
        for verb in (
            ("import", "responses", "results.jsonl", "--suite", "small", "--set", "f", "--declare", "declared.json"),
            ("lock",),
            ("run", "--suite", "small"),
        ):
            code, _, err = cli(project, *verb)
            assert code in (0, 3), err
        return project

    return build


def gate(folder: Path, *argv: str) -> tuple[int, str, str]:
    """The real command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "evals", "gate", *argv, "--suite", "small"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    return done.returncode, done.stdout, done.stderr


def test_exit_0_when_it_is_not_worse(recorded: Callable[[Answers], Path]) -> None:
    folder = recorded({"0000": always(SAFE), "0001": always(SAFE)})
    code, out, err = gate(folder, "0000", "0001")
    assert code == 0, err
    assert out.startswith("Not worse: no score fell beyond its margin")


def test_exit_1_when_it_regressed(recorded: Callable[[Answers], Path]) -> None:
    folder = recorded({"0000": always(SAFE), "0001": lambda case, _: UNSAFE if case == "login" else SAFE})
    code, out, _ = gate(folder, "0000", "0001")
    assert code == 1
    assert out.startswith("Regressed: ")
    assert "▼ login/sql-safe: 10/10 → 0/10" in out
    back, said, _ = gate(folder, "0001", "0000")
    assert back == 0
    assert said.startswith("Improved: ")


def test_exit_1_for_inconclusive_only_when_asked(recorded: Callable[[Answers], Path]) -> None:
    folder = recorded({"0000": always(SAFE), "0001": lambda case, n: UNSAFE if case == "login" and n <= 3 else SAFE})
    code, out, err = gate(folder, "0000", "0001")
    assert out.startswith("Inconclusive: ")
    assert code == 0
    assert "warning: inconclusive is not the same as unchanged" in err
    assert gate(folder, "0000", "0001", "--fail-on", "inconclusive")[0] == 1


def test_exit_3_when_too_little_was_scored(recorded: Callable[[Answers], Path]) -> None:
    folder = recorded({"0000": always(SAFE), "0001": lambda _, n: SILENT if n == 1 else SAFE})
    code, out, _ = gate(folder, "0000", "0001")
    assert code == 3
    assert out.startswith("Too little scored: 10 % of what graders that may gate were asked about")


def test_exit_4_when_they_are_not_comparable(recorded: Callable[[Answers], Path]) -> None:
    folder = recorded({"0000": always(SAFE), "0001": always(SAFE)})
    card = folder / "results/scorecards/small/helper/0001.jsonl"
    card.write_text(
        card.read_text(encoding="utf-8").replace('"recording_set":"f"', '"recording_set":"g"'), encoding="utf-8"
    )
    code, out, _ = gate(folder, "0000", "0001")
    assert code == 4
    assert "recording set (f against g)" in out
    assert gate(folder, "0000", "0001", "--allow", "recording-set")[0] == 0


@pytest.fixture
def fallen(recorded: Callable[[Answers], Path]) -> Path:
    return recorded({"0000": always(SAFE), "0001": always(UNSAFE)})


def test_compare_shows_a_regression_and_decides_nothing(fallen: Path, cli: Cli) -> None:
    code, out, _ = cli(fallen, "compare", "0000", "0001", "--suite", "small")
    assert code == 0
    assert out.startswith("Regressed: security fell by 1.00")


def test_json_is_one_document_that_keeps_to_the_schema(fallen: Path, cli: Cli) -> None:
    code, out, _ = cli(fallen, "gate", "0000", "0001", "--suite", "small", "--format", "json")
    data = json.loads(out)
    assert code == 1
    assert errors_of(data, schema_text("comparison.schema.json")) == []
    assert data["verdict"] == "regressed"
    assert {flip["case"] for flip in data["flips"]} == set(CASES)
    assert cli(fallen, "gate", "0000", "0001", "--suite", "small", "--format", "json")[1] == out


def test_sides_are_scorecards_revisions_or_agent_files(fallen: Path, cli: Cli) -> None:
    card = "results/scorecards/small/helper/0000.jsonl"
    (fallen / "copy.md").write_bytes((fallen / "prompts/helper/0001-first.md").read_bytes())
    for base, candidate in (
        ("0000", "0001"),
        (card, "0001"),
        ("0000", "copy.md"),
        ("prompts/helper/0000-none.md", "0001"),
    ):
        code, out, err = cli(fallen, "gate", base, candidate, "--suite", "small")
        assert (code, out[:10]) == (1, "Regressed:"), err


def test_an_agent_file_without_recordings_is_an_input_error(fallen: Path, cli: Cli) -> None:
    (fallen / "new.md").write_text("---\nname: helper\ndescription: x\n---\nBe brave.\n", encoding="utf-8")
    code, out, err = cli(fallen, "gate", "0000", "new.md", "--suite", "small")
    assert (code, out) == (2, "")
    assert "differs in `system`" in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("0000", "0009"), "no revision `0009` of helper; did you mean `0001`"),
        (("0000", "nowhere.jsonl"), "no scorecard `nowhere.jsonl`"),
        (("0000", "nowhere.md"), "no such file"),
        (("0000", "0001", "--allow", "modle"), "did you mean `model`"),
    ],
)
def test_bad_input_is_named(fallen: Path, cli: Cli, argv: tuple[str, ...], message: str) -> None:
    code, out, err = cli(fallen, "compare", *argv, "--suite", "small")
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_reports_are_written_whole(fallen: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions that draw reports get the comparison and everything behind it."""
    import types

    seen = {}

    def draw(comparison: object, context: object) -> str:
        seen["context"] = context
        return "drawn"

    module = types.ModuleType("evals.report.page")
    module.comparison_page = draw  # type: ignore[attr-defined]  # stands in for the module
    monkeypatch.setitem(sys.modules, "evals.report.page", module)
    code, _, err = cli(fallen, "compare", "0000", "0001", "--suite", "small", "--html", "out/page.html")
    assert code == 0, err
    assert (fallen / "out/page.html").read_text(encoding="utf-8") == "drawn"
    context = seen["context"]
    assert len(context.answers) == 2 * len(CASES) * REPEATS  # type: ignore[attr-defined]  # a Context
    assert context.answers["candidate", "login", 3].startswith("I build text.")  # type: ignore[attr-defined]
    assert context.candidate_persona.revision == "0001"  # type: ignore[attr-defined]


def test_an_answer_that_is_not_the_graded_one_is_not_shown(fallen: Path, cli: Cli) -> None:
    from evals.commands.sides import find_side, gather
    from evals.load import load_suite
    from evals.project import Project

    path = fallen / "results/recordings/small/login/0001/3.json"
    path.write_text(path.read_text(encoding="utf-8").replace("I build text", "I use parameters"), encoding="utf-8")
    home = Project(fallen)
    suite = load_suite(home, "small")
    sides = [find_side(home, suite, name, execute=False) for name in ("0000", "0001")]
    context = gather(home, suite, *sides, texts=True)
    assert ("candidate", "login", 3) not in context.answers
    assert ("candidate", "login", 2) in context.answers


def test_a_sequential_gate_asks_keeps_the_scorecard_and_decides(
    fallen: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API is stood in for by a script; it is another model than the recordings', which must be allowed."""
    from collections.abc import AsyncIterator
    from contextlib import asynccontextmanager

    from evals.providers.scripted import ScriptedProvider

    scripted = ScriptedProvider(lambda _: UNSAFE)

    @asynccontextmanager
    async def provider(*_: object, **_options: object) -> AsyncIterator[ScriptedProvider]:
        yield scripted

    monkeypatch.setattr("evals.commands.providers.live_provider", provider)
    argv = ("gate", "0000", "0001", "--sequential", "--suite", "small")
    code, out, _ = cli(fallen, *argv)
    assert (code, len(scripted.requests)) == (4, 2 * len(CASES))
    assert "model (claude (imported, version not stated) against scripted)" in " ".join(out.split())
    code, out, err = cli(
        fallen, *argv, "--allow", "model", "--allow", "judge", "--allow", "judge-context", "--allow", "recording-set"
    )
    assert code == 1, out
    assert "look 1 of 4, 2 of at most 8 answers a case" in " ".join(out.split())
    assert "12 answers were asked for; wrote .evals/scorecards/small/helper/0001.jsonl" in err
    assert (fallen / ".evals/scorecards/small/helper/0001.jsonl").is_file()


def test_a_sequential_gate_without_a_key_says_so(fallen: Path, cli: Cli) -> None:
    code, out, err = cli(fallen, "gate", "0000", "0001", "--sequential", "--suite", "small")
    assert (code, out) == (2, "")
    assert "ANTHROPIC_API_KEY" in err
