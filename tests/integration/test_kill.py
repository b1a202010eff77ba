"""`evals run --provider live` killed again and again with many requests open: nothing that was kept is asked again."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from tests.integration.live_project import COMMAND, finish, make, rows, start, written
from tests.paced_api import PacedApi

OPEN = 50
MOST_LOST = 2
"""Replies per kill that had left the server whole and were not on disk."""


def killed(project: Path, api: PacedApi, *options: str, after: int, delay: float = 0.0) -> bool:
    """Start a run, and kill it so many seconds after so many replies; whether it lived until then."""
    running: list[subprocess.Popen[str]] = []
    api.begin(after, delay, lambda: running[0].send_signal(signal.SIGKILL))
    running.append(start(project, api, *options))
    _, err = running[0].communicate(timeout=300)
    assert "Traceback" not in err
    return running[0].returncode == -signal.SIGKILL


def killed_until_done(project: Path, api: PacedApi, kills: int, everything: int, seed: int) -> list[int]:
    """Replies lost at each kill. The kills are spread over all that there is to ask."""
    chance = random.Random(seed)
    lost: list[int] = []
    while len(lost) < kills:
        kept, before = rows(project), api.answered
        left = max(1, everything - kept)
        after = chance.randint(1, max(1, 2 * left // (kills - len(lost) + 1)))
        if not killed(project, api, "-j", str(OPEN), after=after, delay=chance.uniform(0, 0.02)):
            break
        lost.append(api.answered - before - (rows(project) - kept))
    api.begin()
    return lost


def check_whole(project: Path, api: PacedApi, lost: list[int], everything: int) -> None:
    """What must hold after the last run came to its end."""
    assert rows(project) == everything, "no row is missing, none is doubled"
    assert api.answered == everything + sum(lost), "what was on disk was not asked again"
    for path in (project / ".evals/runs").iterdir():
        for line in path.read_bytes().splitlines():
            json.loads(line)
    names = {path.name for path in (project / ".evals/scorecards/small/helper").iterdir()}
    assert names == {f"{r}.{end}" for r in ("0000", "0001") for end in ("jsonl", "grades.jsonl", "md", "usage.json")}
    grades = [json.loads(line) for line in written(project)["0001.grades.jsonl"].splitlines()]
    keys = [(g["case"], g["criterion"], g["repeat"], g["grader"]) for g in grades]
    assert len(keys) == len(set(keys))


def undisturbed(folder: Path, cases: int, repeats: int) -> dict[str, bytes]:
    """The scorecards of a run that nobody stops."""
    api = PacedApi(latency=0.01)
    try:
        project = make(folder, cases, repeats)
        code, _, err = finish(project, api, "-j", str(OPEN))
        assert code == 0, err
        return written(project)
    finally:
        api.close()


def kill_test(tmp_path: Path, *, kills: int, cases: int, repeats: int, seed: int) -> list[int]:
    everything = 2 * cases * repeats + 4 * cases
    api = PacedApi(seed, slots=OPEN)
    try:
        project = make(tmp_path / "killed", cases, repeats)
        lost = killed_until_done(project, api, kills, everything, seed)
        code, _, err = finish(project, api, "-j", str(OPEN))
        assert code == 0, err
        check_whole(project, api, lost, everything)
        assert written(project) == undisturbed(tmp_path / "calm", cases, repeats)
        assert max(api.open_at_end) > OPEN - 10, "many were under way"
    finally:
        api.close()
    return lost


def test_killed_at_a_dozen_random_moments_the_same_command_completes(tmp_path: Path) -> None:
    lost = kill_test(tmp_path, kills=12, cases=40, repeats=2, seed=7)
    assert len(lost) == 12
    assert max(lost) <= MOST_LOST, lost


@pytest.mark.long
def test_killed_at_two_hundred_random_moments_the_same_command_completes(tmp_path: Path) -> None:
    lost = kill_test(tmp_path, kills=200, cases=150, repeats=4, seed=11)
    print(f"{len(lost)} kills, {OPEN} requests open; lost at a kill: {sorted(lost)}")
    assert len(lost) == 200
    assert max(lost) <= MOST_LOST, lost


def test_resume_goes_on_with_the_options_of_the_killed_run(tmp_path: Path) -> None:
    api = PacedApi(slots=9)
    options = ("--case", "login-1*", "--persona", "0001", "--repeats", "4", "--out", "elsewhere", "-j", "9")
    try:
        project = make(tmp_path, 30)
        assert killed(project, api, *options, after=30, delay=0.01)
        api.begin()
        (log,) = (project / ".evals/runs").iterdir()
        with log.open("ab") as file:
            file.write('{"event": "gradé'.encode()[:-1])  # torn within a letter
        kept, before = rows(project), api.answered
        code, _, err = finish(project, api, command=("run", "--resume"))
        assert code == 0, err
        everything = 11 * 4 + 11 * 2
        assert rows(project) == everything
        assert api.answered - before == everything - kept
        assert api.most_open <= 9
        header = json.loads((project / "elsewhere/small/helper/0001.jsonl").read_text(encoding="utf-8").splitlines()[0])
        assert (len(header["cases"]), header["repeats"]) == (11, 4)
        events = [json.loads(line)["event"] for line in log.read_bytes().splitlines() if line.endswith(b"}")]
        assert (events.count("started"), events.count("ended")) == (1, 1)
        assert finish(project, api, command=("run", "--resume"))[0] == 2, "nothing is left to resume"
    finally:
        api.close()


def test_two_runs_at_once_pay_for_each_request_once(tmp_path: Path) -> None:
    api = PacedApi()
    try:
        project = make(tmp_path, 20, 2)
        api.begin()
        both = [start(project, api, "-j", "20") for _ in range(2)]
        said = [one.communicate(timeout=300) for one in both]
        assert [one.returncode for one in both] == [0, 0], said
        assert said[0][0] == said[1][0]
        assert api.answered == rows(project) == 20 * 2 * 2 + 20 * 4
        assert len(list((project / ".evals/runs").iterdir())) == 2
    finally:
        api.close()


def test_a_run_that_is_under_way_is_not_resumed_and_a_killed_one_stands_in_no_ones_way(tmp_path: Path) -> None:
    api = PacedApi(slots=OPEN)
    said: list[tuple[int, str, str]] = []
    started = threading.Event()
    try:
        project = make(tmp_path, 30)
        api.begin(20, 0.0, started.set)
        first = start(project, api, "-j", str(OPEN))
        assert started.wait(60)
        first.send_signal(signal.SIGSTOP)
        said.append(finish(project, api, command=("run", "--resume")))
        first.send_signal(signal.SIGKILL)
        first.communicate(timeout=60)
        said.append(finish(project, api, "-j", str(OPEN), command=COMMAND))
        assert said[0][0] == 2
        assert said[0][2].count("\n") == 1
        assert "still under way" in said[0][2]
        assert said[1][0] == 0, said[1][2]
        assert rows(project) == 30 * 2 + 30 * 4
    finally:
        api.close()
