"""A comparison for a terminal: the verdict first, then what it rests on, in short lines.

Here: layout. Not here: figures (they come with the comparison), Markdown, HTML.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from evals.comparison import Basis, Change, Comparison, Flip, Verdict
from evals.context import SIDES, Context, SideName
from evals.report.colour import BETTER, STRONG, WORSE, paint
from evals.report.flips import share, speaking
from evals.report.persona_diff import diff_lines, touched
from evals.report.rows import HEADERS, change_row, cost_rows
from evals.report.safe import plain
from evals.report.tables import table
from evals.scorecard import Header
from graders.criterion import Kind

WIDTH = 100
MOST = 20
"""Flips shown with their evidence."""
HUE = {Verdict.REGRESSED: WORSE, Verdict.IMPROVED: BETTER}


def comparison_text(comparison: Comparison, context: Context, *, colour: bool = False) -> str:
    """The whole, for people."""
    parts = [
        _verdict(comparison, colour=colour),
        "\n".join(_sides(comparison)),
        *(_scores(comparison, basis, colour=colour) for basis in Basis),
        "\n".join(_musts(comparison)),
        "\n".join(_flips(comparison, colour=colour)),
        "\n".join(_apart(comparison)),
        _costs(context),
        "\n".join(_persona(context)),
    ]
    return "\n\n".join(part for part in parts if part)


def _verdict(comparison: Comparison, *, colour: bool) -> str:
    first, rest = plain(comparison.sentence).split(":", maxsplit=1)
    lines = textwrap.wrap(f"{first}:{rest}", WIDTH, break_on_hyphens=False)
    lines[0] = lines[0].replace(first, paint(first, HUE.get(comparison.verdict, STRONG), on=colour), 1)
    return "\n".join(lines)


def _sides(comparison: Comparison) -> Iterator[str]:
    for name, header in zip(SIDES, (comparison.base, comparison.candidate), strict=True):
        yield f"{name:<9}  {plain(_named(header), WIDTH)}"
    for difference in comparison.differences:
        word = "allowed" if difference.allowed else "differs"
        yield f"{word:<9}  {plain(f'{difference.what}: {difference.base} against {difference.candidate}', WIDTH)}"


def _named(header: Header) -> str:
    recorded = f", recorded {header.recording_set}" if header.recording_set else ""
    return f"{header.persona} {header.revision}, {header.model}{recorded}"


def _scores(comparison: Comparison, basis: Basis, *, colour: bool) -> str:
    """The dimensions of one basis. The overall mean is in the family of tests, and in no table."""
    changes = [c for c in comparison.of(basis) if c.dimension is not None and c.base is not None]
    if not changes:
        return ""
    title = {
        Basis.GATE: f"By grades that may gate ({comparison.may_gate} of {comparison.compared} criteria)",
        Basis.ALL: "By all grades, an unlicensed judge's included (advisory)",
    }[basis]
    return f"{title}:\n{table([_row(change, colour=colour) for change in changes], HEADERS)}"


def _row(change: Change, *, colour: bool) -> list[str]:
    *figures, verdict = change_row(change)
    return [*figures, paint(verdict, HUE.get(change.verdict, ""), on=colour)]


def _musts(comparison: Comparison) -> Iterator[str]:
    for must in comparison.musts:
        yield plain(f"broken must: {must.case}/{must.criterion} failed in {must.fails} of {must.scored} answers", WIDTH)


def _flips(comparison: Comparison, *, colour: bool) -> Iterator[str]:
    for flip in comparison.flips[:MOST]:
        yield _flip(flip, colour=colour)
        yield from (_side(flip, name) for name in SIDES)
    more = len(comparison.flips) - MOST
    if more > 0:
        yield f"and {more} more that moved; `--format json` has them all"


def _flip(flip: Flip, *, colour: bool) -> str:
    mark = ("▼" if flip.whole else "▽") if flip.worse else ("▲" if flip.whole else "△")
    apart = "; set apart: different kinds of grader decided" if flip.kind_differs else ""
    text = plain(f"{flip.case}/{flip.criterion.id}: {share(flip.base)} → {share(flip.candidate)}{apart}", WIDTH - 2)
    return f"{paint(mark, WORSE if flip.worse else BETTER, on=colour)} {text}"


def _side(flip: Flip, name: SideName) -> str:
    grade = speaking(flip, name)
    if grade is None:
        return f"    {name:<9}  not scored"
    quote = grade.evidence[0] if grade.evidence else None
    where = f" (line {quote.line}: {quote.quote})" if quote and quote.line else ""
    advisory = ", advisory" if grade.kind is Kind.JUDGE else ""
    said = f"{grade.status.value} by {grade.kind.value}{advisory}: {grade.reason}{where}"
    return f"    {name:<9}  {plain(said, 2 * WIDTH)}"


def _apart(comparison: Comparison) -> Iterator[str]:
    for word, cases in (("base", comparison.only_base), ("candidate", comparison.only_candidate)):
        if cases:
            yield plain(f"only in the {word}, in no figure: {', '.join(cases)}", WIDTH)
    if comparison.set_apart:
        names = ", ".join(f"{case}/{criterion}" for case, criterion in comparison.set_apart)
        yield plain(f"set apart, decided by different kinds of grader: {names}", 2 * WIDTH)
    if min(comparison.base.repeats, comparison.candidate.repeats) < 3:
        yield "With fewer than 3 answers a case, no criterion is called flipped."


def _costs(context: Context) -> str:
    """Side by side where the API counted; else said to be not stated."""
    rows = cost_rows(context)
    return table(rows, ["", *SIDES]) if rows else "Cost, tokens and latency: not stated."


def _persona(context: Context) -> Iterator[str]:
    """What changed in the text, in short, and which criteria would notice."""
    lines = diff_lines(context)
    if lines is None:
        yield "The text of one revision is not there any more; no difference of the personas can be shown."
        return
    added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    removed = sum(line.startswith("-") and not line.startswith("---") for line in lines)
    if not lines:
        yield "The two personas are the same text."
        return
    yield f"The persona's text: {added} lines added, {removed} removed."
    changed = touched(context) or ()
    rows = [[plain(item.instruction, 40), item.how, _criteria(item.criteria)] for item in changed]
    if rows:
        yield table(rows, ["instruction", "change", "criteria that exercise it"])


def _criteria(names: tuple[str, ...]) -> str:
    if not names:
        return "none: nothing in the suite would notice"
    shown = plain(", ".join(names[:2]), 60)
    return f"{shown} and {len(names) - 2} more" if len(names) > 2 else shown
