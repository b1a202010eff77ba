"""Scorecards as tables, for a terminal and for Markdown alike. Pure: values in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evals.model_family import same_family
from evals.report.safe import cell, plain
from evals.scorecard import CriterionLine, Header, Scorecard
from graders.criterion import HEADLINE, Dimension, Kind, Sort, Status


def table(rows: Sequence[Sequence[str]], headers: Sequence[str], *, markdown: bool = False) -> str:
    """An aligned table. Cells are text; nothing is read as a number."""
    from tabulate import tabulate

    return tabulate(rows, headers=headers, tablefmt="github" if markdown else "simple", disable_numparse=True)


def figure(score: float | None) -> str:
    """
    >>> figure(0.5), figure(None)
    ('0.50', 'unscored')
    """
    return "unscored" if score is None else f"{score:.2f}"


def signed(number: float | None) -> str:
    """
    >>> signed(-0.051), signed(0.2), signed(0.0), signed(None)
    ('−0.05', '+0.20', '0.00', '')
    """
    if number is None:
        return ""
    shown = f"{abs(number):.2f}"
    return shown if float(shown) == 0 else f"{'+' if number > 0 else '−'}{shown}"


def span(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.2f}–{interval[1]:.2f}"


def _kinds(counts: Iterable[tuple[Kind, int]]) -> str:
    return ", ".join(f"{kind.value} {count}" for kind, count in counts)


def _name(dimension: Dimension) -> str:
    return dimension.value.replace("_", " ")


def dimension_table(card: Scorecard, *, markdown: bool = False) -> str:
    """One revision: each dimension with its score, interval, and what the score rests on."""
    rows = [
        [
            _name(line.dimension),
            figure(line.score),
            span(line.interval),
            figure(line.without_promises),
            str(line.scored),
            str(line.unscored),
            str(line.not_applicable),
            _kinds(line.decided_by),
        ]
        for line in card.dimensions
    ]
    return table(
        rows,
        [
            "dimension",
            "score",
            "95 % interval",
            "without promises",
            "scored",
            "unscored",
            "not applicable",
            "decided by",
        ],
        markdown=markdown,
    )


def side_by_side(cards: Sequence[Scorecard], *, markdown: bool = False) -> str:
    """Revisions side by side: the headline dimensions, then the others, each with its interval."""
    present = [d for d in Dimension if any(card.dimension(d) for card in cards)]
    rows = []
    for dimension in present:
        lines = [card.dimension(dimension) for card in cards]
        rows.append(
            [
                _name(dimension),
                *[f"{figure(line.score)}  {span(line.interval)}".rstrip() if line else "" for line in lines],
            ]
        )
        if dimension in HEADLINE:
            rows.append(["- without promises", *[figure(line.without_promises) if line else "" for line in lines]])
    return table(rows, ["", *[card.header.revision for card in cards]], markdown=markdown)


def _mark(line: CriterionLine | None) -> str:
    """Passes of scored, `2/3`; what was unscored is said."""
    if line is None:
        return ""
    parts = [f"{line.passes}/{line.scored}" if line.scored else "–"]
    parts += [f"{line.unscored} unscored"] if line.unscored else []
    parts += [f"{line.not_applicable} n/a"] if line.not_applicable else []
    return ", ".join(parts)


def items_table(cards: Sequence[Scorecard], *, markdown: bool = False) -> str:
    """Each criterion's pass rate per revision, and how far apart the revisions are on it."""
    names = {(line.case, line.criterion.id): line for card in cards for line in card.criteria}
    rows = []
    for (case, criterion), line in sorted(names.items()):
        lines = [
            next((x for x in card.criteria if (x.case, x.criterion.id) == (case, criterion)), None) for card in cards
        ]
        rates = [x.rate for x in lines if x and x.rate is not None]
        spread = f"{max(rates) - min(rates):.2f}" if rates else ""
        rows.append(
            [
                case,
                criterion,
                line.criterion.sort.value,
                _name(line.criterion.dimension),
                str(line.criterion.points),
                *map(_mark, lines),
                *([spread, edge(rates)] if len(cards) > 1 else []),
            ]
        )
    headers = [
        "case",
        "criterion",
        "sort",
        "dimension",
        "points",
        *[card.header.revision for card in cards],
        *(["spread", "edge"] if len(cards) > 1 else []),
    ]
    return table(rows, headers, markdown=markdown)


