"""What commands print for people: summaries made of tables and a few plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from evals.case import Suite
from evals.exchange import SCRIPTED
from evals.model_family import same_family
from evals.report.tables import dimension_table, edges, items_table, promise_share, side_by_side
from evals.scorecard import Scorecard
from graders.criterion import Dimension, Kind
from graders.judge.panel import panel_version
from graders.judge.question import judge_version

SOURCES = {
    "replay": "recorded answers, replayed offline",
    "live": "live answers",
    "batch": "live answers",
    "scripted": "scripted texts, written by hand: no model was asked",
}
"""Where the answers of a run came from, by its provider."""


def run_summary(suite: Suite, cards: Sequence[Scorecard], *, provider: str) -> str:
    """The scorecard of one revision, or several side by side, and what the figures rest on."""
    head = cards[0].header
    parts = [
        f"{suite.id}: {count(len(head.cases), 'case')}, {count(head.repeats, 'answer')} each, {SOURCES[provider]}",
        f"model {head.model}; judge {head.judge} ({head.judge_context})",
        "",
    ]
    if len(cards) == 1:
        parts.append(dimension_table(cards[0]))
    else:
        parts.append(side_by_side(cards))
        if any(line.interval for card in cards for line in card.dimensions):
            parts += ["", "Score and its 95 % interval for these cases asked again."]
    parts += ["", *notes(cards)]
    return "\n".join(parts)


def count(number: int, noun: str) -> str:
    """
    >>> count(1, "case"), count(3, "case")
    ('1 case', '3 cases')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def notes(cards: Sequence[Scorecard]) -> list[str]:
    """What a reader must know of the figures above."""
    decided = {
        kind: sum(dict(line.decided_by).get(kind, 0) for card in cards for line in card.criteria) for kind in Kind
    }
    unscored = sum(line.unscored for card in cards for line in card.criteria)
    total = sum(decided.values()) + unscored
    said = ", ".join(f"{decided[kind]} by {kind.value}" for kind in Kind if decided[kind])
    lines = [f"{total} criteria of answers: {said or 'none decided'}; {unscored} unscored."]
    asked = sum(line.executable for card in cards for line in card.criteria)
    if asked:
        lines.append(
            f"{decided[Kind.EXECUTION]} of {asked} executable criteria of answers were decided by running the code."
        )
    if decided[Kind.JUDGE]:
        lines += judge_notes(cards)
    if decided and promise_share(cards):
        lines.append(
            f"`without promises` leaves out the {promise_share(cards)} criteria that ask for what the persona promises unasked."
        )
    return lines


def judge_notes(cards: Sequence[Scorecard]) -> list[str]:
    """How far the judge of these scorecards may be believed."""
    header = cards[0].header
    licensed = set(header.licensed).intersection(*(card.header.licensed for card in cards))
    names = ", ".join(dimension.value for dimension in Dimension if dimension in licensed)
    lines = [
        f"The judge has a licence in {names}; elsewhere what it decided is advisory and can fail no build."
        if names
        else "The judge has no licence: what it decided is advisory and can fail no build (`evals calibrate` says why)."
    ]
    family = None if header.model == SCRIPTED else same_family(header.model, header.judge)
    if family:
        lines.append(f"Judge and answers are of one family ({family}): a judge may favour what it would have written.")
    found = [card.highlights for card in cards]
    if panels := sum(each.panels for each in found):
        lines.append(
            f"The judge's votes were unanimous on {sum(each.unanimous for each in found)} of {panels} questions."
        )
    stale = sorted({v for card in cards for name, v in card.header.graders if name == "judge"} - _current_versions())
    if stale:
        lines.append(
            f"Judge grades of another rubric ({', '.join(stale)}; now {judge_version()}) are stale: run `evals run` again."
        )
    return lines


def _current_versions() -> set[str]:
    return {panel_version(judge_version(), seats) for seats in range(1, 10, 2)}


def show_summary(cards: Sequence[Scorecard], *, items: bool) -> str:
    """Revisions side by side, with each criterion if asked."""
    parts = [dimension_table(cards[0]) if len(cards) == 1 else side_by_side(cards), ""]
    if items:
        found = edges(cards)
        total = len(found["all"])
        parts += [items_table(cards), ""]
        for place, words in (
            ("ceiling", "passed always, by every revision"),
            ("floor", "passed never, by no revision"),
        ):
            names = found[place]
            parts += [
                f"{place}: {len(names)} of {total} criteria ({100 * len(names) / total:.0f} %) are {words}",
                *(f"  {name}" for name in names),
            ]
        parts.append("")
    return "\n".join([*parts, *notes(cards)])
