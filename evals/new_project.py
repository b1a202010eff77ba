"""A new project around an agent file: which files it consists of, and writing them so that nothing is ever overwritten.

Here: finding the agent file, filling in the templates, writing. Not here: what is said about it (`evals.commands.starting`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path

from evals.agent_file import read_agent
from evals.agents import agent_paths
from evals.errors import Fault, InputError
from evals.load import read_text
from evals.persona import Persona
from evals.schema import schema_text
from evals.slug import slug

CASE = "customer-lookup"
SAMPLE = "the sample persona"


@dataclass(frozen=True, kw_only=True)
class Found:
    """The agent file that a project is made around."""

    text: str
    persona: Persona

    @property
    def slug(self) -> str:
        """The persona's name as a folder and a suite may be called.

        >>> Found(text="", persona=Persona(name="Code_Reviewer", revision="", body="")).slug
        'code-reviewer'
        """
        return slug(self.persona.name) or "persona"


def find_agent(start: Path, wanted: str | None) -> Found:
    """The agent file that was named, else the only one in `.claude/agents/`, else the sample.

    Raises InputError where there are several, and for a file that is no prompt.
    """
    if wanted is not None:
        return _found(Path(wanted), wanted)
    agents = agent_paths(start)
    if len(agents) > 1:
        names = ", ".join(path.relative_to(start).as_posix() for path in agents[:20])
        message = f"{len(agents)} agent files are here; name one with --persona ({names})"
        raise InputError(message)
    if agents:
        return _found(agents[0], agents[0].relative_to(start).as_posix())
    text = _template("persona.md")
    return Found(text=text, persona=read_agent(text, revision="0001", source=SAMPLE))


def _found(path: Path, shown: str) -> Found:
    text = read_text(path, shown)
    persona = read_agent(text, revision="0001", source=shown)
    if not persona.body:
        raise InputError(Fault(message="has no body, and the body is the prompt that is tested", file=shown))
    return Found(text=text, persona=persona)


def project_files(found: Found, below: str) -> dict[str, str]:
    """Path and text of each file of the project. `below` is its folder inside a repository, or empty."""
    version = metadata.version("persona-evals")
    values = {
        "SUITE": found.slug,
        "VERSION": version,
        "BELOW": f"\ndefaults:\n  run:\n    working-directory: {_quoted(below)}\n" if below else "",
    }
    suite, script = f"cases/{found.slug}", f"scripted/{found.slug}/{CASE}"
    files = {
        f"prompts/{found.slug}/0001-first.md": found.text,
        "cases/case.schema.json": schema_text("case.schema.json"),
    }
    templates = {
        f"{suite}/suite.yaml": "suite.yaml",
        f"{suite}/{CASE}.yaml": "case.yaml",
        f"{script}/answer.md": "answer.md",
        f"{script}/judge/absence-explained.json": "absence-explained.json",
        "Makefile": "Makefile",
        ".github/workflows/evals.yml": "workflow.yml",
        ".gitignore": "gitignore",
        "README.md": "README.md",
        "requirements.txt": "requirements.txt",
    }
    return files | {path: _filled(_template(name), values) for path, name in templates.items()}


def suite_text(suite: str) -> str:
    """The `suite.yaml` of a new suite whose persona has its name."""
    return _filled(_template("suite.yaml"), {"SUITE": suite})


def _quoted(path: str) -> str:
    """A path as a YAML scalar, whatever is in it."""
    import json

    return json.dumps(path)


def _template(name: str) -> str:
    return resources.files("evals").joinpath("templates", name).read_text(encoding="utf-8")


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], text)


def repository_of(folder: Path) -> Path | None:
    """The git repository that a folder, which need not be there, lies in."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def write_project(folder: Path, files: Mapping[str, str]) -> None:
    """Write all files, or none. Raises InputError where one is there already, or cannot be written."""
    taken = [name for name in files if os.path.lexists(folder / name)]
    if taken:
        faults = [Fault(message="is there already, and is not overwritten; nothing was written", file=n) for n in taken]
        raise InputError(*faults)
    written: list[Path] = []
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        message = f"{error.filename or folder}: {error.strerror or error}; nothing was written"
        raise InputError(message) from None
