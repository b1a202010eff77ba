"""The Markdown of a comparison: what it says, what it may not say, its limits, and hostile text in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from evals.comparison import Comparison, Flip
from evals.context import Context
from evals.persona import Persona
from evals.report.markdown import COMMENT_LIMIT, comparison_markdown
from evals.report.safe import code, comment, line
from evals.usage import Spent

Compared = Callable[..., tuple[Comparison, Context]]
HOSTILE = "a|b\n`x` <script>alert(1)</script> @everyone #1 [x](javascript:y) ![i](http://e/x.png) \x1b[31m\u202e </details> ```\n````"
RENDERER = MarkdownIt("commonmark").enable("table")


def tokens(text: str) -> Iterator[Token]:
    for token in RENDERER.parse(text):
        yield token
        yield from token.children or ()


def html_of(text: str) -> set[str]:
    return {t.content.strip() for t in tokens(text) if t.type in ("html_block", "html_inline")}


def test_the_verdict_and_its_sentence_come_first(compared: Compared) -> None:
    text = comparison_markdown(*compared())
    assert text.startswith("**regressed: security fell by 0.50; plain words**\n\n- base: `helper 0001, some-model`\n")
    assert text.index("- candidate: `helper 0002, some-model`") < text.index("| security |")


def test_everything_is_in_it(compared: Compared) -> None:
    text = comparison_markdown(*compared("some quote"))
    assert "| security | 0.75 | 0.25 | −0.50 | −0.60 to −0.40 | worse 0.001 | regressed | rule 4 |" in text
    assert "| `login` | `sql-safe` | 2 of 2 |" in text
    assert "| `login` | `sql-safe` | 2/2 | 0/2 | `some quote` (line 1) | `some quote` (line 1) |" in text
    assert "Only in the base, in no figure: `old-case`." in text
    assert "Only in the candidate, in no figure: `new-case`." in text
    assert "-Be 0001.\n+Be 0002." in text
    assert "| `be-safe` | changed | `login/sql-safe`, `login/explains` |" in text
    assert "Cost, tokens and latency: not stated." in text
    assert "evals compare 0001 0002 --suite small" in text


def test_no_figure_is_over_all_dimensions(compared: Compared) -> None:
    """Good documentation must not pay for bad security: the mean is in the family of tests only."""
    text = comparison_markdown(*compared())
    assert "0.33" not in text
    assert "overall" not in text.lower()


def test_advisory_figures_are_folded_away(compared: Compared) -> None:
    text = comparison_markdown(*compared())
    assert text.index("<summary>Advisory") < text.index("| documentation |")
    assert text.index("| security | 0.75") < text.index("<summary>Advisory") < text.index("| security | 0.70")


def test_the_quote_shown_is_of_the_side_that_moved(compared: Compared) -> None:
    comparison, context = compared()
    flip = comparison.flips[0]
    mixed = replace(flip.candidate, grades=(*flip.base.grades[:1], *flip.candidate.grades[1:]))
    first, second = (replace(x, grade=replace(x.grade, evidence=())) for x in mixed.grades)
    grades = (
        replace(first, grade=replace(first.grade, reason="why it passed")),
        replace(second, grade=replace(second.grade, reason="why it failed")),
    )
    text = comparison_markdown(
        replace(comparison, flips=(replace(flip, candidate=replace(mixed, grades=grades)),)), context
    )
    assert "why it failed" in text
    assert "why it passed" not in text


def test_another_kind_of_grader_is_set_apart(compared: Compared) -> None:
    comparison, context = compared()
    flips = tuple(replace(flip, kind_differs=True) for flip in comparison.flips)
    apart = replace(comparison, flips=flips, set_apart=(("login", "sql-safe"), ("login", "explains")))
    text = comparison_markdown(apart, context)
    assert "#### Worse" not in text
    assert "<summary>Moved, but decided by another kind of grader (2)" in text
    assert "in no figure: `login/sql-safe`, `login/explains`." in text


def test_cost_is_shown_where_the_api_stated_it(compared: Compared) -> None:
    comparison, context = compared()
    spent = Spent(answers=4, input_tokens=1200, output_tokens=34000, cost_usd=0.91, latency_seconds=None)
    text = comparison_markdown(comparison, replace(context, candidate_usage=spent))
    assert "| tokens in / out | not stated | 1,200 / 34,000 |" in text
    assert "| cost, USD | not stated | 0.91 |" in text
    assert "| latency, s (median) | not stated | not stated |" in text


def test_a_lost_persona_is_said(compared: Compared) -> None:
    comparison, context = compared()
    text = comparison_markdown(comparison, replace(context, base_persona=None))
    assert "no longer there" in text


def test_hostile_text_stays_text(compared: Compared) -> None:
    text = comparison_markdown(*compared(HOSTILE))
    assert all(tag.startswith(("<details>", "</details>", "<code>", "</code>")) for tag in html_of(text))
    assert "script" not in "".join(html_of(text))
    assert not [t for t in tokens(text) if t.type in ("link_open", "image")]
    assert text.count("<details>") == text.count("</details>") - escaped_in_fence(text)
    assert all(unicodedata.category(c)[0] != "C" for c in text if c != "\n")
    shape = [t.type for t in RENDERER.parse(comparison_markdown(*compared()))]
    assert [t.type for t in RENDERER.parse(text)].count("tr_open") == shape.count("tr_open")
    assert [t.type for t in RENDERER.parse(text)].count("td_open") == shape.count("td_open")


def escaped_in_fence(text: str) -> int:
    """Closing tags that are listing, not markup."""
    return sum(t.content.count("</details>") for t in tokens(text) if t.type in ("fence", "code_inline"))


@given(text=st.text(max_size=60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_text_changes_the_shape_of_the_document(compared: Compared, text: str) -> None:
    def shape(of: str) -> list[str]:
        found = RENDERER.parse(comparison_markdown(*compared(of)))
        return [t.type for t in found if t.type.startswith(("t", "heading", "fence", "html"))]

    assert shape(text or "x") == shape("plain words")


@given(st.text(max_size=40))
def test_inline_code_is_inert_and_whole(text: str) -> None:
    row = f"| {code(text)} | end |"
    found = list(tokens(f"| a | b |\n| --- | --- |\n{row}\n"))
    cells = [t for t in found if t.type == "td_open"]
    assert len(cells) == 2
    assert not [t for t in found if t.type in ("link_open", "image", "em_open", "strong_open")]


@pytest.mark.parametrize(
    "text", ["@octo-org/team", "fixes #12", "octo/repo#12", "GH-12", "https://e.example", "www.e.example"]
)
def test_words_mention_and_link_nothing(text: str) -> None:
    """What is linked by its text alone is parted, for an entity alone is resolved before that happens."""
    rendered = RENDERER.render(comment(text))
    assert not any(part in rendered for part in ("@octo", "#12", "GH-12", "://", "www."))
    assert rendered.replace("\u200b", "") == f"<p>{text}</p>\n"


@given(st.text())
def test_a_line_of_a_listing_keeps_its_spaces_and_nothing_else(text: str) -> None:
    shown = line(text)
    assert all(unicodedata.category(c)[0] != "C" for c in shown)
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize("limit", [COMMENT_LIMIT, 8_000])
def test_long_comparisons_lose_whole_rows_and_say_so(compared: Compared, limit: int) -> None:
    comparison, context = compared("ä" * 400)
    flips: tuple[Flip, ...] = tuple(replace(comparison.flips[0], case=f"case-{n}") for n in range(900))
    body = "\n".join(f"line {n}" for n in range(5000))
    longer = replace(context, candidate_persona=Persona(name="helper", revision="0002", body=body))
    text = comparison_markdown(replace(comparison, flips=flips), longer, limit=limit)
    assert len(text.encode()) <= limit
    rows = text.count("| `case-")
    assert f"{900 - rows} rows left out." in text
    assert "lines of the diff left out." in text
    widths = {row.count(" | ") for row in text.split("\n") if row.startswith("| `case-")}
    assert widths == {5}


def test_a_limit_that_nothing_fits_is_refused(compared: Compared) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        comparison_markdown(*compared(), limit=100)
