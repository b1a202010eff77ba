"""A folder that is written whole or not at all, and that never takes the place of somebody else's files.

Here: the exchange of folders. Not here: what is in them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from evals.errors import InputError


def replace_folder(target: Path, names: Collection[str], mark: str, write: Callable[[Path], None]) -> None:
    """Have `write` fill a new folder, which then takes the place of the target.

    names: the files that will be in it. mark: a text that its README.md holds, by which an older one is known.
    Raises InputError where the target is a file, a link, or a folder with anything else in it, and where it cannot be
    written; nothing that was there is changed then.
    """
    _refuse_strangers(target, names, mark)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from None
    try:
        write(stage)
        stage.chmod(0o755)
        _swap(stage, target)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _refuse_strangers(target: Path, names: Collection[str], mark: str) -> None:
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError(f"{target} is no folder; name a new one")
    if not target.exists():
        return
    there = {path.name for path in target.iterdir()}
    if not there:
        return
    readme = target / "README.md"
    known = readme.is_file() and mark in readme.read_text(encoding="utf-8", errors="replace")
    strangers = sorted(there - set(names))
    if strangers or not known:
        found = ", ".join(strangers[:5] or sorted(there)[:5])
        raise InputError(f"{target} holds something else ({found}); nothing was written. Name a new folder")


def _swap(stage: Path, target: Path) -> None:
    """Put the new folder in place. Between the two renamings the old one lies beside it, complete."""
    if not target.exists():
        stage.rename(target)
        return
    old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.old."))
    target.rename(old)
    try:
        stage.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old)
