"""Prompt-regression harness: cases in, answers recorded or asked for, grades and scorecards out.

The names below are the public ones (docs/library.md); each is loaded when it is first asked for. All else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evals.case import Attachment as Attachment
    from evals.case import Case as Case
    from evals.case import Suite as Suite
    from evals.comparison import Comparison as Comparison
    from evals.comparison import Verdict as Verdict
    from evals.data.frame import frame as frame
    from evals.errors import EvalsError as EvalsError
    from evals.errors import InputError as InputError
    from evals.errors import ProviderError as ProviderError
    from evals.exchange import Message as Message
    from evals.exchange import Provenance as Provenance
    from evals.exchange import Provider as Provider
    from evals.exchange import Request as Request
    from evals.exchange import Response as Response
    from evals.exchange import Settings as Settings
    from evals.exchange import Usage as Usage
    from evals.exchange import request_params as request_params
    from evals.graded_answer import GradedAnswer as GradedAnswer
    from evals.library import compare_scorecards as compare_scorecards
    from evals.library import grade_answer as grade_answer
    from evals.library import read_scorecard as read_scorecard
    from evals.library import run_suite as run_suite
    from evals.load import load_suite as load_suite
    from evals.load_personas import find_persona as find_persona
    from evals.load_personas import revisions as revisions
    from evals.persona import Persona as Persona
    from evals.project import Project as Project
    from evals.project import find_project as find_project
    from evals.providers.scripted import ScriptedProvider as ScriptedProvider
    from evals.scorecard import Scorecard as Scorecard

HOMES = {
    "Attachment": "evals.case",
    "Case": "evals.case",
    "Suite": "evals.case",
    "compare_scorecards": "evals.library",
    "Comparison": "evals.comparison",
    "Verdict": "evals.comparison",
    "frame": "evals.data.frame",
    "EvalsError": "evals.errors",
    "InputError": "evals.errors",
    "ProviderError": "evals.errors",
    "Message": "evals.exchange",
    "Provenance": "evals.exchange",
    "Provider": "evals.exchange",
    "Request": "evals.exchange",
    "Response": "evals.exchange",
    "Settings": "evals.exchange",
    "Usage": "evals.exchange",
    "request_params": "evals.exchange",
    "GradedAnswer": "evals.graded_answer",
    "grade_answer": "evals.library",
    "read_scorecard": "evals.library",
    "run_suite": "evals.library",
    "find_persona": "evals.load_personas",
    "load_suite": "evals.load",
    "revisions": "evals.load_personas",
    "Persona": "evals.persona",
    "Project": "evals.project",
    "find_project": "evals.project",
    "ScriptedProvider": "evals.providers.scripted",
    "Scorecard": "evals.scorecard",
}
"""Public name → module."""


def __getattr__(name: str) -> Any:
    from graders.lazy_exports import export

    return export(__name__, HOMES, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
