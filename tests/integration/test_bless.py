"""`evals bless`, and a gate that measures against what was blessed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., tuple[int, str, str]]
BASELINES = "results/baselines.json"
CARD = "results/scorecards/small/helper/0000.jsonl"


def git(folder: Path, *argv: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *argv], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def scored(project: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small project with two scorecards that a rule decided, under git with an identity."""
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    answer = '**`app.py`**\n\n```python\ndb.execute("SELECT 1 FROM t WHERE n = %s", (n,))\n```\n'
    verdict = json.dumps({"reason": "r", "quotes": ["db.execute"], "verdict": "pass"})
    (project / "declared.json").write_text('{"conversation": "fixture"}', encoding="utf-8")
    for _ in range(2):
        lines = []
        for line in cli(project, "export", "requests", "--suite", "small")[1].splitlines():
            request = json.loads(line)
            text = verdict if "output_config" in request["params"] else f"{answer}\n{request['custom_id']}\n"
            message = {"content": [{"type": "text", "text": text}]}
            lines.append(
                json.dumps({"custom_id": request["custom_id"], "result": {"type": "succeeded", "message": message}})
            )
        (project / "r.jsonl").write_text("\n".join(lines), encoding="utf-8")
        argv = ("import", "responses", "r.jsonl", "--suite", "small", "--set", "f", "--declare", "declared.json")
        assert cli(project, *argv)[0] == 0
    for verb in (("lock",), ("run", "--suite", "small")):
        assert cli(project, *verb)[0] == 0
    git(project, "init", "-q")
    git(project, "config", "user.name", "Ada Example")
    git(project, "config", "user.email", "ada@example.org")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "all")
    return project


def bless(folder: Path, cli: Cli, card: str = "0000", reason: str = "looked at it") -> tuple[int, str, str]:
    return cli(folder, "bless", card, "--reason", reason, "--suite", "small")


def test_it_keeps_who_why_and_from_what(scored: Path, cli: Cli) -> None:
    code, out, err = bless(scored, cli)
    assert (code, err) == (0, "")
    assert out == f"{CARD} is the baseline of small; wrote {BASELINES}\n"
    kept = json.loads((scored / BASELINES).read_text(encoding="utf-8"))["baselines"]["small"]
    assert kept["by"] == "Ada Example <ada@example.org>"
    assert kept["reason"] == "looked at it"
    assert kept["commit"] == git(scored, "rev-parse", "HEAD")
    assert (kept["scorecard"], kept["revision"]) == (CARD, "0000")
    assert cli(scored, "validate")[0] == 0


def test_blessing_twice_gives_the_same_file(scored: Path, cli: Cli) -> None:
    bless(scored, cli)
    first = (scored / BASELINES).read_bytes()
    bless(scored, cli, CARD)
    assert (scored / BASELINES).read_bytes() == first


def test_the_gate_measures_against_it(scored: Path, cli: Cli) -> None:
    code, _, err = cli(scored, "gate", "0001", "--suite", "small")
    assert code == 2
    assert "no scorecard of `small` is blessed" in err
    bless(scored, cli)
    code, out, err = cli(scored, "gate", "0001", "--suite", "small")
    assert code == 0
    assert "blessed by Ada Example <ada@example.org>: looked at it" in err
    assert "base       helper 0000" in out


def test_a_scorecard_that_changed_since_is_refused(scored: Path, cli: Cli) -> None:
    bless(scored, cli)
    grades = scored / CARD.replace(".jsonl", ".grades.jsonl")
    grades.write_text(grades.read_text(encoding="utf-8").replace('"pass"', '"fail"', 1), encoding="utf-8")
    for argv in (("gate", "0001", "--suite", "small"), ("validate",)):
        code, _, err = cli(scored, *argv)
        assert code == 2
        assert "is not the scorecard that Ada Example <ada@example.org> blessed at commit" in err
        assert "restore it from git" in err


def test_a_scorecard_that_is_gone_is_refused(scored: Path, cli: Cli) -> None:
    bless(scored, cli)
    (scored / CARD).unlink()
    code, _, err = cli(scored, "gate", "0001", "--suite", "small")
    assert code == 2
    assert "the baseline of `small` is gone" in err


def test_what_is_not_committed_is_said(scored: Path, cli: Cli) -> None:
    (scored / CARD).write_text((scored / CARD).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    (scored / CARD).write_text((scored / CARD).read_text(encoding="utf-8").rstrip() + "\n", encoding="utf-8")
    git(scored, "rm", "-q", "--cached", CARD)
    code, _, err = bless(scored, cli)
    assert code == 0
    assert "not committed as it is" in err
    assert json.loads((scored / BASELINES).read_text(encoding="utf-8"))["baselines"]["small"]["commit"] is None


def test_git_must_know_who_it_is(scored: Path, cli: Cli) -> None:
    git(scored, "config", "--unset", "user.name")
    git(scored, "config", "--unset", "user.email")
    git(scored, "config", "user.useConfigOnly", "true")
    code, _, err = bless(scored, cli)
    assert code == 2
    assert "git does not know who you are" in err
    assert not (scored / BASELINES).exists()


@pytest.mark.parametrize(
    ("card", "reason", "message"),
    [
        ("0009", "x", "no scorecard `0009`"),
        ("0000", "  ", "--reason must say why"),
        (".evals/scorecards/small/helper/0000.jsonl", "x", "is not among the project's results"),
    ],
)
def test_what_cannot_be_blessed(scored: Path, cli: Cli, card: str, reason: str, message: str) -> None:
    memory = scored / ".evals/scorecards/small/helper"
    memory.mkdir(parents=True)
    for name in ("0000.jsonl", "0000.grades.jsonl"):
        (memory / name).write_bytes((scored / "results/scorecards/small/helper" / name).read_bytes())
    code, out, err = bless(scored, cli, card, reason)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not readable JSON"),
        ('{"format": 1}', "'baselines' is a required property"),
        ('{"format": 1, "baselines": {"small": {"scorecard": "/etc/passwd.jsonl"}}}', "does not match"),
    ],
)
def test_a_damaged_file_is_named(scored: Path, cli: Cli, text: str, message: str) -> None:
    (scored / BASELINES).write_text(text, encoding="utf-8")
    for argv in (("gate", "0001", "--suite", "small"), ("validate",)):
        code, _, err = cli(scored, *argv)
        assert code == 2
        assert f"{BASELINES}: " in err
        assert message in err


def test_a_path_that_leads_outside_is_refused(scored: Path, cli: Cli) -> None:
    bless(scored, cli)
    text = (scored / BASELINES).read_text(encoding="utf-8")
    (scored / BASELINES).write_text(text.replace(CARD, "results/../../other.jsonl"), encoding="utf-8")
    code, _, err = cli(scored, "validate")
    assert code == 2
    assert "lies outside the project" in err
