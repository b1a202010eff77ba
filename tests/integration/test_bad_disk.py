"""A full disk, folders that cannot be written, caches that are damaged or not ours: one clear line, and nothing is lost."""

from __future__ import annotations

import os
import pickle
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.live_project import COMMAND, KEY, environment, finish, make, rows, written
from tests.paced_api import PacedApi
from tests.sandbox_host import REQUIRED

JOBS = ("-j", "20")
CASES, REPEATS = 10, 2
EVERYTHING = 2 * CASES * REPEATS + 4 * CASES


@pytest.fixture
def api() -> Iterator[PacedApi]:
    api = PacedApi(latency=0.01)
    yield api
    api.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make(tmp_path / "project", CASES, REPEATS)


USUAL = ("answers are not executed", "warning: no price is known")


def one_line(err: str) -> str:
    """The one line of an error, without what a run says of any such project and of what it spent."""
    lines = [line for line in err.splitlines() if not line.startswith(USUAL) and " USD spent, " not in line]
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    assert KEY not in err
    return lines[0]


def bubble(*arguments: str) -> list[str]:
    """A command of bubblewrap's that shows this machine with some folders changed; it needs no root."""
    program = shutil.which("bwrap")
    command = [program or "bwrap", "--dev-bind", "/", "/"]
    works = program and subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0
    if not works:
        message = "no bubblewrap"
        if os.environ.get(REQUIRED):
            pytest.fail(message)
        pytest.skip(message)
    return [*command, *arguments]


# --- a disk that fills up ---------------------------------------------------------------------------------------------


