"""`evals import promptfoo` and `evals import plugin-eval`: case files made of other tools' files, and what was left out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from evals.agents import agents_of
from evals.canonical import Json
from evals.commands import shared
from evals.errors import InputError
from evals.importers.imported import Import, LeftOut, case_files
from evals.nearest import unknown
from evals.new_project import find_agent, write_project
from evals.project import Project, find_project
from evals.report.safe import plain
from evals.slug import slug
from graders.criterion import Dimension


def execute(args: argparse.Namespace) -> int:
    if len(args.files) != 1:
        message = f"{args.what} takes one configuration; import several one after the other"
        raise InputError(message)
    source = Path(args.files[0])
    home = _home()
    found = _read(args.what, source)
    suite = args.suite or slug(source.resolve().name if source.is_dir() else source.resolve().parent.name) or "imported"
    if suite != slug(suite):
        message = f"a suite's name is lower case with hyphens, this is {suite!r}"
        raise InputError(message)
    if args.dimension not in list(Dimension):
        raise InputError(unknown("dimension", args.dimension, list(Dimension)))
    files, unfit = case_files(found, home, suite, source.name, Dimension(args.dimension))
    cases = [n for n in files if n.startswith(f"cases/{suite}/") and n != f"cases/{suite}/suite.yaml"]
    left_out = [*found.left_out, *unfit]
    if not cases:
        _show(args, suite, [], left_out)
        message = f"{source}: no case could be made; nothing was written"
        raise InputError(message)
    if args.persona:
        files = _with_persona(files, suite, args.persona)
    write_project(home.root, files)
    _show(args, suite, cases, left_out)
    _next(home, suite, found)
    return 0


def _home() -> Project:
    """The project, or this folder, which becomes one."""
    try:
        return find_project(Path.cwd())
    except InputError:
        return Project(Path.cwd())


def _read(what: str, source: Path) -> Import:
    if what == "promptfoo":
        from evals.importers.promptfoo import read_promptfoo

        return read_promptfoo(source)
    from evals.importers.plugin_eval import read_plugin_eval

    return read_plugin_eval(source)


def _with_persona(files: dict[str, str], suite: str, wanted: Sequence[str]) -> dict[str, str]:
    """The files with an agent file as the first revision, in place of what would stand there."""
    prompts = f"prompts/{suite}/"
    agents = [find_agent(Path.cwd(), name).text for name in wanted]
    kept = {name: text for name, text in files.items() if not name.startswith(prompts)}
    return kept | {f"{prompts}{number:04}-imported.md": text for number, text in enumerate(agents, 1)}


def _show(args: argparse.Namespace, suite: str, cases: Sequence[str], left_out: Sequence[LeftOut]) -> None:
    if args.format == "json":
        rows: list[Json] = [{"where": one.where, "what": one.what, "why": one.why} for one in left_out]
        shared.put_json({"suite": suite, "cases": list(cases), "left_out": rows})
        return
    if cases:
        shared.put(f"{len(cases)} case{'s' if len(cases) > 1 else ''} in cases/{suite}/")
    if left_out:
        shared.put(f"{len(left_out)} things could not be carried over:")
    groups: dict[tuple[str, str], list[str]] = {}
    for one in left_out:
        groups.setdefault((one.what, one.why), []).append(one.where)
    for (what, why), places in groups.items():
        more = f" and {len(places) - 3} more places" if len(places) > 3 else ""
        shared.put("  " + plain(f"{', '.join(places[:3])}{more}: {what}: {why}", 400))


def _next(home: Project, suite: str, found: Import) -> None:
    shared.say(
        f"every criterion's dimension is a guess; set it, then `evals run --suite {suite} --provider scripted` tries the cases"
    )
    agents = agents_of(home.root)
    if agents and not found.systems:
        names = ", ".join(agent.path for agent in agents[:5])
        shared.say(
            plain(f"agent files here: {names}; `evals run --suite {suite} --persona FILE` asks with one of them")
        )
