"""Where a benchmark plays: a scratch folder, the mock server, and how each participant is called for the same work.

Here: projects of our own and plain scripts. Not here: other tools (`peers`), or what is measured (`figures`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import work
from benchmarks.child import Cost, run

ROOT = Path(__file__).resolve().parent.parent
DROPPED = ("proxy", "anthropic", "evals_", "pythondontwritebytecode")
"""What could lead a client elsewhere, and what would compile every module anew in each process, as no installed program does."""


def environment(url: str) -> dict[str, str]:
    """This process's environment, without what is `DROPPED`."""
    kept = {name: value for name, value in os.environ.items() if not any(part in name.lower() for part in DROPPED)}
    return kept | {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": work.KEY,
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
        "CI": "1",
    }


@dataclass
class Stage:
    """The mock server's address, and a folder for everything that is written."""

    folder: Path
    url: str
    costs: list[Cost] = field(default_factory=list)
    """Of everything that ran, for what is said of noise."""

    def serve(self, latency: float = 0, faults: float = 0) -> None:
        """Milliseconds to a reply, per cent of requests refused; the counters begin anew."""
        self._get(f"/set?latency={latency}&faults={faults}")

    def stats(self) -> dict[str, Any]:
        return self._get("/stats")

    def _get(self, target: str) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + target, timeout=30) as response:
            return dict(json.load(response))

    def project(self, name: str) -> Path:
        """A project of ours with nothing remembered."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        work.write_project(folder)
        return folder

    def ours(self, folder: Path, samples: int, at_once: int = 50) -> Cost:
        """`evals run` on the samples, in a project of `project`."""
        cases = min(work.CASES, samples)
        return self.evals(
            folder,
            *("run", "--suite", "bench", "--provider", "live", "-j", str(at_once), "--out", "out", "--no-execute"),
            *("--limit", str(cases), "--repeats", str(samples // cases)),
        )

    def evals(self, folder: Path, *arguments: str, codes: Sequence[int] = (0,)) -> Cost:
        return self._run([sys.executable, "-m", "evals", *arguments], folder, codes)

    def python(self, *arguments: str) -> Cost:
        return self._run([sys.executable, *arguments], self.folder, (0,))

    def plain(self, mode: str, samples: int, at_once: int = 50, folder: Path | None = None) -> Cost:
        """One of the scripts of `floor`, in the folder, or in one that it has kept since its last call."""
        kept = folder or self.folder / f"floor-{mode.replace('fill', 'warm')}-{samples}"
        kept.mkdir(exist_ok=True)
        return self.python("-m", "benchmarks.floor", mode, str(samples), str(at_once), str(kept))

    def command(self, command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Cost:
        """Any command of another tool."""
        return self._run(command, folder, (0,), variables)

    def _run(
        self, command: Sequence[str], folder: Path, codes: Sequence[int], variables: Mapping[str, str] | None = None
    ) -> Cost:
        all_ = environment(self.url) | dict(variables or {})
        cost = run(command, folder, all_, log=self.folder / "output.log", codes=codes)
        self.costs.append(cost)
        return cost


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Start the mock server; stop it at the end. The folder must be there."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.mock_api"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield Stage(folder, f"http://127.0.0.1:{int(server.stdout.readline())}")
    finally:
        server.communicate()  # its standard input closes, and it ends
