"""The pytest plugin: case files become test items, and a fixture grades any text in a plain test.

It is loaded in every test run of an environment, so it stays light: all else is imported when a case file is collected.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from evals.graded_answer import GradedAnswer

PROVIDERS = ("replay", "scripted", "live")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("evals", "answers of persona prompts")
    group.addoption(
        "--evals-provider",
        choices=PROVIDERS,
        default="replay",
        help="replay the recordings (default), take the texts below scripted/, or ask the API",
    )
    group.addoption(
        "--evals-persona",
        action="append",
        metavar="PATH[@REF]",
        help="a revision (0001), an agent file, or PATH@GITREF; may be repeated (default: all revisions)",
    )
    group.addoption(
        "--evals-repeats", type=_positive, metavar="K", help="answers per case and revision (default: the suite's)"
    )
    group.addoption(
        "--evals-no-execute",
        action="store_true",
        help="run no answer's code; grades by execution that are on record for the same answer still count",
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = "must be 1 or more"
        raise argparse.ArgumentTypeError(message)
    return number


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "evals: one answer of a persona prompt to a case file (persona-evals)")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if not _is_case(file_path):
        return None
    from evals.pytest_cases import CaseFile

    return CaseFile.from_parent(parent, path=file_path)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Attachments of a case are data: nothing in their folder is a test, whatever its name."""
    beside = collection_path.with_name(f"{collection_path.name}.yaml")
    return True if _is_case(beside) and beside.is_file() and collection_path.is_dir() else None


def _is_case(path: Path) -> bool:
    return (
        path.suffix == ".yaml"
        and path.name != "suite.yaml"
        and path.parent.parent.name == "cases"
        and (path.parent / "suite.yaml").is_file()
    )


@pytest.fixture
def evals_grade(request: pytest.FixtureRequest) -> Callable[..., GradedAnswer]:
    """Grade a text as an answer to a case by rules and attacks: `evals_grade("jwt-auth", text)`. No model is asked.

    The project is the nearest folder with `cases/`, from the test's file upwards; `suite=` names the suite where there
    are several. Raises InputError for a suite or case that is not there.
    """
    from evals.cli_options import SUITE
    from evals.errors import InputError
    from evals.graded_answer import GradedAnswer
    from evals.nearest import unknown
    from evals.project import find_project
    from evals.pytest_cases import bench_of
    from evals.run import grade_answer

    def grade(case_id: str, text: str, *, suite: str | None = None) -> GradedAnswer:
        home = find_project(request.path.parent)
        bench = bench_of(request.config, home.cases / (suite or home.only_suite(SUITE)))
        case = bench.suite.case(case_id)
        if case is None:
            known = [one.id for one in bench.suite.cases]
            raise InputError(unknown("case", case_id, known, f" in suite `{bench.suite.id}`"))
        return GradedAnswer(case, text, grade_answer(case, text, bench.executor.grades(case, text)))

    return grade
