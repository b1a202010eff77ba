"""`evals list`: what there is."""

from __future__ import annotations

import argparse
from pathlib import Path

from evals.canonical import Json
from evals.commands import shared
from evals.errors import InputError
from evals.persona import Persona
from evals.project import Project


def execute(args: argparse.Namespace) -> int:
    rows = {
        "cases": _cases,
        "personas": _personas,
        "rules": _rules,
        "scorecards": _scorecards,
        "recordings": _recordings,
    }[args.what](args)
    if args.format == "json":
        shared.put_json(list(rows))
        return 0
    from evals.report.safe import plain
    from evals.report.tables import table

    headers = list(rows[0]) if rows else [args.what]
    shared.put(
        table([[plain(str(value), 80) for value in row.values()] for row in rows], headers)
        if rows
        else f"no {args.what}"
    )
    return 0


def _cases(args: argparse.Namespace) -> list[dict[str, Json]]:
    from evals.load import load_suite

    suite = load_suite(shared.project(), args.suite)
    return [
        {"case": c.id, "version": c.version, "family": c.family, "criteria": len(c.criteria), "title": c.title}
        for c in suite.cases
    ]


def _personas(args: argparse.Namespace) -> list[dict[str, Json]]:
    """The revisions of the suite, then the agent files of the project; outside any project those of this folder."""
    from evals.agents import agents_of

    try:
        home = shared.project()
    except InputError:
        found = [agent.persona for agent in agents_of(Path.cwd())]
        if found:
            shared.say("no project is here yet; `evals init DIR --persona FILE` makes one around an agent file")
        return [_persona(persona) for persona in found]
    agents = [agent.persona for agent in agents_of(home.root)]
    if agents:
        shared.say("agent files are asked by `evals run --persona FILE`, beside the numbered revisions")
    return [_persona(persona) for persona in [*_revisions(args, home), *agents]]


def _revisions(args: argparse.Namespace, home: Project) -> tuple[Persona, ...]:
    from evals.cli_options import SUITE
    from evals.load import load_settings, suite_ids

    if not suite_ids(home):
        return ()
    return shared.personas(home, load_settings(home, args.suite or home.only_suite(SUITE)), None)


def _persona(p: Persona) -> dict[str, Json]:
    return {
        "revision": p.revision,
        "persona": p.name,
        "file": p.source,
        "characters": len(p.body),
        "digest": p.digest[:12],
    }


def _rules(args: argparse.Namespace) -> list[dict[str, Json]]:
    from graders.index import RuleEntry, rule_entries

    own = [
        RuleEntry(r.id, r.version, r.dimension.value, r.severity.value, r.cwe, r.languages, "")
        for r in shared.registry().own_rules
    ]
    return [
        {
            "rule": r.id,
            "version": r.version,
            "dimension": r.dimension,
            "severity": r.severity,
            "cwe": r.cwe,
            "languages": ", ".join(r.languages),
        }
        for r in (*rule_entries(), *own)
    ]


def _scorecards(args: argparse.Namespace) -> list[dict[str, Json]]:
    from evals.load import load_settings
    from evals.scorecard_file import read_card

    home = shared.project()
    suite = load_settings(home, args.suite)
    cards = [(path, read_card(path, home.shown(path))) for path in shared.card_paths(home, suite)]
    return [
        {
            "scorecard": home.shown(path),
            "revision": c.header.revision,
            "model": c.header.model,
            "answers": c.header.repeats * len(c.header.cases),
        }
        for path, c in cards
    ]


def _recordings(args: argparse.Namespace) -> list[dict[str, Json]]:
    return [
        {
            "recording": r.place,
            "provenance": r.response.provenance.kind,
            "set": r.response.provenance.recording_set,
            "model": r.response.model or "not stated",
            "characters": len(r.response.text),
        }
        for r in shared.recordings(shared.project(), args.suite)
    ]
