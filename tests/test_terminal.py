"""On any terminal: narrow ones, ones without UTF-8, pipes that close early, Ctrl-C, quiet and verbose."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.report.narrow import fitted, listed
from evals.report.tables import table
from evals.report.width import ROOM, wrapped
from tests.terminal import REPOSITORY, Terminal

EVALS = [sys.executable, "-m", "evals"]
Cli = Callable[..., tuple[int, str, str]]


def evals(
    *argv: str, folder: Path = REPOSITORY, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    usual = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run([*EVALS, *argv], cwd=folder, capture_output=True, check=False, env={**usual, **(env or {})})


@pytest.mark.parametrize("argv", [("show",), ("list", "rules"), ("list", "cases"), ("coverage",), ("--help",)])
@pytest.mark.parametrize("columns", [40, 80])
def test_nothing_is_wider_than_the_terminal_but_a_name(argv: tuple[str, ...], columns: int) -> None:
    with Terminal([*EVALS, *argv], REPOSITORY, columns=columns) as terminal:
        assert terminal.end() == 0
    lines = terminal.shown.split("\n")
    assert len(lines) > 5
    too_long = [line for line in lines if len(line) > columns and len(line.split()) > 2]
    assert too_long == []


def test_a_pipe_has_no_width() -> None:
    narrow = evals("list", "rules", env={"COLUMNS": "40"}).stdout
    assert narrow == evals("list", "rules").stdout
    assert max(map(len, narrow.decode().splitlines())) > 80


@pytest.mark.parametrize(("room", "shape"), [(200, "one line"), (30, "wrapped"), (12, "listed")])
def test_a_table_fits(room: int, shape: str) -> None:
    rows = [["jwt-auth", "A login route that can be trusted", "3"], ["schema", "short", "12"]]
    token = ROOM.set(room)
    try:
        drawn = table(rows, ["case", "title", "points"])
    finally:
        ROOM.reset(token)
    lines = drawn.split("\n")
    found = "one line" if len(lines) == 4 else "wrapped" if "----" in drawn else "listed"
    assert found == shape
    assert all(len(line) <= room for line in lines) or shape == "listed"
    words = [word for row in rows for cell in row for word in cell.split()]
    assert all(word in drawn for word in words), "no word is lost or cut"


def test_colour_takes_no_room_and_is_not_cut() -> None:
    painted = "\x1b[33mtoo little scored\x1b[0m"
    cells = fitted([["one two three", painted]], ["what", "verdict"], 24)
    assert cells is not None
    assert cells[1] == ["one\ntwo\nthree", painted]
    assert fitted([[painted, painted]], ["a", "b"], 20) is None
    assert painted in listed([["x", painted]], ["a", "b"])


def test_sentences_break_between_words_and_paths_stay_whole() -> None:
    token = ROOM.set(24)
    try:
        said = wrapped("wrote results/scorecards/backend-engineer/0001.jsonl and more\n  kept as it is")
    finally:
        ROOM.reset(token)
    assert "results/scorecards/backend-engineer/0001.jsonl" in said.split("\n")
    assert said.endswith("\n  kept as it is")


def test_lines_for_programs_are_not_wrapped(project: Path) -> None:
    with Terminal([*EVALS, "-q", "export", "requests", "--suite", "small"], project, columns=40) as terminal:
        assert terminal.end() == 0
    assert len([json.loads(line) for line in terminal.shown.strip().split("\n")]) == 4


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "cp1252", "C"],
)
def test_any_encoding_will_do(env: dict[str, str]) -> None:
    shown = evals("compare", "0001", "0002", "--no-execute", env=env)
    assert (shown.returncode, b"Traceback" in shown.stderr) == (0, False)
    text = shown.stdout.decode(env.get("PYTHONIOENCODING", "ascii"))
    assert "0001 -> 0002" in text or "+0.20" in text or "->" in text
    assert "?" not in text.split("\n", maxsplit=1)[0]
    data = json.loads(evals("show", "--case", "jwt-auth", "--criterion", "starts", "--format", "json", env=env).stdout)
    assert data == json.loads(evals("show", "--case", "jwt-auth", "--criterion", "starts", "--format", "json").stdout)


@pytest.mark.parametrize("argv", [("list", "rules"), ("--help",), ("list", "rules", "--format", "json"), ("show",)])
def test_a_reader_that_goes_away_is_no_error(argv: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*EVALS, *argv], cwd=REPOSITORY, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_decision_does_not_depend_on_who_reads(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    argv = [*EVALS, "gate", "0002", "0000", "--no-execute", "--fail-on", "inconclusive"]
    seen = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, check=False)
    unseen = subprocess.run(argv, cwd=REPOSITORY, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert seen.returncode == unseen.returncode == 1


def test_errors_reach_nobody_quietly() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*EVALS, "show", "0009"], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=write, check=False)
    os.close(write)
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("list rules >&-", 0, ""),
        ("show 0009 2>&-", 2, ""),
        ("list rules > /dev/full", 2, "No space left on device"),
        ("-q list cases > /dev/full", 2, "No space left on device"),
    ],
)
def test_streams_that_take_nothing(command: str, code: int, said: str) -> None:
    line = f"{shlex.quote(sys.executable)} -m evals {command}"
    done = subprocess.run(["bash", "-c", line], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_disk_that_is_full_is_an_error(project: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from evals.commands import coverage

    def full(_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(coverage, "execute", full)
    code, out, err = cli(project, "coverage")
    assert (code, out) == (2, "")
    assert "No space left on device; free space" in err


@pytest.mark.parametrize(("env", "painted"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_is_for_terminals_whose_owner_wants_it(env: dict[str, str], painted: bool) -> None:
    with Terminal([*EVALS, "compare", "0000", "0002", "--no-execute"], REPOSITORY, env=env) as terminal:
        assert terminal.end() == 0
    assert ("\x1b[" in terminal.shown) is painted


def test_ctrl_c_is_one_line_and_130() -> None:
    with Terminal([*EVALS, "grade", "--case", "jwt-auth", "--no-execute", "-"], REPOSITORY) as terminal:
        terminal.wait_for("answers are used\n")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert terminal.shown.replace("^C", "").split("\n")[1:] == ["interrupted", ""]


SLOW = """\
import asyncio, sys
from evals.providers import recorded
async def never(self, request):
    print("asked", flush=True)
    await asyncio.sleep(600)
