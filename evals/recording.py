"""A recording: a committed response, with the identity of its request and where it came from.

The request itself is not repeated in the file: it follows from case, persona and criterion, and its digest proves it.
Here: the value, its JSON form and its place. Not here: replaying.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.canonical import Json
from evals.errors import Fault
from evals.exchange import Provenance, Request, Response, Usage
from evals.schema import errors_of, schema_text
from evals.whole_file import write_whole

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Recording:
    """One recorded exchange."""

    digest: str
    """Digest of the request."""
    fields: dict[str, str]
    """Short spelling of each part of the request, to name the part that differs."""
    response: Response
    place: str
    """Path below the suite's folder of recordings, without ending: `jwt-auth/0001/2/judge/runbook.1.1`."""


def answer_place(case: str, revision: str, repeat: int) -> str:
    """Where a persona's answer is kept. A revision that is no plain name is kept under a digest of it."""
    from evals.canonical import digest

    folder = revision if PLAIN.fullmatch(revision) else digest(revision)[:16]
    return f"{case}/{folder}/{repeat}"


def recorded_repeat(recording: Recording) -> int:
    """The repeat that a recording's place names; 0 where it names none."""
    parts = recording.place.split("/")
    return int(parts[2]) if len(parts) > 2 and re.fullmatch(r"[1-9]\d{0,2}", parts[2]) else 0


def recorded_vote(recording: Recording) -> int:
    """The vote that a judge's recording's place names; 0 where it names none."""
    parts = recording.place.rsplit(".", 2)
    return int(parts[1]) if "/judge/" in recording.place and len(parts) == 3 and re.fullmatch(r"\d", parts[1]) else 0


def judge_place(answer: str, criterion: str, vote: int, attempt: int) -> str:
    """Where a judge's reply to a question about an answer is kept."""
    return f"{answer}/judge/{criterion}.{vote}.{attempt}"


def to_json(recording: Recording) -> dict[str, Json]:
    """What the file holds. Unknown values are null, never left out, never made up."""
    response, provenance = recording.response, recording.response.provenance
    usage: Json = None
    if response.usage:
        usage = {name: value for name, value in vars(response.usage).items() if value is not None}
    fields: dict[str, Json] = dict(recording.fields)
    return {
        "request": {"digest": recording.digest, "fields": fields},
        "response": {
            "model": response.model,
            "stop_reason": response.stop_reason,
            "usage": usage,
            "text": response.text,
        },
        "provenance": {
            "kind": provenance.kind,
            "recording_set": provenance.recording_set,
            "request_id": provenance.request_id,
            "declared": dict(provenance.declared),
        },
    }


def from_json(data: Any, place: str) -> Recording:
    """The recording in checked JSON data."""
    said, origin = data["response"], data["provenance"]
    provenance = Provenance(
        kind=origin["kind"],
        recording_set=origin["recording_set"],
        request_id=origin["request_id"],
        declared=tuple(sorted(origin["declared"].items())),
    )
    response = Response(
        text=said["text"],
        provenance=provenance,
        model=said["model"],
        stop_reason=said["stop_reason"],
        usage=Usage(**said["usage"]) if said["usage"] else None,
    )
    return Recording(digest=data["request"]["digest"], fields=data["request"]["fields"], response=response, place=place)


def record(request: Request, response: Response, place: str) -> Recording:
    return Recording(digest=request.digest, fields=request.fields, response=response, place=place)


def read_recordings(folder: Path, shown: str) -> tuple[list[Recording], list[Fault]]:
    """All recordings below a suite's folder, and the faults of files that are none."""
    schema = schema_text("recording.schema.json")
    recordings: list[Recording] = []
    faults: list[Fault] = []
    for path in _files(folder):
        place = path.relative_to(folder).with_suffix("").as_posix()
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            faults.append(Fault(message=f"is not readable JSON ({error})", file=f"{shown}/{place}.json"))
            continue
        wrong = errors_of(data, schema)
        faults += [Fault(message=message, file=f"{shown}/{place}.json") for message in wrong]
        if not wrong:
            recordings.append(from_json(data, place))
    return recordings, faults


def _files(folder: Path) -> Iterator[Path]:
    """JSON files below the folder, in order, links left out: they could lead outside."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        yield from (
            Path(root, name) for name in sorted(names) if name.endswith(".json") and not Path(root, name).is_symlink()
        )


def write_recording(folder: Path, recording: Recording) -> Path:
    """Write a recording at its place, whole or not at all."""
    path = folder / f"{recording.place}.json"
    write_whole(path, json.dumps(to_json(recording), ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    return path
