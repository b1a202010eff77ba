"""The other tools: how each is installed, and how it is called for the work.

Versions are pinned to those whose figures `docs/performance.md` speaks of. Each is installed into a folder of its own below
`.runtimes/bench`, with what is needed and nothing of ours.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.promptfoo import write_config
from benchmarks.stage import ROOT
from benchmarks.work import MODEL

HOME = ROOT / ".runtimes" / "bench"
HERE = Path(__file__).parent
QUIET = {
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_DISABLE_SHARING": "1",
    "PROMPTFOO_SELF_HOSTED": "1",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "ERROR_REPORTING": "0",
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
}
"""Nothing is reported to anybody, and nothing is looked up."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A command, and the variables it needs beside those of the stage."""

    command: Sequence[str]
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Tool:
    """One tool that does the same work."""

    name: str
    package: str
    caches: bool = False
    """Whether it remembers replies, so that a second run asks nobody."""

    @property
    def folder(self) -> Path:
        return HOME / self.name

    @property
    def installed(self) -> bool:
        return (self.folder / "installed").is_file()

    def install(self) -> None:
        """Raises CalledProcessError where that fails."""
        if self.installed:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.package.startswith("promptfoo"):
            _do("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(self.folder), self.package)
        else:
            _do(sys.executable, "-m", "venv", str(self.folder))
            _do(
                str(self.folder / "bin" / "python"),
                "-m",
                "pip",
                "install",
                "--quiet",
                self.package,
                "anthropic==2.12.0",
            )
        (self.folder / "installed").write_text(self.package)

    def call(self, scratch: Path, url: str, samples: int, at_once: int, *, cached: bool = False) -> Call:
        """The command that does the work with everything it writes below `scratch`."""
        out = scratch / "out"
        out.mkdir(parents=True, exist_ok=True)
        if self.name == "promptfoo":
            return self._promptfoo(scratch, url, samples, at_once, cached=cached)
        if self.name == "inspect":
            return self._inspect(scratch, samples, at_once, cached=cached)
        script = HERE / f"{self.name}_run.py"
        command = [str(self.folder / "bin" / "python"), str(script), str(samples), str(at_once), str(out)]
        return Call(command=command, variables=QUIET | {"DEEPEVAL_RESULTS_FOLDER": str(out)})

    def _promptfoo(self, scratch: Path, url: str, samples: int, at_once: int, *, cached: bool) -> Call:
        config = scratch / "promptfooconfig.json"
        write_config(config, url, samples)
        command = [str(self.folder / "node_modules" / ".bin" / "promptfoo"), "eval", "-c", str(config)]
        command += ["-j", str(at_once), "--no-table", "--no-progress-bar", "--no-share"]
        places = {"CONFIG_DIR": "out", "CACHE_PATH": "cache", "LOG_DIR": "log"}
        variables = QUIET | {f"PROMPTFOO_{name}": str(scratch / folder) for name, folder in places.items()}
        return Call(command=command if cached else [*command, "--no-cache"], variables=variables)

    def _inspect(self, scratch: Path, samples: int, at_once: int, *, cached: bool) -> Call:
        # it finds tasks below the folder it runs in only
        shutil.copy(HERE / "inspect_task.py", scratch)
        command = [str(self.folder / "bin" / "inspect"), "eval", "inspect_task.py"]
        command += ["-T", f"n={samples}", "-T", f"cache={str(cached).lower()}", "--model", f"anthropic/{MODEL}"]
        command += ["--max-connections", str(at_once), "--max-samples", str(at_once)]
        command += ["--log-dir", str(scratch / "out"), "--display", "plain"]
        homes = {"INSPECT_CACHE_DIR": "cache", "XDG_DATA_HOME": "data", "XDG_CACHE_HOME": "home"}
        return Call(command=command, variables=QUIET | {name: str(scratch / folder) for name, folder in homes.items()})


TOOLS = (
    Tool("inspect", "inspect_ai==0.3.285", caches=True),
    Tool("pydantic", "pydantic-evals==2.62.0"),
    Tool("promptfoo", "promptfoo@0.121.20", caches=True),
    Tool("deepeval", "deepeval==4.3.1"),
)


def _do(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
