"""Case files as pytest sees them: file, revision, trial. Loaded when the first case file is collected.

Here: collection, outcome and report. Not here: answering and grading (`evals.pytest_bench`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.errors import EvalsError, InputError
from evals.load import load_suite
from evals.persona import Persona
from evals.project import Project
from evals.pytest_bench import Bench, Options, Result
from evals.report.safe import plain
from evals.trial import Trial

BENCHES = pytest.StashKey[dict[Path, Bench]]()


class TrialFailed(Exception):
    """An answer fell short."""

    def __init__(self, result: Result) -> None:
        super().__init__("; ".join(fault.split("\n", 1)[0] for fault in result.faults))
        self.result = result


def bench_of(config: pytest.Config, folder: Path) -> Bench:
    """The bench of a suite's folder; one a process. Raises InputError for a suite with faults."""
    benches = config.stash.setdefault(BENCHES, {})
    if folder not in benches:
        home = Project(folder.parent.parent)
        suite = load_suite(home, folder.name)
        options = Options(
            provider=config.getoption("--evals-provider"),
            personas=tuple(config.getoption("--evals-persona") or ()),
            repeats=config.getoption("--evals-repeats"),
            execute=not config.getoption("--evals-no-execute"),
        )
        benches[folder] = Bench(home, suite, options)
    return benches[folder]


class CaseFile(pytest.File):
    """A case: its revisions."""

    def collect(self) -> Iterator[Revision]:
        try:
            bench = bench_of(self.config, self.path.parent)
            personas = bench.personas
        except InputError as error:
            raise self.CollectError(_lines(error)) from None
        for persona in personas:
            yield Revision.from_parent(self, name=persona.revision, bench=bench, persona=persona)


class Revision(pytest.Collector):
    """A revision of the persona: its trials on the case."""

    def __init__(self, *, bench: Bench, persona: Persona, **named: Any) -> None:
        super().__init__(**named)
        self.bench = bench
        self.persona = persona

    def collect(self) -> Iterator[TrialItem]:
        case = self.bench.suite.case(self.path.stem)
        assert case is not None, "a case has its file's name"
        for trial in self.bench.trials(case, self.persona):
            yield TrialItem.from_parent(self, name=str(trial.repeat), bench=self.bench, trial=trial)


class TrialItem(pytest.Item):
    """One answer, held against what is expected of it."""

    def __init__(self, *, bench: Bench, trial: Trial, **named: Any) -> None:
        super().__init__(**named)
        self.bench = bench
        self.trial = trial
        self.add_marker("evals")

    def runtest(self) -> None:
        result = self.bench.result(self.trial)
        self.user_properties += result.properties
        if result.advice:
            self.add_report_section("call", "judge's advice (no licence)", "\n".join(result.advice))
        if result.faults:
            raise TrialFailed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, TrialFailed):
            return "\n".join(
                [f"{self.trial.name}, as answered by {self.bench.options.provider}:", *_told(excinfo.value)]
            )
        if isinstance(excinfo.value, EvalsError):
            return f"{plain(self.trial.name)}: {_lines(excinfo.value)}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self.trial.case.id}::{self.trial.persona.revision}::{self.trial.repeat}"


def _told(error: TrialFailed) -> Iterator[str]:
    for fault in error.result.faults:
        yield "\n".join(f"  {line}" for line in fault.split("\n"))


def _lines(error: EvalsError) -> str:
    faults = [str(fault) for fault in error.faults] if isinstance(error, InputError) else [str(error)]
    return "\n".join(plain(fault, 600) for fault in faults[:50])