LITTLE_ROOM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
from evals.cli import main
sys.exit(main(sys.argv[1:]))
"""


def with_little_room(project: Path, api: PacedApi, limit: int, *argv: str) -> tuple[int, str]:
    """Run with a limit on the size of every file, which a database meets as it meets a full disk."""
    running = subprocess.run(
        [
            sys.executable,
            "-c",
            LITTLE_ROOM.format(limit=limit),
            *argv,
        ],
        cwd=project,
        env={**environment(api.url), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return running.returncode, running.stderr


@pytest.mark.parametrize("limit", [400_000, 700_000, 1_000_000])
def test_where_a_file_cannot_grow_the_answers_so_far_are_kept(home: Path, api: PacedApi, limit: int) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] in (resource.RLIM_INFINITY, 2**63 - 1)
    code, err = with_little_room(home, api, limit, *COMMAND, *JOBS)
    assert code == 2
    assert "cannot be written" in one_line(err)
    kept, answered = rows(home), api.answered
    assert 0 < kept < EVERYTHING
    code, _, err = finish(home, api, *JOBS)
    assert code == 0, err
    assert rows(home) == EVERYTHING
    assert api.answered - answered == EVERYTHING - kept, "what is kept is not asked again"


FILL = """\
cp -r {start}/. {disk}; cd {disk}
head -c {filler} /dev/zero > filler
{python} -m evals {command} 2> {out}/err1; echo $? > {out}/code1
cp -r .evals {out}/full
rm filler
{python} -m evals {command} 2> {out}/err2; echo $? > {out}/code2
cp -r .evals {out}/freed
"""


def test_on_a_full_disk_nothing_is_lost_and_room_is_all_it_takes(home: Path, api: PacedApi, tmp_path: Path) -> None:
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    script = FILL.format(
        start=home, disk=disk, out=out, filler=3_200_000, python=sys.executable, command=" ".join([*COMMAND, *JOBS])
    )
    before = bubble("--size", "4000000", "--tmpfs", str(disk), "sh", "-c", script)
    subprocess.run(before, env=environment(api.url), check=True, timeout=300)
    assert (out / "code1").read_text().strip() == "2"
    assert "cannot be written" in one_line((out / "err1").read_text())
    assert (out / "code2").read_text().strip() == "0", (out / "err2").read_text()
    (tmp_path / "freed").mkdir()
    shutil.copytree(out / "freed", tmp_path / "freed/.evals")
    assert rows(tmp_path / "freed") == EVERYTHING
    assert set(written(tmp_path / "freed")) == {
        f"{r}.{end}" for r in ("0000", "0001") for end in ("jsonl", "grades.jsonl", "md", "usage.json")
    }
    lost = api.answered - EVERYTHING
    assert 0 <= lost <= 20, "no more than was under way"


# --- folders that cannot be written -----------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", [".", ".evals", ".evals/cache"])
def test_a_folder_that_is_read_only_asks_nobody(home: Path, api: PacedApi, folder: str) -> None:
    path = (home / folder).resolve()
    path.mkdir(parents=True, exist_ok=True)
    code, _, err = finish(home, api, *JOBS, before=bubble("--ro-bind", str(path), str(path)))
    assert (code, api.answered) == (2, 0)
    assert "cannot be written" in one_line(err)


def test_a_full_cache_that_is_read_only_is_not_harmed(home: Path, api: PacedApi) -> None:
    assert finish(home, api, *JOBS)[0] == 0
    before, answered = written(home), api.answered
    cache = str(home / ".evals/cache")
    code, _, err = finish(home, api, *JOBS, "--draw", "2", before=bubble("--ro-bind", cache, cache))
    assert (code, api.answered) == (2, answered)
    assert "cannot be written" in one_line(err)
    assert rows(home) == EVERYTHING
    assert written(home) == before


def test_results_that_cannot_be_written_cost_no_answer(home: Path, api: PacedApi) -> None:
    results = home / "elsewhere"
    results.mkdir()
    wall = bubble("--ro-bind", str(results), str(results))
    code, _, err = finish(home, api, *JOBS, "--out", "elsewhere", before=wall)
    assert code == 2
    assert "the scorecard cannot be written" in one_line(err)
    answered = api.answered
    assert rows(home) == EVERYTHING == answered
    assert finish(home, api, *JOBS, "--out", "elsewhere")[0] == 0
    assert api.answered == answered


# --- caches that are damaged or not ours ------------------------------------------------------------------------------


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 // 4096 * 4096])


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(50_000))


def torn_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // 4096):
        data[page * 4096 : page * 4096 + 100] = b"\xff" * 100
    path.write_bytes(bytes(data))


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE Settings (key TEXT, value)")
        database.execute("CREATE TABLE accounts (name TEXT)")
        database.execute("INSERT INTO accounts VALUES ('precious')")


def foreign_settings(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO Settings VALUES ('get', 5)")
        database.execute("INSERT INTO Settings VALUES ('sqlite_writable_schema', 1)")


@pytest.mark.parametrize("harm", [cut, garbage, torn_pages, foreign, foreign_settings])
def test_a_damaged_or_foreign_database_ends_in_one_line_before_anybody_is_asked(
    home: Path, api: PacedApi, harm: Callable[[Path], None]
) -> None:
    assert finish(home, api, *JOBS)[0] == 0
    database = home / ".evals/cache/cache.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    harm(database)
    harmed, answered, before = database.read_bytes(), api.answered, written(home)
    code, _, err = finish(home, api, *JOBS)
    assert (code, api.answered) == (2, answered)
    assert "is damaged" in one_line(err) or "is not a cache of this program" in one_line(err)
    assert "move" in err
    assert written(home) == before
    if harm in (garbage, foreign, foreign_settings):
        assert database.read_bytes() == harmed, "it was only looked at"


class Boom:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.path, "pwned")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("value", "'torn {'"),
        ("value", "replace(value, 'parameters', 'quotes')"),
        ("value", "x'00ff'"),
        ("value", "printf('%.*c', 90000, '[')"),
        ("filename", "'../../../cases/small/suite.yaml'"),
        ("mode", "4"),
        ("raw", "0"),
        ("key", "'foreign'"),
        ("expire_time", "1.0"),
    ],
)
def test_a_harmed_row_is_asked_again_and_the_others_are_not(home: Path, api: PacedApi, column: str, value: str) -> None:
    assert finish(home, api, *JOBS)[0] == 0
    before, answered = written(home), api.answered
    with closing(sqlite3.connect(home / ".evals/cache/cache.db")) as database, database:
        if column == "mode":
            database.execute("UPDATE Cache SET value = ? WHERE rowid = 3", (pickle.dumps(Boom(home / "pwned")),))
        database.execute(f"UPDATE Cache SET {column} = {value} WHERE rowid = 3")  # noqa: S608 - our own words
    code, _, err = finish(home, api, *JOBS)
    assert code == 0, err
    assert api.answered == answered + 1
    assert written(home) == before
    assert not (home / "pwned").exists()
    assert "judge" in (home / "cases/small/suite.yaml").read_text(encoding="utf-8")
