"""Progress: what its line says, that it never exceeds the terminal, and where it is shown at all."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from evals.cli_voice import heard
from evals.load import load_suite
from evals.load_personas import find_persona
from evals.messages import say
from evals.project import Project
from evals.providers.scripted import ScriptedProvider
from evals.report import progress
from evals.report.progress import EVERY, Bar, Progress
from evals.sequential import asking
from tests.terminal import REPOSITORY, Terminal


class Screen(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def worked(
    screen: Screen, *, seconds: float, pieces: int, spent: float | None = None, env: Mapping[str, str] | None = None
) -> str:
    """What is written while so many pieces are done, one each so many seconds."""
    clock = Clock()
    bar = Bar(screen, spent=lambda: spent, now=clock, environment=env or {})
    for done in range(1, pieces + 1):
        clock.now += seconds
        bar.show("answers", done, pieces)
    bar.clear()
    return screen.getvalue()


def test_a_terminal_gets_one_line_with_rate_spend_and_time_left() -> None:
    shown = worked(Screen(terminal=True), seconds=2, pieces=10, spent=1.25)
    assert "\n" not in shown
    lines = [line.strip() for line in shown.split("\r") if line.strip()]
    assert lines[4].endswith("5/10 answers, 0.5/s, 1.25 USD, 0:10 left")
    assert lines[-1].endswith("10/10 answers, 0.5/s, 1.25 USD")
    assert shown.endswith(" \r")


def test_what_is_not_known_is_not_said() -> None:
    shown = worked(Screen(terminal=True), seconds=2, pieces=4)
    assert "USD" not in shown
    assert Progress(what="answers", done=1, total=4).facts == "1/4 answers"


def test_the_rate_is_that_of_late() -> None:
    """A thousand answers out of memory say nothing of how long the others take."""
    clock, screen = Clock(), Screen(terminal=True)
    bar = Bar(screen, now=clock, environment={})
    for done in range(1, 1001):
        clock.now += 0.001
        bar.show("answers", done, 1100)
    for done in range(1001, 1051):
        clock.now += 10
        bar.show("answers", done, 1100)
    assert "1050/1100 answers, 0.1/s, 8:20 left" in screen.getvalue()


def test_a_pipe_and_ci_get_a_plain_line_now_and_then() -> None:
    assert worked(Screen(terminal=False), seconds=EVERY / 100, pieces=50) == ""
    for screen, env in ((Screen(terminal=False), {}), (Screen(terminal=True), {"CI": "true"})):
        lines = worked(screen, seconds=EVERY / 10, pieces=100, env=env).splitlines()
        assert 8 <= len(lines) <= 10
        assert all(
            re.fullmatch(r"\d+/100 answers, 20\.0/min, \d+:\d+ left|100/100 .*", x) or "0.3/s" in x for x in lines
        )
        assert "\r" not in screen.getvalue()


def test_a_dumb_terminal_is_not_drawn_on() -> None:
    assert "\r" not in worked(Screen(terminal=True), seconds=10, pieces=20, env={"TERM": "dumb"})


def test_quiet_shows_none() -> None:
    screen = Screen(terminal=True)
    Bar(screen, on=False, environment={}).show("answers", 1, 1)
    assert screen.getvalue() == ""


def test_a_line_is_no_wider_than_the_terminal() -> None:
    full = Progress(what="judge replies, asked again", done=1234, total=9999, rate=0.5, spent=123.4)
    for columns in (20, 40, 80, 120):
        assert len(full.line(columns)) < columns


def test_messages_do_not_break_the_line() -> None:
    screen = Screen(terminal=True)
    clock = Clock()
    bar = Bar(screen, now=clock, environment={})
    clock.now += 1
    bar.show("answers", 1, 2)
    before = sys.stderr
    sys.stderr = screen
    try:
        with heard(0):
            say("round 1 is decided")
    finally:
        sys.stderr = before
    assert re.search(r"1/2 answers\r +\rround 1 is decided\n$", screen.getvalue())
    progress.clear()


def test_a_gate_tells_how_far_it_is(project: Path) -> None:
    suite = load_suite(Project(project), "small")
    persona = find_persona(Project(project), "helper", "0001")
    told: list[tuple[str, int, int]] = []
    ask = asking(
        suite,
        suite.cases,
        ScriptedProvider(lambda _: "words"),
        model="m",
        judge_model="j",
        jobs=2,
        execute=lambda *_: (),
        progress=lambda what, done, total: told.append((what, done, total)),
    )

    async def drawn() -> None:
        await ask(persona, range(1, 4), "0")

    asyncio.run(drawn())
    assert ("answers", 3, 3) in told
    assert ("judge replies", 6, 6) in told


SLOW_RUN = """\
import asyncio, sys
from evals.providers import recorded
at_once = recorded.RecordedProvider.respond
async def slow(self, request):
    await asyncio.sleep(0.15)
    return await at_once(self, request)
recorded.RecordedProvider.respond = slow
from evals.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("argv", [("run", "--case", "jwt-auth", "--persona", "0001", "-j", "1", "--no-execute")])
def test_a_run_on_a_real_terminal(argv: tuple[str, ...]) -> None:
    with Terminal([sys.executable, "-c", SLOW_RUN, *argv], REPOSITORY, columns=70) as terminal:
        assert terminal.end() == 0
    assert re.search(r"\d+/\d+ judge replies, \d+\.\d/s, 0:\d\d left", terminal.shown)
    assert all(len(line) < 70 for line in re.split(r"[\r\n]+", terminal.shown) if "/s, " in line)


SLOW = """\
import sys, time
from evals import selftest
from evals.commands import selftest as verb
from graders.execution import sandbox
verb.level = lambda: "none"
run = selftest._run
def slow(job):
    time.sleep(0.3)
    return selftest.Result(job=job, failed=job.should_fail[:1], passed=(), unscored=())
selftest._run = slow
from evals.cli import main
sys.exit(main(["selftest", "--attacks", "jwt", "--format", "json"]))
"""


def test_long_work_on_a_real_terminal() -> None:
    with Terminal([sys.executable, "-c", SLOW], REPOSITORY, columns=60) as terminal:
        assert terminal.end() in (0, 1)
    drawn = [line for line in terminal.shown.split("\r") if "answers attacked" in line]
    assert len(drawn) > 5
    assert all("\n" not in line and len(line) < 60 for line in drawn[:-1])
    assert re.search(r"\d+/\d+ answers attacked, \d+\.\d/s, 0:\d\d left", terminal.shown)
    assert terminal.shown.split("\r")[-1].startswith("{\n"), "the line is gone before the result comes"