recorded.RecordedProvider.respond = never
from evals.cli import main
sys.exit(main(["run", "--case", "jwt-auth", "--persona", "0001", "--no-execute", "-j", "1"]))
"""


def test_an_interrupted_run_says_that_it_goes_on() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"asked\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.decode().splitlines()[-1].startswith("interrupted; what was answered is kept")
    assert b"Traceback" not in err


def test_quiet_leaves_results_and_errors(project: Path, cli: Cli) -> None:
    code, out, err = cli(REPOSITORY, "-q", "show")
    assert (code, err) == (0, "")
    assert cli(REPOSITORY, "show")[1] == out
    assert cli(project, "export", "requests", "--suite", "small", "-q")[2] == ""
    assert "4 answers" in cli(project, "export", "requests", "--suite", "small")[2]
    code, out, err = cli(project, "show", "0007", "--suite", "small", "--quiet")
    assert (code, out) == (2, "")
    assert err.startswith("error: no scorecard `0007`")


def test_verbose_says_what_is_read(cli: Cli) -> None:
    _, out, err = cli(REPOSITORY, "show", "0001", "-v")
    assert out == cli(REPOSITORY, "-v", "show", "0001")[1]
    assert "read the scorecard results/scorecards/backend-engineer/backend-engineer/0001.jsonl" in err
    assert "exit code 0" in err
    assert "read the scorecard" not in cli(REPOSITORY, "show", "0001")[2]


def test_quiet_and_verbose_exclude_each_other(cli: Cli) -> None:
    code, _, err = cli(REPOSITORY, "show", "-q", "-v")
    assert code == 2
    assert "not allowed with" in err
