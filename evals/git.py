"""Reading a file as it was at a git revision."""

from __future__ import annotations

import subprocess
from pathlib import Path

from evals.errors import InputError


def file_at(path: Path, ref: str) -> str:
    """The text of a file at a git revision. Raises InputError when git does not know the revision or the file."""
    folder = path.parent if path.parent.is_dir() else Path()
    if ref.startswith("-"):
        raise InputError(f"{ref!r} is not a git revision")
    command = ["git", "-C", str(folder), "show", "--end-of-options", f"{ref}:./{path.name}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"git cannot be run: {error}") from None
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InputError(f"git has no {path}@{ref}: {reason[0] if reason else 'unknown reason'}")
    try:
        return done.stdout.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}@{ref} is not UTF-8 text") from None
