"""`evals bless`: make a scorecard the baseline that `evals gate` measures against."""

from __future__ import annotations

import argparse

from evals.baselines import Baseline, baselines_path, grades_path, read_baselines, text_digests, write_baselines
from evals.canonical import Json
from evals.commands import shared
from evals.errors import InputError
from evals.git import commit_of, identity
from evals.load import load_suite
from evals.report.safe import plain


def execute(args: argparse.Namespace) -> int:
    home = shared.project()
    suite = load_suite(home, args.suite)
    reason = " ".join(args.reason.split())
    if not reason:
        raise InputError("--reason must say why this is the scorecard to measure against")
    card = shared.find_card(home, suite, args.scorecard)
    path = shared.card_path(home, suite, args.scorecard).resolve()
    if not path.is_relative_to(home.root.resolve()) or path.is_relative_to(home.memory.resolve()):
        raise InputError(
            f"{home.shown(path)} is not among the project's results, so nobody else would have it; "
            "write it there first (`evals run --out results/…`)"
        )
    if card.header.suite != suite.id:
        raise InputError(f"the scorecard is of suite `{card.header.suite}`; name it with --suite")
    if card.unscored_share > suite.unscored_limit:
        raise InputError(
            f"{100 * card.unscored_share:.0f} % of the scorecard's criteria were decided by nobody "
            f"(limit {100 * suite.unscored_limit:.0f} %); such a baseline hides losses"
        )
    text, grades = text_digests(path)
    baseline = Baseline(
        scorecard=home.shown(path),
        digest=text,
        grades_digest=grades,
        persona=card.header.persona,
        revision=card.header.revision,
        persona_digest=card.header.persona_digest,
        commit=commit_of(home.root, [path, grades_path(path)]),
        by=identity(home.root),
        reason=reason,
    )
    write_baselines(home, {**read_baselines(home), suite.id: baseline})
    data: dict[str, Json] = {
        "suite": suite.id,
        **{n: getattr(baseline, n) for n in ("scorecard", "persona", "revision", "commit", "by", "reason")},
    }
    said = f"{baseline.scorecard} is the baseline of {suite.id}; wrote {home.shown(baselines_path(home))}"
    shared.put_result(args, data, plain(said))
    if baseline.commit is None:
        shared.say("warning: the scorecard is not committed as it is; commit it together with the baseline")
    return 0
