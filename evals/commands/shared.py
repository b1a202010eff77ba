"""What several verbs need: the project, the chosen revisions, recordings and scorecards."""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evals import messages
from evals.canonical import Json
from evals.errors import InputError, raise_all
from evals.nearest import unknown
from evals.project import Project, find_project
from evals.report.output import write_result
from evals.report.progress import Bar, Spend
from evals.report.safe import plain
from evals.report.spelling import takes_anything
from evals.report.width import wrapped

if TYPE_CHECKING:
    from evals.case import Suite
    from evals.execution import Executor
    from evals.persona import Persona
    from evals.recording import Recording
    from evals.scorecard import Scorecard
    from graders.registry import Registry

say, insist = messages.say, messages.insist


def project() -> Project:
    found = find_project(Path.cwd())
    messages.detail(f"the project is {found.root}")
    return found


def put(text: str) -> None:
    """The result, on standard output; on a terminal no line is longer than it is wide."""
    write_result(wrapped(text))


def put_json(data: Json) -> None:
    """The result as one JSON document, as it is, whatever the terminal."""
    whole = takes_anything(sys.stdout)
    write_result(json.dumps(data, ensure_ascii=not whole, indent=1, sort_keys=False))


def put_lines(text: str) -> None:
    """Lines for programs, as they are, whatever the terminal."""
    write_result(text)


def put_result(args: argparse.Namespace, data: Json, text: str) -> None:
    """A result that is a sentence for people, and as much as data for programs."""
    if args.format == "json":
        put_json(data)
    else:
        put(text)


def bar(spent: Spend = lambda: None) -> Bar:
    """Progress on standard error, silent with `-q`. `spent` says what this command has cost so far, in US dollars."""
    return Bar(sys.stderr, on=messages.LOG.isEnabledFor(logging.INFO), spent=spent)


def registry() -> Registry:
    """The graders that may be named here: the project's, or the built-in ones outside any project."""
    from evals.extensions import registry_of
    from graders.registry import BUILT_IN

    try:
        home = project()
    except InputError:
        return BUILT_IN
    return registry_of(home)


def personas(home: Project, suite: Suite, wanted: Sequence[str] | None) -> tuple[Persona, ...]:
    """The chosen revisions, or all; warnings about their headers go to standard error."""
    from evals.load_personas import find_persona, revisions

    chosen = (
        tuple(find_persona(home, suite.persona, name) for name in wanted) if wanted else revisions(home, suite.persona)
    )
    for persona in chosen:
        for warning in persona.warnings:
            say(plain(f"warning: {persona.source}:{warning.line}: {warning.message}"))
    return chosen


def recordings(home: Project, suite: str) -> list[Recording]:
    """A suite's recordings. Raises InputError with every one that is damaged."""
    from evals.recording import read_recordings

    folder = home.recordings / suite
    found, faults = read_recordings(folder, home.shown(folder))
    raise_all(faults)
    messages.detail(f"read {len(found)} recordings in {home.shown(folder)}")
    return found


def executor(home: Project, suite: Suite, *, execute: bool) -> Executor:
    """What grades by execution: this machine's sandbox, else the committed grades. Which one is said on standard error."""
    from evals.execution import Attacked, Recorded, executable, record_of
    from evals.scorecard_file import read_card

    if not any(executable(case) for case in suite.cases):
        return Recorded(reason="no criterion asks for it")
    reason = "--no-execute"
    if execute:
        from graders.execution.box import BoxError
        from graders.execution.sandbox import level

        try:
            found = level()
        except BoxError as error:
            reason = str(error)
        else:
            say(f"answers run in a sandbox of this machine ({found})")
            return Attacked(level=found)
    say(f"answers are not executed ({reason}); grades on record of the same answers are used")
    lines = [line for path in card_paths(home, suite) for line in read_card(path, home.shown(path)).grades]
    return Recorded(reason=reason, record=record_of(lines))


def card_paths(home: Project, suite: Suite) -> list[Path]:
    folder = home.scorecards / suite.id / suite.persona
    return [path for path in sorted(folder.glob("*.jsonl")) if not path.name.endswith(".grades.jsonl")]


def cards(home: Project, suite: Suite) -> list[Scorecard]:
    """All scorecards of the suite. Raises InputError when there is none."""
    from evals.scorecard_file import read_card

    paths = card_paths(home, suite)
    if not paths:
        raise InputError(f"no scorecards of `{suite.id}` yet; run `evals run`")
    return [read_card(path, home.shown(path)) for path in paths]


def card_path(home: Project, suite: Suite, wanted: str) -> Path:
    """Where the scorecard is that a revision or a path names; it need not be there."""
    from evals.scorecard_file import card_name

    if wanted.endswith(".jsonl"):
        return Path(wanted)
    return home.scorecards / suite.id / suite.persona / f"{card_name(wanted)}.jsonl"


def find_card(home: Project, suite: Suite, wanted: str) -> Scorecard:
    """A scorecard by revision or path."""
    from evals.scorecard_file import read_card

    path = card_path(home, suite, wanted)
    if not path.is_file():
        raise InputError(unknown("scorecard", wanted, [p.stem for p in card_paths(home, suite)]))
    messages.detail(f"read the scorecard {home.shown(path)}")
    return read_card(path, home.shown(path))


def recorded_answers(home: Project, suite: Suite, revision: str | None = None) -> dict[str, list[str]]:
    """Recorded answers of a revision, or of any, by case."""
    from evals.recording import answer_place

    folder = "[^/]+" if revision is None else re.escape(answer_place("case", revision, 1).split("/")[1])
    place = re.compile(rf"([^/]+)/{folder}/\d+")
    found: dict[str, list[str]] = {}
    for recording in recordings(home, suite.id):
        match = place.fullmatch(recording.place)
        if match:
            found.setdefault(match[1], []).append(recording.response.text)
    return found


def recorded_text(home: Project, suite: Suite, card: Scorecard, case: str, repeat: int) -> str | None:
    """The text of a recording at the place for it. Scorecards are files: a case id of one is no path until it is known."""
    from evals.recording import answer_place

    if suite.case(case) is None:
        return None
    path = home.recordings / suite.id / f"{answer_place(case, card.header.revision, repeat)}.json"
    try:
        text = json.loads(path.read_text(encoding="utf-8"))["response"]["text"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return text if isinstance(text, str) else None
