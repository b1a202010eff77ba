"""The command as a process: what `main` says is how it ends."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from evals import __main__ as entry


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_the_exit_code_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "main", lambda: 3)
    assert entry.run() == 3
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_usage_errors_end_with_two_and_nothing_is_lost() -> None:
    done = subprocess.run([sys.executable, "-m", "evals", "nonsense"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    done = subprocess.run([sys.executable, "-m", "evals", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, bool(done.stdout.strip())) == (0, True)
