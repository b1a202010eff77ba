"""`evals list`: what there is."""

from __future__ import annotations

import argparse

from evals.canonical import Json
from evals.commands import shared


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
    from evals.load import load_settings

    home = shared.project()
    suite = load_settings(home, args.suite)
    return [
        {
            "revision": p.revision,
            "persona": p.name,
            "file": p.source,
            "characters": len(p.body),
            "digest": p.digest[:12],
        }
        for p in shared.personas(home, suite, None)
    ]


def _rules(args: argparse.Namespace) -> list[dict[str, Json]]:
    from graders.index import rule_entries

    return [
        {
            "rule": r.id,
            "version": r.version,
            "dimension": r.dimension,
            "severity": r.severity,
            "cwe": r.cwe,
            "languages": ", ".join(r.languages),
        }
        for r in rule_entries()
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
