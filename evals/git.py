"""What git knows: a file at a revision, who is at work, and whether files are committed as they are."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from evals.errors import InputError


def file_at(path: Path, ref: str) -> str:
    """The text of a file at a git revision. Raises InputError when git does not know the revision or the file."""
    folder = path.parent if path.parent.is_dir() else Path()
    if ref.startswith("-"):
        raise InputError(f"{ref!r} is not a git revision")
    done = _git(folder, "show", "--end-of-options", f"{ref}:./{path.name}")
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InputError(f"git has no {path}@{ref}: {reason[0] if reason else 'unknown reason'}")
    try:
        return done.stdout.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}@{ref} is not UTF-8 text") from None


def identity(folder: Path) -> str:
    """Who would commit here, as `Name <address>`. Raises InputError when git does not know."""
    done = _git(folder, "var", "GIT_AUTHOR_IDENT")
    name = done.stdout.decode("utf-8", "replace").rpartition(">")[0]
    if done.returncode != 0 or not name:
        raise InputError("git does not know who you are; set `git config user.name` and `git config user.email`")
    return f"{name}>"


def commit_of(folder: Path, paths: Sequence[Path]) -> str | None:
    """The newest commit, if it holds all the files exactly as they are now; else None."""
    names = [str(path) for path in paths]
    tracked = _git(folder, "ls-files", "--error-unmatch", "--", *names)
    changed = _git(folder, "status", "--porcelain", "--", *names)
    head = _git(folder, "rev-parse", "HEAD")
    clean = tracked.returncode == changed.returncode == head.returncode == 0 and not changed.stdout.strip()
    return head.stdout.decode("ascii").strip() if clean else None


def _git(folder: Path, *argv: str) -> subprocess.CompletedProcess[bytes]:
    """Raises InputError where git cannot be run."""
    command = ["git", "-C", str(folder), *argv]
    try:
        return subprocess.run(command, capture_output=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"git cannot be run: {error}") from None
