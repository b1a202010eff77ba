"""Drafts to case files: each proved sound before the first one appears, and none ever overwritten.

Here: checking and writing. Not here: where drafts come from.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from evals.data.mapping import Draft
from evals.errors import Fault, InputError, raise_all
from evals.extensions import registry_of
from evals.load import read_case
from evals.project import Project
from evals.report.safe import plain
from evals.schema import errors_of, schema_text
from evals.yaml_file import yaml_text
from graders.registry import Registry

EDITOR = "# yaml-language-server: $schema=../case.schema.json\n"


def write_cases(project: Project, suite: str, drafts: Sequence[Draft]) -> list[Path]:
    """Write the cases into a suite's folder; the paths of their files.

    Raises InputError with every fault of every draft, or for files that are there already; nothing was written then.
    """
    folder = project.cases / suite
    registry = registry_of(project)
    raise_all([fault for draft in drafts for fault in _schema_faults(draft)])
    raise_all([fault for draft in drafts for fault in _taken(folder, draft)])
    try:
        project.memory.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=project.memory, prefix="import-"))
        try:
            faults = [fault for draft in drafts for fault in _staged(project, stage, draft, registry)]
            raise_all(faults)
            return _move(stage, folder, [str(draft.data["id"]) for draft in drafts])
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {error.strerror or error}; nothing was written") from None


def _schema_faults(draft: Draft) -> Iterator[Fault]:
    """Names of attachments are checked here, before any of them becomes a path."""
    wrong = errors_of(dict(draft.data), schema_text("case.schema.json"))
    if wrong:
        yield from (Fault(message=message, file=draft.row) for message in wrong)
        return
    try:
        "".join([draft_text(draft), *(text for _, text in draft.attachments)]).encode()
    except UnicodeEncodeError:
        yield Fault(message="holds half a character (a lone surrogate)", file=draft.row)


def _taken(folder: Path, draft: Draft) -> Iterator[Fault]:
    for path in (folder / f"{draft.data['id']}.yaml", folder / str(draft.data["id"])):
        if os.path.lexists(path):
            message = f"`{path.name}` is in the suite already, and is not overwritten; nothing was written"
            yield Fault(message=message, file=draft.row)


def draft_text(draft: Draft) -> str:
    """The text of the case's file, with where it came from."""
    return f"{EDITOR}# imported from {plain(draft.row, 300)}\n{yaml_text(draft.data)}"


def _staged(project: Project, stage: Path, draft: Draft, registry: Registry) -> Iterator[Fault]:
    """Write a draft aside and read it as any case is read; what is wrong with it is told by its row."""
    path = stage / f"{draft.data['id']}.yaml"
    path.write_text(draft_text(draft), encoding="utf-8", newline="")
    if draft.attachments:
        path.with_suffix("").mkdir()
    for name, text in draft.attachments:
        (path.with_suffix("") / name).write_text(text, encoding="utf-8", newline="")
    case, faults = read_case(project, path, registry)
    yield from (replace(fault, file=draft.row, line=None) for fault in faults)
    if case is not None and case.message != draft.data["message"]:
        yield Fault(message="its message does not survive being written as YAML", file=draft.row)


def _move(stage: Path, folder: Path, names: Sequence[str]) -> list[Path]:
    """Attachments first: a case is there when its file is. Whatever was moved is taken back when something fails."""
    moved: list[Path] = []
    try:
        for name in names:
            if (stage / name).is_dir():
                (stage / name).rename(folder / name)
                moved.append(folder / name)
            # a link fails where something has appeared in the meantime; renaming would overwrite it
            os.link(stage / f"{name}.yaml", folder / f"{name}.yaml")
            moved.append(folder / f"{name}.yaml")
    except OSError:
        for path in reversed(moved):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        raise
    return [path for path in moved if path.suffix == ".yaml"]
