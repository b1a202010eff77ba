"""What several verbs need: the project, the chosen revisions, recordings and scorecards."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from evals.canonical import Json
from evals.case import Suite
from evals.errors import InputError, raise_all
from evals.exchange import Provider
from evals.execution import Attacked, Executor, Recorded, executable, record_of
from evals.load import find_persona, revisions
from evals.persona import Persona
from evals.prices import read_prices
from evals.project import Project, find_project
from evals.recording import Recording, answer_place, read_recordings
from evals.report.safe import plain
from evals.scorecard import Scorecard
from evals.scorecard_file import card_name, read_card
from evals.usage import Meter
from graders.execution.box import BoxError


def project() -> Project:
    return find_project(Path.cwd())


def say(text: str) -> None:
    """A message for people, on standard error."""
    print(text, file=sys.stderr)


def put(text: str) -> None:
    """The result, on standard output, whatever the terminal can spell."""
    try:
        print(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding))


def put_json(data: Json) -> None:
    put(json.dumps(data, ensure_ascii=False, indent=1, sort_keys=False))


def personas(home: Project, suite: Suite, wanted: Sequence[str] | None) -> tuple[Persona, ...]:
    """The chosen revisions, or all; warnings about their headers go to standard error."""
    chosen = (
        tuple(find_persona(home, suite.persona, name) for name in wanted) if wanted else revisions(home, suite.persona)
    )
    for persona in chosen:
        for warning in persona.warnings:
            say(plain(f"warning: {persona.source}:{warning.line}: {warning.message}"))
    return chosen


def recordings(home: Project, suite: str) -> list[Recording]:
    """A suite's recordings. Raises InputError with every one that is damaged."""
    folder = home.recordings / suite
    found, faults = read_recordings(folder, home.shown(folder))
    raise_all(faults)
    return found


@asynccontextmanager
async def live_provider(home: Project) -> AsyncIterator[Provider]:
    """The API behind this machine's memory of what it already answered."""
    from evals.providers.cached import Cache, CachedProvider
    from evals.providers.live import LiveProvider

    cache = Cache(home.memory / "cache")
    try:
        async with LiveProvider() as live:
            yield CachedProvider(live, cache)
    finally:
        cache.close()


@asynccontextmanager
async def batch_provider(home: Project) -> AsyncIterator[Provider]:
    """Message Batches behind the same memory, with the record of the batches that are under way."""
    from evals.providers.batch import BatchProvider
    from evals.providers.batch_api import BatchApi
    from evals.providers.batch_ledger import Ledger
    from evals.providers.cached import Cache
    from evals.providers.live import LiveProvider

    live, api = LiveProvider(), BatchApi()
    ledger = Ledger(home.memory / "batches")
    try:
        cache = Cache(home.memory / "cache")
        try:
            async with live, api:
                yield BatchProvider(live, api, cache, ledger, say=lambda text: say(plain(text)))
        finally:
            cache.close()
    finally:
        ledger.close()


def executor(home: Project, suite: Suite, *, execute: bool) -> Executor:
    """What grades by execution: this machine's sandbox, else the committed grades. Which one is said on standard error."""
    if not any(executable(case) for case in suite.cases):
        return Recorded(reason="no criterion asks for it")
    reason = "--no-execute"
    if execute:
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


def meter() -> Meter:
    """Adds up what answers cost, at the prices of today."""
    return Meter(read_prices(), datetime.now(tz=UTC).date().isoformat())


def card_paths(home: Project, suite: Suite) -> list[Path]:
    folder = home.scorecards / suite.id / suite.persona
    return [path for path in sorted(folder.glob("*.jsonl")) if not path.name.endswith(".grades.jsonl")]


def cards(home: Project, suite: Suite) -> list[Scorecard]:
    """All scorecards of the suite. Raises InputError when there is none."""
    paths = card_paths(home, suite)
    if not paths:
        raise InputError(f"no scorecards of `{suite.id}` yet; run `evals run`")
    return [read_card(path, home.shown(path)) for path in paths]


def card_path(home: Project, suite: Suite, wanted: str) -> Path:
    """Where the scorecard is that a revision or a path names; it need not be there."""
    if wanted.endswith(".jsonl"):
        return Path(wanted)
    return home.scorecards / suite.id / suite.persona / f"{card_name(wanted)}.jsonl"


def find_card(home: Project, suite: Suite, wanted: str) -> Scorecard:
    """A scorecard by revision or path."""
    path = card_path(home, suite, wanted)
    if not path.is_file():
        there = ", ".join(p.stem for p in card_paths(home, suite)) or "none"
        raise InputError(f"no scorecard `{wanted}` (there: {there})")
    return read_card(path, home.shown(path))


def recorded_answers(home: Project, suite: Suite, revision: str) -> dict[str, list[str]]:
    """Recorded answers of a revision, by case."""
    place = re.compile(rf"([^/]+)/{re.escape(revision)}/\d+")
    found: dict[str, list[str]] = {}
    for recording in recordings(home, suite.id):
        match = place.fullmatch(recording.place)
        if match:
            found.setdefault(match[1], []).append(recording.response.text)
    return found


def recorded_text(home: Project, suite: Suite, card: Scorecard, case: str, repeat: int) -> str | None:
    """The text of a recording at the place for it. Scorecards are files: a case id of one is no path until it is known."""
    if suite.case(case) is None:
        return None
    path = home.recordings / suite.id / f"{answer_place(case, card.header.revision, repeat)}.json"
    try:
        text = json.loads(path.read_text(encoding="utf-8"))["response"]["text"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return text if isinstance(text, str) else None
