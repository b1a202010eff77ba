"""The pytest plugin, in test runs of their own: what is collected, what fails and with which words, and what stays out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evals.exchange import UNSTATED, Provenance, Response
from evals.load import load_suite
from evals.load_personas import revisions
from evals.project import Project
from evals.recording import answer_place, judge_place, record, write_recording
from evals.run import judge_request, judged_criteria
from evals.trial import plan_trials

ROOT = Path(__file__).parent.parent
INSTALLED = any(entry.name == "evals" for entry in entry_points(group="pytest11"))
Cli = Callable[..., tuple[int, str, str]]
SUITE = "careful-engineer"
CASE = f"cases/{SUITE}/customer-lookup.yaml"
GOOD = '"SELECT id, name FROM customers WHERE email = ?", (email,)'
BAD = "f\"SELECT id, name FROM customers WHERE email = '{email}'\""


def ran(folder: Path, *argv: str) -> tuple[int, str]:
    """A test run with the plugin in a folder: exit code and output."""
    plugin = [] if INSTALLED else ["-p", "evals.pytest_plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, *argv],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return done.returncode, done.stdout + done.stderr


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def scripted(tmp_path: Path, cli: Cli) -> Path:
    """A project as `evals init` makes it."""
    assert cli(tmp_path, "init", "demo")[0] == 0
    return tmp_path / "demo"


@pytest.fixture
def recorded(scripted: Path, cli: Cli) -> Path:
    """The same with its texts recorded three times, and the scorecard of them committed."""
    home = Project(scripted)
    suite = load_suite(home, SUITE)
    script = scripted / "scripted" / SUITE / "customer-lookup"
    answer = (script / "answer.md").read_text(encoding="utf-8")
    reply = (script / "judge/absence-explained.json").read_text(encoding="utf-8")
    folder = home.recordings / SUITE
    for trial in plan_trials(suite, suite.cases, revisions(home, SUITE), model=UNSTATED, repeats=3):
        place = answer_place(trial.case.id, trial.persona.revision, trial.repeat)
        write_recording(folder, record(trial.request, _imported(answer), place))
        for criterion in judged_criteria(trial):
            asked = judge_request(trial, criterion, answer, model=UNSTATED)
            write_recording(folder, record(asked, _imported(reply), judge_place(place, criterion.id, 1, 1)))
    assert cli(scripted, "run")[0] == 0
    assert (home.scorecards / SUITE / SUITE / "0001.jsonl").is_file()
    return scripted


def _imported(text: str) -> Response:
    provenance = Provenance(kind="imported", recording_set="test", declared=(("written", "by hand, for a test"),))
    return Response(text=text, provenance=provenance)


def recording(project: Path, repeat: int) -> Path:
    return project / f"results/recordings/{SUITE}/customer-lookup/0001/{repeat}.json"


def test_one_item_a_trial_with_ids_that_select(recorded: Path) -> None:
    code, said = ran(recorded, "cases", "--collect-only", "-q")
    assert code == 0
    assert [line for line in said.splitlines() if "::" in line] == [f"{CASE}::0001::{n}" for n in (1, 2, 3)]
    for argv, count in (
        ((f"{CASE}::0001::2",), 1),
        ((f"{CASE}::0001",), 3),
        (("cases", "-k", "customer-lookup and 0001"), 3),
        (("cases", "-m", "evals", "--strict-markers"), 3),
        (("cases", "--evals-repeats", "1"), 1),
        (("cases", "-n", "2"), 3),
        (("cases", "--evals-persona", "0001", "--evals-persona", "0001"), 3),
    ):
        code, said = ran(recorded, "-q", "-W", "error", *argv)
        assert code == 0, said
        assert f"{count} passed" in said, argv
    assert ran(recorded, "cases", "-m", "not evals")[0] == 5


def test_a_planted_regression_fails_with_the_quote_and_its_line_and_lf_finds_it(recorded: Path) -> None:
    path = recording(recorded, 2)
    edit(path, GOOD.replace('"', '\\"'), BAD.replace('"', '\\"'))
    code, said = ran(recorded, "cases", "-n", "2")
    assert code == 1
    assert "1 failed, 2 passed" in said
    assert "sql-parameters (security, 3 points): passed on record (by py-sql-injection)" in said
    assert re.search(r"now fail by py-sql-injection: .+\n +line \d+: .*WHERE email = '\{email\}'", said)
    assert "1 judge replies are not recorded" in said
    assert "Traceback" not in said
    code, said = ran(recorded, "cases", "--lf")
    assert code == 1
    assert "1 failed" in said
    assert "passed" not in said.splitlines()[-1]


def test_what_nobody_can_decide_any_more_fails_too(recorded: Path) -> None:
    edit(recording(recorded, 1), f"connection.execute({GOOD})".replace('"', '\\"'), "look_it_up()")
    code, said = ran(recorded, f"{CASE}::0001::1")
    assert code == 1
    assert "now unscored by py-sql-injection" in said
    assert "incomplete: 2 of 2 criteria were decided by nobody (limit 5 %)" in said


def test_a_least_score_is_no_content_and_fails_an_answer_below_it(recorded: Path, cli: Cli) -> None:
    for repeat in (1, 2, 3):
        edit(recording(recorded, repeat), GOOD.replace('"', '\\"'), BAD.replace('"', '\\"'))
    (recorded / "results/scorecards" / SUITE / SUITE / "0001.grades.jsonl").unlink()
    (recorded / "results/scorecards" / SUITE / SUITE / "0001.jsonl").unlink()
    cli(recorded, "lock")
    before = (recorded / "evals.lock").read_text(encoding="utf-8")
    edit(recorded / f"cases/{SUITE}/suite.yaml", "repeats: 3", "minimum: {security: 0.5, operations: 1}\nrepeats: 3")
    edit(recorded / CASE, "files: [customers.py]", "files: [customers.py]\nminimum: {security: 0.75}")
    cli(recorded, "lock")
    assert (recorded / "evals.lock").read_text(encoding="utf-8") == before
    code, said = ran(recorded, f"{CASE}::0001::1")
    assert code == 1
    assert "security 0.00 is below the least score 0.75" in said
    assert "WHERE email = '{email}'" in said
    assert "operations" not in said


def test_a_least_score_of_what_the_case_does_not_ask_is_a_fault(recorded: Path) -> None:
    edit(recorded / CASE, "files: [customers.py]", "files: [customers.py]\nminimum: {securty: 1, operations: 1}")
    code, said = ran(recorded, "cases")
    assert code == 2
    assert f"{CASE}:" in said
    assert "no criterion of the case is of operations" in said
    assert "Traceback" not in said


def test_a_changed_case_is_not_held_against_an_old_scorecard(recorded: Path) -> None:
    edit(recorded / CASE, "title: Look up", "title: Find")
    code, said = ran(recorded, f"{CASE}::0001::1")
    assert code == 1
    assert "the scorecard on record is of another content of this case" in said
    assert "Traceback" not in said


def test_a_missing_recording_fails_and_is_named(recorded: Path) -> None:
    recording(recorded, 3).unlink()
    code, said = ran(recorded, "cases")
    assert code == 1
    assert "1 failed, 2 passed" in said
    assert "no recording for request" in said
    assert "Traceback" not in said


def test_without_a_record_a_must_decides_and_scripted_texts_do(scripted: Path) -> None:
    assert ran(scripted, "cases", "--evals-provider", "scripted", "--evals-repeats", "1")[0] == 0
    edit(scripted / CASE, "    points: 3\n", "    points: 3\n    must: true\n")
    edit(scripted / f"scripted/{SUITE}/customer-lookup/answer.md", GOOD, BAD)
    code, said = ran(scripted, "cases", "--evals-provider", "scripted", "--evals-repeats", "1")
    assert code == 1
    assert "a must that fails" in said
    assert "as answered by scripted" in said


def test_a_judge_without_a_licence_only_advises(scripted: Path) -> None:
    edit(scripted / CASE, "    points: 2\n", "    points: 2\n    must: true\n")
    edit(scripted / f"scripted/{SUITE}/customer-lookup/judge/absence-explained.json", '"pass"', '"fail"')
    code, said = ran(scripted, "cases", "--evals-provider", "scripted", "--evals-repeats", "1")
    assert code == 0, said
    edit(scripted / f"scripted/{SUITE}/customer-lookup/answer.md", GOOD, BAD)
    edit(scripted / f"cases/{SUITE}/suite.yaml", "repeats: 3", "minimum: {security: 1}\nrepeats: 3")
    code, said = ran(scripted, "cases", "--evals-provider", "scripted", "--evals-repeats", "1")
    assert code == 1
    assert re.search(r"Captured judge's advice \(no licence\) call -+\nabsence-explained: fail by scripted", said)


def test_junit_has_the_scores(recorded: Path) -> None:
    assert ran(recorded, f"{CASE}::0001::1", "--junitxml=out.xml", "-o", "junit_family=xunit1")[0] == 0
    tree = ET.parse(recorded / "out.xml")  # noqa: S314 - written by the run above
    found = {p.attrib["name"]: p.attrib["value"] for p in tree.iter("property")}
    assert found["evals.score.security"] == "1.0"
    assert found["evals.score.error_handling"] == "1.0"
    assert found["evals.provider"] == "replay"
    assert re.fullmatch("[0-9a-f]{16}", found["evals.answer"])


def test_a_replay_reaches_no_network(recorded: Path) -> None:
    (recorded / "conftest.py").write_text(
        "import socket\nimport evals.pytest_bench as bench\n\n"
        "async def run(*_, **__):\n    socket.create_connection(('192.0.2.1', 9), 5)\n\nbench.run = run\n",
        encoding="utf-8",
    )
    code, said = ran(recorded, f"{CASE}::0001::1")
    assert code == 1
    assert "a replay reaches no network, and something tried to reach 192.0.2.1" in said


def test_attachments_are_never_tests(recorded: Path) -> None:
    folder = recorded / f"cases/{SUITE}/customer-lookup"
    folder.mkdir()
    for name in ("test_evil.py", "conftest.py", "app.py"):
        (folder / name).write_text(f"open({str(recorded / 'ran')!r}, 'w')\ndef test_it(): pass\n", encoding="utf-8")
    code, said = ran(recorded, "cases", "--doctest-modules")
    assert code == 0
    assert "3 passed" in said
    assert not (recorded / "ran").exists()


def test_the_fixture_grades_any_text_in_a_plain_test(recorded: Path) -> None:
    (recorded / "test_mine.py").write_text(
        "from pathlib import Path\n\n"
        f"ANSWER = Path('scripted/{SUITE}/customer-lookup/answer.md').read_text()\n"
        f"GOOD, BAD = {GOOD!r}, {BAD!r}\n\n"
        "def test_good(evals_grade):\n"
        "    answer = evals_grade('customer-lookup', ANSWER)\n"
        "    assert answer.passes('sql-parameters')\n"
        "    assert answer.scores['security'] == 1.0\n"
        "    assert [grade.criterion for grade in answer.unscored] == ['absence-explained']\n\n"
        "def test_bad(evals_grade):\n"
        "    answer = evals_grade('customer-lookup', ANSWER.replace(GOOD, BAD))\n"
        "    assert answer.passes('sql-parameters'), str(answer)\n\n"
        "def test_typing_error(evals_grade):\n"
        "    evals_grade('customer-lokup', ANSWER)\n",
        encoding="utf-8",
    )
    code, said = ran(recorded, "test_mine.py")
    assert code == 1
    assert "2 failed, 1 passed" in said
    assert re.search(r"sql-parameters: fail by py-sql-injection: .*WHERE email = '\{email\}'", said)
    assert "did you mean `customer-lookup`?" in said


def test_the_plugin_is_light_where_there_is_no_case(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases/other.yaml").write_text("no: case\n", encoding="utf-8")
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n    assert 'evals.pytest_plugin' in sys.modules\n"
        "    heavy = {'yaml', 'jsonschema', 'graders', 'numpy', 'asyncio', 'evals.load', 'evals.commands'}\n"
        "    assert not heavy & set(sys.modules)\n",
        encoding="utf-8",
    )
    code, said = ran(tmp_path, "-p", "no:xdist", "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:hypothesispytest")
    assert code == 0, said


def test_ordinary_tests_do_not_collect_the_cases() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert options["testpaths"] == ["tests", "graders", "evals"]


def test_the_cases_of_this_repository_pass_in_replay() -> None:
    code, said = ran(ROOT, "cases", "-n", "2", "--evals-no-execute", "-p", "no:cacheprovider")
    assert code == 0, said
    assert re.search(r"\b27 passed", said)
