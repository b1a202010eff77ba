"""A comparison as Markdown, for a comment on a pull request or the summary of a CI step.

Everything that is shown may be hostile: quotes and names are inline code, words are escaped, and a text that would be too
long loses whole rows, which it says. Here: the document. Not here: where it is sent (`github`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals.comparison import Basis, BrokenMust, Change, Comparison, Flip
from evals.context import SIDES, Context
from evals.report.flips import share, speaking
from evals.report.persona_diff import diff_lines, touched
from evals.report.rows import HEADERS, change_row, cost_rows
from evals.report.safe import code, comment, line
from evals.scorecard import NOT_STATED, Header
from graders.criterion import Grade

COMMENT_LIMIT = 65_000
"""Bytes: GitHub takes 65,536 characters, which are never more, and a marker goes before."""
SUMMARY_LIMIT = 1024 * 1024
"""Bytes in the summary of one step on GitHub."""


@dataclass(frozen=True)
class _Room:
    """How much of each list is shown."""

    rows: int
    lines: int
    quote: int


ROOMS = (_Room(200, 400, 240), _Room(60, 200, 160), _Room(25, 80, 120), _Room(8, 20, 80), _Room(3, 0, 60))


def comparison_markdown(comparison: Comparison, context: Context, *, limit: int = COMMENT_LIMIT) -> str:
    """The whole comparison in at most `limit` bytes of UTF-8; rows that do not fit are left out and counted.

    Raises ValueError for a limit that not even the shortest form fits.
    """
    for room in ROOMS:
        text = "\n\n".join(_Document(comparison, context, room).blocks()) + "\n"
        if len(text.encode()) <= limit:
            return text
    message = f"a comparison does not fit into {limit} bytes"
    raise ValueError(message)


class _Document:
    """One comparison drawn into one amount of room."""

    def __init__(self, comparison: Comparison, context: Context, room: _Room) -> None:
        self._comparison = comparison
        self._context = context
        self._room = room

    def blocks(self) -> Iterator[str]:
        comparison = self._comparison
        yield f"**{comment(comparison.sentence, 1_000)}**"
        yield "\n".join(
            f"- {name}: {code(_named(h), 240)}"
            for name, h in zip(SIDES, (comparison.base, comparison.candidate), strict=True)
        )
        yield from self._differences()
        yield from self._dimensions()
        yield from self._musts(comparison.musts)
        real = [flip for flip in comparison.flips if not flip.kind_differs]
        apart = [flip for flip in comparison.flips if flip.kind_differs]
        yield from self._flips("Worse", [flip for flip in real if flip.worse])
        yield from self._flips("Better", [flip for flip in real if not flip.worse], folded=True)
        title = "Moved, but decided by another kind of grader"
        yield from self._flips(title, apart, folded=True)
        yield from self._set_apart()
        yield from self._one_sided()
        yield from self._persona_diff()
        yield self._cost()
        yield self._more()

    def _differences(self) -> Iterator[str]:
        rows = [
            [comment(d.what, 60), code(d.base, 80), code(d.candidate, 80), "meant" if d.allowed else "**not allowed**"]
            for d in self._comparison.differences
        ]
        if rows:
            yield "#### What else differs"
            yield from self._table(["", "base", "candidate", ""], rows)

    def _dimensions(self) -> Iterator[str]:
        comparison = self._comparison
        gate, everything = (_dimension_rows(comparison.of(basis)) for basis in (Basis.GATE, Basis.ALL))
        header = [*HEADERS, "decided by"]
        if gate:
            yield f"By grades that may gate ({comparison.may_gate} of {comparison.compared} criteria):"
            yield from self._table(header, gate)
        if everything:
            title = "Advisory: by all grades, an unlicensed judge's included"
            yield _folded(title, *self._table(header, everything))

    def _musts(self, musts: Sequence[BrokenMust]) -> Iterator[str]:
        if musts:
            yield "#### Broken musts"
            yield from self._table(
                ["case", "criterion", "fails"],
                [[code(m.case, 80), code(m.criterion, 80), f"{m.fails} of {m.scored}"] for m in musts],
            )

    def _flips(self, title: str, flips: Sequence[Flip], *, folded: bool = False) -> Iterator[str]:
        if not flips:
            return
        header = ["case", "criterion", "base", "candidate", "in the base", "in the candidate"]
        table = [*self._table(header, [self._flip(flip) for flip in flips])]
        yield from [_folded(f"{title} ({len(flips)})", *table)] if folded else [f"#### {title}", *table]

    def _flip(self, flip: Flip) -> list[str]:
        return [
            code(flip.case, 80),
            code(flip.criterion.id, 80),
            share(flip.base),
            share(flip.candidate),
            *(self._quote(speaking(flip, side)) for side in SIDES),
        ]

    def _quote(self, grade: Grade | None) -> str:
        """The first evidence, else the reason."""
        if grade is None:
            return ""
        if not grade.evidence:
            return comment(grade.reason, self._room.quote)
        first = grade.evidence[0]
        return f"{code(first.quote, self._room.quote)}{f' (line {first.line})' if first.line else ''}"

    def _one_sided(self) -> Iterator[str]:
        for name, cases in zip(SIDES, (self._comparison.only_base, self._comparison.only_candidate), strict=True):
            if cases:
                shown = ", ".join(code(case, 80) for case in cases[: self._room.rows])
                yield f"Only in the {name}, in no figure: {shown}{_left_out(len(cases) - self._room.rows, ', and ')}."

    def _set_apart(self) -> Iterator[str]:
        names = [f"{case}/{criterion}" for case, criterion in self._comparison.set_apart]
        if names:
            shown = ", ".join(code(name, 120) for name in names[: self._room.rows])
            rest = _left_out(len(names) - self._room.rows, ", and ")
            yield f"Decided by different kinds of grader on the two sides, in no figure: {shown}{rest}."

    def _persona_diff(self) -> Iterator[str]:
        lines = diff_lines(self._context)
        if lines is None:
            yield "The texts of the persona are no longer there to be compared."
            return
        if not lines:
            yield "The persona's text is the same on both sides."
            return
        yield _folded("The persona's change", *self._touched(), self._fence(lines))

    def _touched(self) -> Iterator[str]:
        items = touched(self._context)
        if items:
            rows = [
                [code(item.instruction, 80), item.how, ", ".join(code(c, 120) for c in item.criteria) or "nothing"]
                for item in items
            ]
            yield from self._table(["instruction", "", "criteria that cover it"], rows)

    def _fence(self, lines: Sequence[str]) -> str:
        shown = [line(text, 500) for text in lines[: self._room.lines]]
        longest = max((len(run) for text in shown for run in re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        rest = _left_out(len(lines) - len(shown), "", "line of the diff", "lines of the diff")
        return "\n".join([f"{fence}diff", *shown, fence, *([f"\n{rest}."] if rest else [])])

    def _cost(self) -> str:
        rows = cost_rows(self._context)
        if not rows:
            return f"Cost, tokens and latency: {NOT_STATED}."
        return "\n\n".join(self._table(["", *SIDES], rows))

    def _more(self) -> str:
        sides = " ".join(_argument(h.revision) for h in (self._comparison.base, self._comparison.candidate))
        suite = _argument(self._comparison.base.suite)
        return f"More: {code(f'evals compare {sides} --suite {suite} --html report.html', 300)} shows every answer and grade."

    def _table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
        """At most as many rows as there is room for; says how many were left out.

        Cells are not padded: evidence is long, and padding would spend most of the room on spaces.
        """
        lines = [header, ["---"] * len(header), *rows[: self._room.rows]]
        yield "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        rest = _left_out(len(rows) - self._room.rows, "", "row", "rows")
        if rest:
            yield f"{rest}."


def _named(header: Header) -> str:
    recorded = f", recorded {header.recording_set}" if header.recording_set else ""
    return f"{header.persona} {header.revision}, {header.model}{recorded}"


def _dimension_rows(changes: Sequence[Change]) -> list[list[str]]:
    """One row a dimension. The mean over all is in the family of tests and never shown: one must not pay for another."""
    return [
        [*change_row(change), ", ".join(f"{kind.value} {count}" for kind, count in change.decided_by)]
        for change in changes
        if change.dimension is not None and change.base is not None
    ]


def _left_out(count: int, before: str, one: str = "more", many: str = "more") -> str:
    return "" if count <= 0 else f"{before}{count} {one if count == 1 else many} left out"


def _folded(title: str, *blocks: str) -> str:
    return "\n\n".join([f"<details><summary>{title}</summary>", *blocks, "</details>"])


def _argument(text: str) -> str:
    """A name as a shell would take it, for a command that somebody may copy."""
    import shlex

    return shlex.quote(text)
