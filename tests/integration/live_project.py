"""A project of many small cases, and `evals` as a process of its own that asks an API on loopback."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.conftest import CASE, INSTRUCTIONS, PERSONA, SUITE
from tests.paced_api import PacedApi

ROOT = Path(__file__).parent.parent.parent
COMMAND = ("run", "--suite", "small", "--provider", "live", "--no-execute")
KEY = "sk-canary-0123456789"


def make(folder: Path, cases: int, repeats: int = 1) -> Path:
    """As many cases, each with a text of its own, so that no two requests are alike but repeats of one."""
    write = {
        "cases/small/suite.yaml": SUITE.replace("repeats: 2", f"repeats: {repeats}"),
        "prompts/helper/0000-none.md": "---\nname: helper\ndescription: The control.\n---\n",
        "prompts/helper/0001-first.md": PERSONA,
        "prompts/helper/instructions.yaml": INSTRUCTIONS,
    }
    for number in range(cases):
        text = CASE.replace("id: login", f"id: login-{number}").replace("attachments: [old.py]\n", "")
        write[f"cases/small/login-{number}.yaml"] = text.replace("a login route", f"login route number {number}")
    for name, text in write.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def environment(url: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY}


def start(
    project: Path, api: PacedApi, *more: str, command: Sequence[str] = COMMAND, before: Sequence[str] = ()
) -> subprocess.Popen[str]:
    """Start `evals` in a project; `before` is what the command is run by."""
    running = subprocess.Popen(
        [*before, sys.executable, "-m", "evals", *command, *more],
        cwd=project,
        env=environment(api.url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    api.client = running.pid
    return running


def finish(
    project: Path, api: PacedApi, *more: str, command: Sequence[str] = COMMAND, before: Sequence[str] = ()
) -> tuple[int, str, str]:
    """Run `evals` to its end: exit code, standard output, standard error."""
    running = start(project, api, *more, command=command, before=before)
    out, err = running.communicate(timeout=600)
    return running.returncode, out, err


def rows(project: Path) -> int:
    """How many answers the cache holds, as SQLite says after a check of the whole file."""
    path = project / ".evals/cache/cache.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'Cache'").fetchone()[0]
        return int(connection.execute("SELECT count(*) FROM Cache").fetchone()[0]) if tables else 0


def written(project: Path) -> dict[str, bytes]:
    """Every scorecard file."""
    folder = project / ".evals/scorecards/small/helper"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())} if folder.is_dir() else {}
