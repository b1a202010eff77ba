"""Texts of the project that stand in for answers and judge's replies, so that it runs before any model is asked.

`scripted/<suite>/<case>/answer.md` and `scripted/<suite>/<case>/judge/<criterion>.json`. They are never recordings:
their provenance says `scripted`, and so does the model of every scorecard made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from evals.errors import Fault, InputError, raise_all
from evals.exchange import SCRIPTED, Message, Provenance, Request, Response
from evals.load import read_text
from evals.project import Project
from evals.run import judge_request, judged_criteria
from evals.trial import Trial


class Scripts:
    """Answers each request with the text that was written for it. Every repeat has the same."""

    def __init__(self, texts: Mapping[tuple[Message, ...], str]) -> None:
        self._texts = texts

    async def respond(self, request: Request) -> Response:
        return self.recall(request)

    def recall(self, request: Request) -> Response:
        """The same again."""
        text = self._texts[request.messages]
        return Response(text=text, provenance=Provenance(kind="scripted"), stop_reason="end_turn")


def read_scripts(project: Project, suite: str, trials: Iterable[Trial]) -> Scripts:
    """A provider that answers every request of the trials. Raises InputError with every text that is missing."""
    texts: dict[tuple[Message, ...], str] = {}
    faults: dict[Fault, None] = {}
    for trial in {trial.case.id: trial for trial in trials}.values():
        folder = project.scripted / suite / trial.case.id
        try:
            answer = _text(project, folder / "answer.md")
            texts[trial.request.messages] = answer
            texts.update(_replies(project, folder, trial, answer))
        except InputError as error:
            faults.update(dict.fromkeys(error.faults))
    raise_all(list(faults))
    return Scripts(texts)


def _replies(project: Project, folder: Path, trial: Trial, answer: str) -> dict[tuple[Message, ...], str]:
    return {
        judge_request(trial, criterion, answer, model=SCRIPTED).messages: _text(
            project, folder / "judge" / f"{criterion.id}.json"
        )
        for criterion in judged_criteria(trial)
    }


def _text(project: Project, path: Path) -> str:
    shown = project.shown(path)
    if not path.is_file():
        raise InputError(Fault(message="no such scripted text; write it, or ask with `--provider live`", file=shown))
    return read_text(path, shown)
