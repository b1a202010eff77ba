"""The command as a user meets it: exit codes, one clear error, machine-readable output."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
Cli = Callable[..., tuple[int, str, str]]
UNSAFE = "```python\ndef f(db, name):\n    return db.execute(f\"SELECT 1 FROM t WHERE n = '{name}'\")\n```\n"


def test_grade_prints_the_contracts_json(project: Path, cli: Cli) -> None:
    (project / "answer.md").write_text(UNSAFE, encoding="utf-8")
    code, out, err = cli(project, "grade", "--suite", "small", "--case", "login", "answer.md", "--format", "json")
    data = json.loads(out)
    assert (code, err) == (0, "")
    assert (data["case"], data["answer"]) == ("login", "answer.md")
    assert set(data["grades"][0]) == {
        "criterion",
        "dimension",
        "status",
        "points",
        "grader",
        "version",
        "evidence",
        "reason",
    }
    assert (data["grades"][0]["status"], data["grades"][0]["evidence"][0]["line"]) == ("fail", 3)
    assert data["scores"] == {
        "security": {"score": 0.0, "scored": 1, "unscored": 0},
        "documentation": {"score": None, "scored": 0, "unscored": 1},
    }


def test_scan_prints_the_contracts_json(project: Path, cli: Cli) -> None:
    (project / "answer.md").write_text(UNSAFE, encoding="utf-8")
    (project / "app.py").write_text("import os\nos.system('ls ' + input())\n", encoding="utf-8")
    code, out, _ = cli(project, "scan", "answer.md", "app.py", "--format", "json")
    data = json.loads(out)
    assert code == 0
    assert set(data) == {"findings", "errors"}
    assert set(data["findings"][0]) == {"rule", "dimension", "severity", "cwe", "file", "line", "quote", "message"}
    assert {(f["rule"], f["file"], f["line"]) for f in data["findings"]} >= {
        ("py-sql-injection", "answer.md", 3),
        ("py-shell-injection", "app.py", 2),
    }


def test_scan_says_what_it_could_not_look_at(project: Path, cli: Cli) -> None:
    (project / "app.py").write_text("def broken(:\n", encoding="utf-8")
    data = json.loads(cli(project, "scan", "app.py", "--format", "json")[1])
    assert data["errors"]


def test_sarif_names_rule_place_and_level(project: Path, cli: Cli) -> None:
    (project / "answer.md").write_text(UNSAFE, encoding="utf-8")
    run = json.loads(cli(project, "scan", "answer.md", "--format", "sarif")[1])["runs"][0]
    result = next(r for r in run["results"] if r["ruleId"] == "py-sql-injection")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "answer.md"},
        "region": {"startLine": 3},
    }
    assert result["level"] == "error"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "py-sql-injection"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("grade", "--suite", "small", "--case", "logn", "x.md"), "did you mean `login`"),
        (("grade", "--suite", "small", "--case", "login", "missing.md"), "missing.md: no such file"),
        (("grade", "--suite", "large", "--case", "login", "x.md"), "there: small"),
        (("scan", "x.rb"), "what language is this"),
        (("scan", "x.md", "--rule", "py-sql-injektion"), "did you mean `py-sql-injection`"),
        (("run", "--suite", "small", "--persona", "9999"), "there: 0000, 0001"),
        (("run", "--suite", "small", "--case", "nothing*"), "no case of suite `small` matches"),
        (("run", "--suite", "small", "--model", "x"), "go with --provider live or batch"),
        (("run", "--suite", "small", "--provider", "live"), "ANTHROPIC_API_KEY"),
        (("run", "--suite", "small", "--provider", "batch"), "ANTHROPIC_API_KEY"),
        (("run", "--suite", "small", "--resume"), "no unfinished run"),
        (("run", "--suite", "small"), "no recordings at all"),
        (("show", "--suite", "small"), "no scorecards of `small` yet"),
        (("show", "0007", "--suite", "small"), "no scorecard `0007`"),
        (("validate", "large"), "no suite `large`"),
        (("validate", "smal"), "did you mean `small`"),
        (("show", "--suite", "smal"), "did you mean `small`"),
        (("run", "--suite", "small", "--persona", "001"), "did you mean `0001`"),
        (("run", "--suite", "small", "--persona", "0011"), "did you mean `0001`"),
        (("run", "--suite", "small", "--case", "logim"), "did you mean `login`"),
        (("selftest", "--suite", "small", "--attacks", "jtw"), "did you mean `jwt`"),
        (("runn",), "no verb `runn`; did you mean `run`"),
        (("list", "ruels"), "did you mean `rules`"),
        (("show", "--item"), "no option `--item`; did you mean `--items`"),
        (("run", "--provider", "reply"), "did you mean `replay`"),
        (("show", "--sute=x"), "no option `--sute`; did you mean `--suite`"),
        (("lock", "all"), "unexpected argument `all`"),
        (("import", "responses", "missing.jsonl", "--suite", "small"), "no such file"),
    ],
)
def test_bad_input_gets_one_clear_error(project: Path, cli: Cli, argv: tuple[str, ...], message: str) -> None:
    code, out, err = cli(project, *argv)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_outside_a_project(tmp_path: Path, cli: Cli) -> None:
    code, _, err = cli(tmp_path, "validate")
    assert code == 2
    assert "no folder `cases/`" in err


def test_names_in_scorecards_get_a_near_one_as_well(cli: Cli) -> None:
    for argv, message in (
        (("show", "00002"), "did you mean `0002`"),
        (("bless", "0020", "--reason", "x"), "no scorecard `0020`; did you mean `0002`"),
        (("show", "--case", "jwt-aut", "--criterion", "starts"), "did you mean `jwt-auth`"),
        (("show", "--case", "jwt-auth", "--criterion", "start"), "did you mean `starts`"),
        (("show", "--case", "jwt-auth"), "--case C --criterion K"),
        (("compare", "0000", "0001", "--allow", "modle"), "did you mean `model`"),
        (("compare", "0000", "0011"), "no revision `0011` of backend-engineer; did you mean `0001`"),
    ):
        code, out, err = cli(REPOSITORY, *argv)
        assert (code, out) == (2, "")
        assert message in err


def test_a_suite_whose_persona_is_not_there_gets_a_near_one(project: Path, cli: Cli) -> None:
    path = project / "cases/small/suite.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("persona: helper", "persona: helpr"), encoding="utf-8")
    assert "no persona `helpr` in prompts/; did you mean `helper`" in cli(project, "run", "--suite", "small")[2]


@pytest.mark.parametrize(
    "argv", [("run", "-j", "0"), ("run", "--repeats", "x"), ("nonsense",), ("run", "--provider", "magic")]
)
def test_usage_errors_are_exit_code_2(project: Path, cli: Cli, argv: tuple[str, ...]) -> None:
    assert cli(project, *argv)[0] == 2


def test_a_dry_run_is_json_on_demand(project: Path, cli: Cli) -> None:
    code, out, _ = cli(project, "run", "--suite", "small", "--dry-run", "--format", "json")
    assert code == 0
    assert json.loads(out)["answers"] == 4
    code, out, _ = cli(REPOSITORY, "bisect", "0001", "0002", "--dry-run", "--format", "json")
    assert code == 0
    assert json.loads(out) == {"base": "0001", "candidate": "0002", "hunks": 12, "rounds": 6}


def test_an_error_is_text_whatever_the_format(project: Path, cli: Cli) -> None:
    code, out, err = cli(project, "show", "0007", "--suite", "small", "--format", "json")
    assert (code, out) == (2, "")
    assert err.startswith("error: no scorecard `0007`")


def test_dry_run_asks_nothing(project: Path, cli: Cli) -> None:
    code, out, _ = cli(project, "run", "--suite", "small", "--provider", "live", "--dry-run")
    assert code == 0
    assert "4 answers (some-model), 8 judge requests" in out
    assert not (project / ".evals").exists()


def test_coverage_names_what_nothing_covers(project: Path, cli: Cli) -> None:
    path = project / "cases/small/login.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("covers: [explain]", "covers: []"), encoding="utf-8")
    data = json.loads(cli(project, "coverage", "--suite", "small", "--format", "json")[1])
    assert data == {"instructions": {"be-safe": ["login/sql-safe"], "explain": []}, "uncovered": ["explain"]}


@pytest.mark.parametrize("what", ["cases", "personas", "rules", "recordings", "scorecards"])
def test_lists_are_json_on_demand(project: Path, cli: Cli, what: str) -> None:
    code, out, _ = cli(project, "list", what, "--suite", "small", "--format", "json")
    assert code == 0
    assert isinstance(json.loads(out), list)


def test_hostile_text_reaches_no_terminal_raw(project: Path, cli: Cli) -> None:
    (project / "a\x1b[31m.md").write_text(UNSAFE, encoding="utf-8")
    _, out, err = cli(project, "scan", "a\x1b[31m.md")
    assert "\x1b" not in out + err


def test_an_unfinished_run_is_resumed_with_its_options(project: Path, cli: Cli) -> None:
    assert cli(project, "run", "--suite", "small", "--persona", "0001", "--repeats", "1")[0] == 2
    log = next((project / ".evals/runs").glob("*.jsonl"))
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    assert '"refused":true' in lines[-1], "a run that asked nothing is at its end"
    log.write_text("".join(lines[:-1]) + '{"event": "gra', encoding="utf-8")  # as if it had been killed before
    code, _, err = cli(project, "run", "--suite", "small", "--resume")
    assert code == 2
    assert err.count("no recording for request") == 1, "one revision and one repeat, as the first run was told"
    assert len(list((project / ".evals/runs").glob("*.jsonl"))) == 1


def test_version_and_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evals", "--version"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("evals ")


def test_any_terminal_encoding_will_do(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evals", "list", "cases", "--suite", "small"],
        cwd=project,
        capture_output=True,
        check=False,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
    )
    assert done.returncode == 0
    assert b"login" in done.stdout
