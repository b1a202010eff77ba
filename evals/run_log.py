"""The log of one run: append-only JSON Lines, so that a crash leaves at most one torn last line.

Here: what happened when, and whether a run came to its end. Not here: scores.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.canonical import Json
from evals.errors import InputError


class RunLog:
    """Appends one line per event and flushes it at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a", encoding="utf-8", errors="surrogatepass")

    def write(self, event: str, **details: Json) -> None:
        line = json.dumps(
            {"event": event, "at": datetime.now(UTC).isoformat(timespec="seconds"), **details},
            ensure_ascii=False,
            sort_keys=True,
        )
        self._file.write(line + "\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def new_log(folder: Path, options: dict[str, Json]) -> RunLog:
    """A log for a new run, its options first. Raises InputError where the folder cannot be written."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    try:
        log = RunLog(folder / f"{stamp}-{os.getpid()}.jsonl")
    except OSError as error:
        raise InputError(f"the run log cannot be written: {error}") from None
    log.write("started", options=options)
    return log


def unfinished(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The newest run that has no end, and its options. Raises InputError when every run has ended."""
    for path in sorted(folder.glob("*.jsonl"), reverse=True):
        events = [event for line in path.read_text(encoding="utf-8").splitlines() if (event := _event(line))]
        if events and events[0].get("event") == "started" and not any(event["event"] == "ended" for event in events):
            options: dict[str, Any] = events[0]["options"]
            return path, options
    message = "there is no unfinished run to resume"
    raise InputError(message)


def _event(line: str) -> dict[str, Any] | None:
    """A line's event; None for the torn last line that a crash may leave."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
