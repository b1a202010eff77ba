"""Step summaries and annotations: their limits, and workflow commands that no hostile text can make."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.comparison import Comparison, Verdict
from evals.context import Context
from evals.errors import InputError
from evals.report.github import SHOWN, annotate, annotation, summarise, summarise_run
from evals.report.markdown import SUMMARY_LIMIT

Compared = Callable[..., tuple[Comparison, Context]]
COMMAND = re.compile(r"::(?P<level>error|warning|notice)(?: (?P<properties>[^:]*))?::(?P<data>.*)", re.DOTALL)
ESCAPES = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as a runner reads it: properties end at the first `::`, and are split at commas."""
    found = COMMAND.fullmatch(line)
    assert found, line

    def unescaped(text: str) -> str:
        return re.sub("%(25|0D|0A|3A|2C)", lambda m: ESCAPES[m[0]], text)

    pairs = [part.split("=", 1) for part in (found["properties"] or "").split(",") if part]
    return found["level"], {name: unescaped(value) for name, value in pairs}, unescaped(found["data"])


def test_the_verdict_and_its_grounds(compared: Compared) -> None:
    comparison, context = compared("why")
    assert context.candidate_persona
    named = replace(context, candidate_persona=replace(context.candidate_persona, source="prompts/helper/0002-b.md"))
    first, second = (parsed(line) for line in annotate(comparison, named))
    assert first == (
        "error",
        {"title": "evals: regressed", "file": "prompts/helper/0002-b.md"},
        "regressed: security fell by 0.50; why",
    )
    assert second[1]["title"] == "login/sql-safe"
    assert second[2] == "a must that the base always met fails in 2 of 2"


def test_a_carrier_is_named_with_its_reason(compared: Compared) -> None:
    comparison, context = compared("why")
    _, second = (parsed(line) for line in annotate(replace(comparison, musts=()), context))
    assert second == ("error", {"title": "login/sql-safe"}, "2/2 → 0/2: why")


@pytest.mark.parametrize(
    ("verdict", "level"), [("inconclusive", "warning"), ("not worse", "notice"), ("too little scored", "error")]
)
def test_levels(compared: Compared, verdict: str, level: str) -> None:
    comparison, context = compared()
    lines = annotate(replace(comparison, verdict=Verdict(verdict), musts=()), context)
    assert [parsed(line)[0] for line in lines] == [level]


@pytest.mark.parametrize("source", ["/etc/passwd", "../x.md", "prompts/a.md@HEAD~1"])
def test_only_files_of_the_tree_are_annotated(compared: Compared, source: str) -> None:
    comparison, context = compared()
    assert context.candidate_persona
    named = replace(context, candidate_persona=replace(context.candidate_persona, source=source))
    assert "file" not in parsed(annotate(comparison, named)[0])[1]


def test_no_more_than_are_shown(compared: Compared) -> None:
    comparison, context = compared()
    many = replace(comparison, musts=tuple(replace(comparison.musts[0], criterion=f"c{n}") for n in range(50)))
    lines = annotate(many, context)
    assert len(lines) == SHOWN
    named = sum("a must" in line for line in lines)
    assert f"and {51 - named} more" in lines[-1]  # the 50 musts, and the flip


@given(st.text(), st.text(), st.text())
def test_no_text_ends_a_command_or_begins_another(message: str, title: str, file: str) -> None:
    line = annotation("warning", message, title=title, file=file)
    assert len(line.splitlines()) == 1
    level, properties, data = parsed(line)
    assert level == "warning"
    assert set(properties) <= {"title", "file"}
    assert not data.startswith("::")
    assert "##[" not in line


def test_the_summary_is_appended_and_stays_within_the_limit(compared: Compared, tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n", encoding="utf-8")
    summarise(*compared(), {"GITHUB_STEP_SUMMARY": str(path)})
    text = path.read_text(encoding="utf-8")
    assert text.startswith("before\n**regressed: ")
    path.write_text("x" * (SUMMARY_LIMIT - 500), encoding="utf-8")
    summarise(*compared(), {"GITHUB_STEP_SUMMARY": str(path)})
    assert path.read_text(encoding="utf-8").endswith("security fell by 0.50; plain words\n\n")
    path.write_text("x" * (SUMMARY_LIMIT - 10), encoding="utf-8")
    summarise(*compared(), {"GITHUB_STEP_SUMMARY": str(path)})
    assert path.stat().st_size == SUMMARY_LIMIT - 10


def test_a_run_is_summarised(compared: Compared, tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    _, context = compared()
    summarise_run([context.base, context.candidate], {"GITHUB_STEP_SUMMARY": str(path)})
    text = path.read_text(encoding="utf-8")
    assert text.startswith("### small: helper, model some-model\n")
    assert "| 0001" in text


def test_elsewhere_it_says_what_is_missing(compared: Compared) -> None:
    with pytest.raises(InputError, match="GITHUB_STEP_SUMMARY"):
        summarise(*compared(), {})


def test_run_tells_github_when_asked(
    project: Path, cli: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only with `--github`: a test-suite that runs inside a workflow must not annotate it."""
    summary = project / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    root = Path(__file__).parent.parent
    argv = ("run", "--case", "jwt-auth", "--persona", "0001", "--no-execute", "--out", str(project / "out"))
    code, _, err = cli(root, *argv)
    assert (code, summary.exists(), "::error" in err) == (0, False, False)
    code, _, err = cli(root, *argv, "--github")
    assert (code, "::error" in err) == (0, False)
    assert "| security" in summary.read_text(encoding="utf-8")
