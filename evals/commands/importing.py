"""`evals import responses`: keep what came back as recordings, with where it came from."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from evals.commands import shared
from evals.commands.export import wanted
from evals.errors import Fault, InputError, raise_all
from evals.exchange import Provenance, Response, Usage
from evals.json_lines import checked_rows
from evals.load import read_text
from evals.pending import Wanted
from evals.recording import record, write_recording

PASSES = 3
"""Answers open judge requests, and invalid judge replies open second attempts: a file may hold all three."""


def execute(args: argparse.Namespace) -> int:
    """Responses are kept here; labels and cases have modules of their own."""
    if args.what == "labels":
        from evals.commands import labels

        return labels.execute(args)
    if args.what == "cases":
        from evals.commands import import_cases

        return import_cases.execute(args)
    return _responses(args)


def _responses(args: argparse.Namespace) -> int:
    if len(args.files) != 1:
        raise InputError("responses come from one file; concatenate several")
    home = shared.project()
    (args.file,) = args.files
    declared = read_declared(args.declare)
    rows, skipped = read_results(args.file)
    responses = {
        custom_id: read_response(message, args.recording_set, declared, f"{args.file}:{line}")
        for custom_id, (line, message) in rows.items()
    }
    folder = home.recordings / args.suite
    kept = 0
    already: set[str] = set()
    for _ in range(PASSES):
        known = {item.request.digest: item for item in wanted(args, home)}
        already |= {digest for digest, item in known.items() if item.recording is not None and digest in responses}
        found: list[tuple[Wanted, Response]] = [
            (item, responses.pop(digest)) for digest, item in known.items() if digest in responses
        ]
        for item, response in found:
            if item.recording is None:
                write_recording(folder, record(item.request, response, item.place))
                kept += 1
        if not found:
            break
    for line, reason in skipped:
        shared.say(f"{args.file}:{line}: not kept: {reason}")
    shared.put(
        f"kept {kept} responses as recordings in {home.shown(folder)}; {len(already)} were there already and stay as they are"
    )
    if kept:
        shared.say("run `evals lock` to bind them")
    raise_all(
        [
            Fault(
                message=f"no pending request has custom_id {custom_id[:16]}…; export again, the case or the persona may have changed",
                file=args.file,
                line=rows[custom_id][0],
            )
            for custom_id in responses
        ]
    )
    return 0


def read_declared(file: str | None) -> tuple[tuple[str, str], ...]:
    if file is None:
        return ()
    try:
        data = json.loads(read_text(Path(file), file))
    except ValueError as error:
        raise InputError(Fault(message=f"is not JSON ({error})", file=file)) from None
    if not isinstance(data, dict) or not data or not all(isinstance(value, str) for value in data.values()):
        raise InputError(Fault(message="must be a JSON object of topic: statement, both text", file=file))
    return tuple(sorted(data.items()))


def read_results(file: str) -> tuple[dict[str, tuple[int, dict[str, Any]]], list[tuple[int, str]]]:
    """Messages by custom id with their lines, and the lines whose request did not succeed. Raises InputError with every broken line."""
    text = sys.stdin.read() if file == "-" else read_text(Path(file), file)
    found, faults = checked_rows(text, file, "batch-result.schema.json")
    rows: dict[str, tuple[int, dict[str, Any]]] = {}
    skipped: list[tuple[int, str]] = []
    for number, data in found:
        if data["result"]["type"] != "succeeded":
            skipped.append((number, f"the request {data['result']['type']}"))
        elif data["custom_id"] in rows:
            faults.append(Fault(message="the same custom_id stands here twice", file=file, line=number))
        else:
            rows[data["custom_id"]] = (number, data["result"]["message"])
    raise_all(faults)
    return rows, skipped


def read_response(
    message: dict[str, Any], recording_set: str | None, declared: tuple[tuple[str, str], ...], where: str
) -> Response:
    """A response with its provenance: the API's own where it names its id, else what the importer declares."""
    text = "".join(block["text"] for block in message["content"] if block["type"] == "text")
    usage = message.get("usage")
    counted = (
        Usage(**{name: usage[name] for name in Usage.__dataclass_fields__ if isinstance(usage.get(name), int)})
        if usage
        else None
    )
    if message.get("id") and message.get("model") and usage:
        provenance = Provenance(kind="api", request_id=message["id"], recording_set=recording_set, declared=declared)
    elif recording_set and declared:
        provenance = Provenance(kind="imported", recording_set=recording_set, declared=declared)
    else:
        raise InputError(
            f"{where}: the response does not say which model answered it; name a recording set (--set) and declare how it was made (--declare)"
        )
    return Response(
        text=text,
        model=message.get("model"),
        stop_reason=message.get("stop_reason"),
        usage=counted,
        provenance=provenance,
    )
