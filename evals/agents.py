"""Agent files of a folder, as Claude Code finds them: Markdown below `.claude/agents/` whose header has a name.

Here: finding and naming them. Not here: reading one whole (`evals.agent_file`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evals.agent_file import read_agent
from evals.load import read_text
from evals.persona import Persona

AGENTS = Path(".claude", "agents")


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One agent file."""

    path: str
    """From the folder it was looked for in, as `--persona` takes it there."""
    persona: Persona


def agent_paths(start: Path) -> list[Path]:
    """The agent files of a folder, sorted. Raises InputError for one that cannot be read."""
    paths = sorted(path for path in (start / AGENTS).rglob("*.md") if path.is_file())
    return [path for path in paths if is_agent(read_text(path, path.relative_to(start).as_posix()))]


def is_agent(text: str) -> bool:
    """Whether a Markdown file is an agent; one without a name is a document."""
    return any(key == "name" for key, _ in read_agent(text, revision="", source="").header)


def agents_of(start: Path) -> list[Agent]:
    """The agent files of a folder with what is in them. The revision is the path, as a run of the file names it."""
    found = []
    for path in agent_paths(start):
        shown = path.relative_to(start).as_posix()
        found.append(Agent(path=shown, persona=read_agent(read_text(path, shown), revision=shown, source=shown)))
    return found
