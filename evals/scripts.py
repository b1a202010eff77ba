"""Texts of the project that stand in for answers and judge's replies, so that it runs before any model is asked.

`scripted/<suite>/<case>/answer.md` and `scripted/<suite>/<case>/judge/<criterion>.json`. They are never recordings:
their provenance says `scripted`, and so does the model of every scorecard made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evals.errors import Fault, InputError, raise_all
from evals.exchange import SCRIPTED, Request
from evals.load import read_text
from evals.project import Project
from evals.providers.scripted import ScriptedProvider
from evals.run import ATTEMPTS, judge_request, judged_criteria
from evals.trial import Trial


def read_scripts(project: Project, suite: str, trials: Sequence[Trial], *, votes: int) -> ScriptedProvider:
    """A provider that answers every request of the trials. Raises InputError with every text that is missing."""
    texts: dict[str, str] = {}
    faults: dict[Fault, None] = {}
    for trial in trials:
        folder = project.scripted / suite / trial.case.id
        try:
            answer = _text(project, folder / "answer.md")
            texts[trial.request.digest] = answer
            texts.update(_replies(project, folder, trial, answer, votes))
        except InputError as error:
            faults.update(dict.fromkeys(error.faults))
    raise_all(list(faults))

    def script(request: Request) -> str:
        return texts[request.digest]

    return ScriptedProvider(script)


def _replies(project: Project, folder: Path, trial: Trial, answer: str, votes: int) -> dict[str, str]:
    replies = {}
    for criterion in judged_criteria(trial):
        reply = _text(project, folder / "judge" / f"{criterion.id}.json")
        for vote in range(1, votes + 1):
            for attempt in range(1, ATTEMPTS + 1):
                request = judge_request(trial, criterion, answer, model=SCRIPTED, vote=vote, attempt=attempt)
                replies[request.digest] = reply
    return replies


def _text(project: Project, path: Path) -> str:
    shown = project.shown(path)
    if not path.is_file():
        raise InputError(Fault(message="no such scripted text; write it, or ask with `--provider live`", file=shown))
    return read_text(path, shown)
