"""The log of one run: append-only JSON Lines, so that a crash leaves at most one torn last line.

Here: what happened when, and whether a run came to its end or is still under way. Not here: scores.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evals.canonical import Json, spelled
from evals.errors import InputError


class RunLog:
    """Appends each event as one line in one write. Holds a lock that ends with the process."""

    def __init__(self, path: Path) -> None:
        """Begin a log, or go on with one. Raises InputError where it cannot be written, or its run is still under way."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise _unwritable(path, error) from None
        if not _lock(self._handle):
            os.close(self._handle)
            raise InputError(f"the run of {path.name} is still under way; wait for it, or stop it first")
        size = os.fstat(self._handle).st_size
        self._torn = size > 0 and os.pread(self._handle, 1, size - 1) != b"\n"

    def write(self, event: str, **details: Json) -> None:
        """Append an event. Raises InputError where it cannot be."""
        row = {"event": event, "at": datetime.now(UTC).isoformat(timespec="seconds"), **details}
        line = spelled(row).encode("utf-8", "surrogatepass") + b"\n"
        line = b"\n" + line if self._torn else line
        try:
            written = os.write(self._handle, line)
            self._torn = written < len(line)
            if self._torn:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - as the next write would say
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def close(self) -> None:
        os.close(self._handle)


def new_log(folder: Path, options: dict[str, Json]) -> RunLog:
    """A log for a new run, its options first. Raises InputError where the folder cannot be written."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    log = RunLog(folder / f"{stamp}-{os.getpid()}.jsonl")
    log.write("started", options=options)
    return log


def unfinished(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The newest run that has no end and that no process works at, and its options. Raises InputError where there is none."""
    under_way = False
    for path in sorted(folder.glob("*.jsonl"), reverse=True):
        events = [event for line in path.read_bytes().splitlines() if (event := _event(line))]
        if not events or events[0]["event"] != "started" or any(event["event"] == "ended" for event in events):
            continue
        if _owned(path):
            under_way = True
            continue
        options: dict[str, Any] = events[0]["options"]
        return path, options
    message = "there is no unfinished run to resume"
    raise InputError(f"{message} but one that is still under way" if under_way else message)


def _lock(handle: int) -> bool:
    """Take the lock of a log, or say that another process has it. A child of the process that has it does not."""
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # a file system without locks
    return True


def _owned(path: Path) -> bool:
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return not _lock(handle)
    finally:
        os.close(handle)


def _event(line: bytes) -> dict[str, Any] | None:
    """A line's event; None for the torn line that a crash may leave."""
    try:
        event = json.loads(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"the run log {path} cannot be written ({error.strerror}); free space or mend its folder, then run the same command again"
    )
