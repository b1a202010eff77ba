"""Where things lie: the folders of one project, found from the folder the command runs in.

Here: names of folders. Not here: what is read from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evals.errors import InputError


@dataclass(frozen=True)
class Project:
    """A folder that holds `cases/` and `prompts/`."""

    root: Path

    @property
    def cases(self) -> Path:
        return self.root / "cases"

    @property
    def prompts(self) -> Path:
        return self.root / "prompts"

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def recordings(self) -> Path:
        return self.results / "recordings"

    @property
    def scorecards(self) -> Path:
        return self.results / "scorecards"

    @property
    def scripted(self) -> Path:
        """Texts that stand in for answers while no model is asked."""
        return self.root / "scripted"

    @property
    def prices(self) -> Path:
        """Prices of the project's own, where it has any; they go before the shipped ones."""
        return self.root / "prices.json"

    @property
    def models(self) -> Path:
        """What models take, by the project's own knowledge; it goes before the shipped one."""
        return self.root / "models.json"

    @property
    def lock(self) -> Path:
        return self.root / "evals.lock"

    @property
    def memory(self) -> Path:
        """Cache and run logs; never committed."""
        return self.root / ".evals"

    def only_suite(self, usual: str) -> str:
        """The suite that is meant where none is named: the only one, or the usual one. Raises InputError otherwise."""
        found = sorted(path.parent.name for path in self.cases.glob("*/suite.yaml"))
        if len(found) == 1:
            return found[0]
        if found and usual not in found:
            message = f"several suites ({', '.join(found)}); name one with --suite"
            raise InputError(message)
        return usual

    def shown(self, path: Path) -> str:
        """A path as messages show it: relative to the project where it lies inside."""
        try:
            return path.resolve().relative_to(self.root.resolve()).as_posix()
        except ValueError:
            return str(path)


def find_project(start: Path) -> Project:
    """The nearest folder upwards that holds `cases/`. Raises InputError when there is none."""
    for folder in (start, *start.parents):
        if (folder / "cases").is_dir():
            return Project(folder)
    message = "no folder `cases/` here or above; run this inside a project"
    raise InputError(message)
