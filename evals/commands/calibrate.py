"""`evals calibrate`: how far the recorded judge agrees with the truth, and whether it may gate."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from evals.calibrate import Calibration, calibrate
from evals.canonical import Json
from evals.case import Suite
from evals.commands import shared
from evals.errors import raise_all
from evals.gold import LABEL, executed_items, read_gold, write_gold
from evals.judge_record import Asked
from evals.load import load_suite
from evals.project import Project
from graders.judge.calibration import Measures


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    suite = load_suite(home, args.suite)
    if args.renew:
        _renew(home, suite)
    found = calibrate(home, suite, shared.recordings(home, suite.id), shared.cards(home, suite))
    if args.worst:
        _worst(args, suite, found)
    elif args.format == "json":
        shared.put_json(_json(found))
    else:
        from evals.report.calibration_tables import calibration_text

        shared.put(calibration_text(found))
    return 0


def _renew(home: Project, suite: Suite) -> None:
    """Take what the attacks decided anew; labels stay, except where attacks decide now."""
    items, faults = read_gold(home, suite.id)
    raise_all(faults)
    fresh = {item.name: item for item in executed_items(suite, shared.cards(home, suite))}
    kept = [item for item in items if item.provenance == LABEL and item.name not in fresh]
    path = write_gold(home, suite.id, [*fresh.values(), *kept])
    shared.say(f"{len(fresh)} items by execution and {len(kept)} labelled ones in {home.shown(path)}; run `evals lock`")


def _ranked(found: Calibration) -> list[Asked]:
    """Differing items, those with more votes against the truth first."""

    def against(one: Asked) -> float:
        return sum(vote.status is one.item.truth for vote in one.votes) / len(one.votes)

    return sorted((one for one in found.found if one.differs), key=lambda one: (against(one), one.item.name))


def _worst(args: argparse.Namespace, suite: Suite, found: Calibration) -> None:
    ranked = _ranked(found)
    if args.format == "json":
        shared.put_json([_worst_json(one) for one in ranked])
        return
    from evals.report.calibration_tables import worst_text

    statements = {
        one.item.name: criterion.statement
        for one in ranked
        if (case := suite.case(one.item.case)) and (criterion := case.criterion(one.item.criterion))
    }
    shared.put(worst_text(ranked, statements))


def _worst_json(one: Asked) -> dict[str, Json]:
    return {
        "item": one.item.name,
        "truth": one.item.truth.value,
        "provenance": one.item.provenance,
        "by": one.item.by,
        "truth_quote": one.item.quote,
        "truth_reason": one.item.reason,
        "votes": [vote.status.value for vote in one.votes],
        "judge_quotes": [evidence.quote for evidence in one.votes[0].evidence],
        "judge_reason": one.votes[0].reason,
    }


def _json(found: Calibration) -> dict[str, Json]:
    return {
        "suite": found.suite,
        "bound_to": found.bound_to,
        "items": len(found.found),
        "unasked": [item.name for item in found.unasked],
        "licensed": [dimension.value for dimension in found.licensed],
        "dimensions": [
            {
                "dimension": one.dimension.value if one.dimension else None,
                "held_out": _measures(one.held_out),
                "mending": _measures(one.mending),
                "labelled": _measures(one.labelled),
                "licence": {"granted": one.licence.granted, "reasons": list(one.licence.reasons)}
                if one.licence
                else None,
            }
            for one in found.measured
        ],
        "differential": [
            {"base": base, "candidate": candidate, "warnings": list(one.warnings)}
            for base, candidate, one in found.differentials
        ],
        "corrected": [
            {"revision": c.revision, "dimension": c.dimension.value, **asdict(c.correction)} for c in found.corrections
        ],
        "graders": [
            {"grader": g.grader, "kind": g.kind.value, "truth_by": g.against, **_measures(g.measures)}
            for g in found.graders
        ],
    }


def _measures(measures: Measures) -> dict[str, Json]:
    return dict(asdict(measures))
