"""`evals init`: a working project around an agent file, and what to do with it next."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from evals.commands import shared
from evals.new_project import SAMPLE, find_agent, project_files, repository_of, write_project
from evals.report.safe import plain


def execute(args: argparse.Namespace) -> int:
    here, folder = Path.cwd(), Path(args.folder).resolve()
    found = find_agent(here, args.persona)
    repository = repository_of(folder)
    below = folder.relative_to(repository).as_posix() if repository and repository != folder else ""
    files = project_files(found, below)
    write_project(folder, files)
    for warning in found.persona.warnings:
        shared.say(plain(f"warning: {found.persona.source}:{warning.line}: {warning.message}"))
    if args.format == "json":
        shared.put_json(
            {
                "folder": args.folder,
                "files": list(files),
                "persona": found.persona.name,
                "source": None if found.persona.source == SAMPLE else found.persona.source,
            }
        )
        return 0
    source = "" if found.persona.source == SAMPLE else f" (a copy of {found.persona.source})"
    shared.put(plain(f"{len(files)} files in {args.folder}, around {found.persona.name}{source}"))
    if found.persona.source == SAMPLE:
        shared.put("no agent file was named or found in .claude/agents/, so it has a small sample; see --persona")
    if below:
        shared.say(
            plain(
                f"note: {args.folder} lies inside the repository {repository}, and GitHub reads workflows at its top only: "
                f"move {below}/.github/workflows/evals.yml to .github/workflows/"
            )
        )
    step = "" if folder == here.resolve() else f"cd {plain(shlex.quote(args.folder))} && "
    shared.put(f"next: {step}make eval    # offline, with a scripted answer; README.md there says how to go live")
    return 0
