"""Files to values: the only reader of `prompts/`: revisions, agent files, instructions.

Here: finding and reading. Not here: what a header may look like (`evals.agent_file`), or cases (`evals.load`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evals.agent_file import read_agent
from evals.case import Case
from evals.errors import Fault, InputError, raise_all
from evals.load import read_text
from evals.messages import detail
from evals.nearest import nearest, unknown
from evals.persona import Persona
from evals.project import Project
from evals.yaml_file import read_yaml

if TYPE_CHECKING:
    from evals.instructions import Instructions

REVISION = re.compile(r"^(\d{4})-[a-z0-9-]+\.md$")


def revisions(project: Project, persona: str) -> tuple[Persona, ...]:
    """All numbered revisions of a persona, in order. Raises InputError when there is none, or a number stands twice."""
    folder = project.prompts / persona
    paths = sorted(path for path in folder.glob("*.md") if REVISION.match(path.name))
    numbers = [path.name[:4] for path in paths]
    raise_all(
        [
            Fault(message=f"revision {n} is there twice", file=project.shown(folder))
            for n in sorted(set(numbers))
            if numbers.count(n) > 1
        ]
    )
    if not folder.is_dir():
        personas = sorted(path.name for path in project.prompts.glob("*") if path.is_dir())
        raise InputError(unknown("persona", persona, personas, f" in {project.shown(project.prompts)}/"))
    if not paths:
        raise InputError(f"no revisions (`NNNN-slug.md`) in {project.shown(folder)}/{_agents_here(project)}")
    detail(f"read {len(paths)} revisions in {project.shown(folder)}")
    return tuple(
        read_agent(read_text(path, project.shown(path)), revision=path.name[:4], source=project.shown(path))
        for path in paths
    )


def _agents_here(project: Project) -> str:
    from evals.agents import agent_paths

    found = [project.shown(path) for path in agent_paths(project.root)]
    return f"; name an agent file with --persona ({', '.join(found[:5])})" if found else ""


def find_persona(project: Project, persona: str, wanted: str) -> Persona:
    """A revision by number (`0001`), by file, or as `PATH@GITREF` read through git."""
    if re.fullmatch(r"\d{4}", wanted):
        found = [p for p in revisions(project, persona) if p.revision == wanted]
        if not found:
            raise InputError(_no_revision(project, persona, wanted))
        return found[0]
    name, at, ref = wanted.rpartition("@")
    path = Path(name if at and not Path(wanted).exists() else wanted)
    if at and not Path(wanted).exists():
        from evals.git import file_at

        return read_agent(file_at(path, ref), revision=f"{project.shown(path)}@{ref}", source=wanted)
    if path == Path(path.name) and not path.suffix and not path.exists():
        raise InputError(_no_revision(project, persona, wanted))
    shown = project.shown(path)
    if not path.exists() and not path.suffix:
        raise InputError(Fault(message=f"no such revision or file{_agents_here(project)}", file=shown))
    numbered = REVISION.match(path.name) if path.resolve().parent == (project.prompts / persona).resolve() else None
    return read_agent(read_text(path, shown), revision=numbered[1] if numbered else shown, source=shown)


def _no_revision(project: Project, persona: str, wanted: str) -> str:
    known = [each.revision for each in revisions(project, persona)]
    return unknown("revision", wanted, known, f" of {persona}") + _agents_here(project)


def load_instructions(project: Project, persona: str) -> Instructions | None:
    """The persona's instructions, or None where it has no such file."""
    from evals.instructions import read_instructions

    path = project.prompts / persona / "instructions.yaml"
    if not path.is_file():
        return None
    shown = project.shown(path)
    located, faults = read_yaml(read_text(path, shown), shown)
    raise_all(faults)
    return read_instructions(located.data, shown)


def unknown_covers(cases: Sequence[Case], instructions: Instructions, folder: str) -> list[Fault]:
    """Criteria that name an instruction which the persona does not have."""
    known = {item.id for item in instructions.items}
    return [
        Fault(
            message=f"criterion `{criterion.id}` covers unknown instruction `{name}`{nearest(name, known)}",
            file=f"{folder}/{case.id}.yaml",
        )
        for case in cases
        for criterion in case.criteria
        for name in criterion.covers
        if name not in known
    ]