def edge(rates: Sequence[float]) -> str:
    """Whether a criterion tells the revisions apart at all.

    >>> edge([1.0, 1.0]), edge([0.0]), edge([0.0, 1.0])
    ('ceiling', 'floor', '')
    """
    if rates and min(rates) == 1.0:
        return "ceiling"
    return "floor" if rates and max(rates) == 0.0 else ""


def edges(cards: Sequence[Scorecard]) -> dict[str, list[str]]:
    """The criteria that every revision passes always (`ceiling`) or never (`floor`), as `case/criterion`."""
    keys = sorted({(line.case, line.criterion.id) for card in cards for line in card.criteria})
    found: dict[str, list[str]] = {"ceiling": [], "floor": []}
    for case, criterion in keys:
        rates = [
            line.rate
            for card in cards
            for line in card.criteria
            if (line.case, line.criterion.id) == (case, criterion) and line.rate is not None
        ]
        place = edge(rates)
        if place:
            found[place].append(f"{case}/{criterion}")
    return {**found, "all": [f"{case}/{criterion}" for case, criterion in keys]}


def coverage_table(rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Instruction × criteria that exercise it."""
    return table(
        [
            [instruction, str(len(criteria)), "\n".join(criteria) or "nothing covers it"]
            for instruction, criteria in rows
        ],
        ["instruction", "criteria", "which"],
    )


def card_markdown(card: Scorecard) -> str:
    """A scorecard for eyes: what it is about, dimensions, criteria, failures with their evidence."""
    header = card.header
    facts = [
        ["persona", f"{header.persona} {header.revision}"],
        ["model", header.model],
        ["recording set", header.recording_set or "none"],
        ["judge", f"{header.judge}, {_licence(header)}"],
        ["judge context", header.judge_context],
        ["answers per case", str(header.repeats)],
        ["cases", ", ".join(f"{case} v{version}" for case, version, _ in header.cases)],
    ]
    parts = [
        f"# {cell(header.suite)}: {cell(header.persona)} {cell(header.revision)}",
        "",
        table([[name, cell(value)] for name, value in facts], ["", ""], markdown=True),
        "",
        "## Dimensions",
        "",
        dimension_table(card, markdown=True),
        "",
        "## Criteria",
        "",
        items_table([card], markdown=True),
        "",
        "## Not passed",
        "",
        *_not_passed(card),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _licence(header: Header) -> str:
    names = ", ".join(dimension.value for dimension in header.licensed)
    family = same_family(header.model, header.judge)
    kin = f"; of the answers' own family ({family})" if family else ""
    return f"licensed in {names}{kin}" if names else f"without a licence: its grades are advisory{kin}"


def _not_passed(card: Scorecard) -> list[str]:
    """One line per prevailing grade that is no pass, with the first quote; of very many the first."""
    rows = []
    found = card.highlights
    for line in found.not_passed:
        evidence = line.grade.evidence[0] if line.grade.evidence else None
        quote = cell(evidence.cited, 130) if evidence else ""
        rows.append(
            [
                cell(line.case),
                cell(line.grade.criterion),
                str(line.repeat),
                line.grade.status.value,
                line.grade.kind.value,
                cell(line.grade.reason, 240),
                quote,
            ]
        )
    if not rows:
        return ["Nothing."]
    shown = table(rows, ["case", "criterion", "answer", "status", "by", "reason", "evidence"], markdown=True)
    return [shown, *(["", f"And {found.more} more; the file of the grades holds them all."] if found.more else [])]


def grade_rows(lines: Iterable[tuple[str, Dimension, Status, str, str, str]]) -> str:
    """Grades of one answer: criterion, dimension, status, who decided, reason, quote."""
    rows = [
        [c, _name(d), s.value, plain(by, 40), plain(reason, 70), plain(quote, 60)]
        for c, d, s, by, reason, quote in lines
    ]
    return table(rows, ["criterion", "dimension", "status", "decided by", "reason", "evidence"])


def promise_share(cards: Sequence[Scorecard]) -> str:
    """How many criteria are promises, for the note under a table."""
    lines = cards[0].criteria if cards else ()
    return f"{sum(line.criterion.sort is Sort.PROMISE for line in lines)} of {len(lines)}"
