"""Where boxes have their shared folders: in memory where there is room, since a database of a thousand files is copied each time."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made in it is ours alone
ROOM = 2 * 1024**3
"""Bytes that have to be free in memory, for several boxes at once."""


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A new folder, deleted at the end. Folders below it lie on one file system, as `Postgres.join` asks."""
    in_memory = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    folder = Path(tempfile.mkdtemp(prefix="evals-", dir=MEMORY if in_memory else None))
    try:
        # a box's own user has to pass through, but not to list
        folder.chmod(0o711)
        yield folder
    finally:
        _delete(folder)


def _delete(folder: Path) -> None:
    """Also what code has left to hinder it: folders without rights, and deeper in one another than `shutil` can follow."""
    for command in (["rm", "-rf", "--"], ["chmod", "-R", "u+rwX", "--"], ["rm", "-rf", "--"]):
        subprocess.run([*command, folder], capture_output=True, check=False)
        if not folder.exists():
            return
