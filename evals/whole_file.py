"""Files that are there whole or not at all, whatever happens while they are written.

A text is written beside its place under one fixed name (`.NAME.tmp`) and then renamed. The writer holds a lock on that
draft, which ends with its process: what a killed one left behind is taken over by the next, and never adds up.
Not here: what is written, or files that grow.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path


def write_whole(path: Path, text: str | Iterable[str]) -> None:
    """Write a file, given whole or in parts, so that a reader, or a crash, sees either the old text or the new one. Raises OSError."""
    write_together({path: text})


def write_together(texts: Mapping[Path, str | Iterable[str]]) -> None:
    """Write files that belong together. Nothing is renamed until every text is on disk, and no other writer of these
    files comes between. Raises OSError, and then no file is half-written."""
    with ExitStack() as stack:
        # in one order for all, so that two writers never wait for each other
        drafts = {path: stack.enter_context(_draft(path)) for path in sorted(texts)}
        for path, draft in drafts.items():
            _fill(draft, texts[path])
        for path in drafts:
            _draft_of(path).replace(path)


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


@contextmanager
def _draft(path: Path) -> Iterator[int]:
    """The open and locked draft of a file; removed where it did not become the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = _draft_of(path)
    handle = _locked(place)
    try:
        yield handle
    except BaseException:
        if _is_at(handle, place):
            place.unlink()
        raise
    finally:
        os.close(handle)


def _locked(place: Path) -> int:
    """A handle on the draft that nobody else has. Links are refused: they could lead outside."""
    while True:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with suppress(OSError):  # not every network file system has locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_at(handle, place):
            return handle
        os.close(handle)  # the one waited for has become its file


def _is_at(handle: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), place.lstat())
    except FileNotFoundError:
        return False


def _fill(handle: int, text: str | Iterable[str]) -> None:
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n", errors="surrogatepass", closefd=False) as file:
        os.ftruncate(handle, 0)
        file.writelines([text] if isinstance(text, str) else text)
        file.flush()
        os.fsync(handle)
    os.fchmod(handle, 0o644)
