"""The comparison page in a real browser: read, clicked, filtered, and walked by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from evals.report.page import comparison_page
from tests.e2e.drawn import matrix, small
from tests.pages import made, with_text

Open = Callable[..., Any]


def texts(page: Page, selector: str) -> list[str]:
    return [str(text).strip() for text in page.locator(selector).all_inner_texts()]


def focused(page: Page) -> str:
    """What has the focus: its own text as a screen reader would say it."""
    return str(page.evaluate("document.activeElement.innerText || document.activeElement.textContent"))


def cell_in(page: Page) -> str:
    return page.locator("dialog h2").inner_text()


def test_it_says_first_who_and_what(opened: Open) -> None:
    comparison, _ = made()
    page = opened(small()).page
    assert comparison.sentence.split(": ", 1)[1] in page.locator(".verdict").inner_text()
    assert "0001" in page.locator(".who").inner_text()
    assert "grades count for the verdict" in page.locator(".basis").inner_text()
    assert texts(page, ".dims tbody th b") == ["Security", "Transactionality", "Error handling", "Operations"]
    order = page.evaluate("[...document.querySelectorAll('main > section')].map(s => s.id)")
    assert order == ["dims", "flips", "persona", "grid", "cost", "trust"]


def test_an_advisory_dimension_has_a_dagger_and_no_hue(opened: Open) -> None:
    page = opened(small()).page
    row = page.locator(".dims tbody tr", has_text="Operations")
    assert "advisory only" in row.inner_text()
    assert row.locator(".worse, .better, .fw, .fb, .sw, .sb").count() == 0


def test_a_flip_opens_both_answers_with_the_evidence_marked(opened: Open) -> None:
    page = opened(small()).page
    page.locator(".flip", has_text="c2-criterion-1").locator("button.row").first.click()
    assert "c2-criterion-1" in cell_in(page)
    sides = page.locator("dialog .side")
    assert sides.count() == 2
    assert sides.nth(1).locator(".find .k b").first.inner_text().endswith("fail")
    assert sides.nth(1).locator("mark").first.inner_text().startswith("row = db.execute(")
    assert "disagrees" in sides.nth(0).inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible()
    assert "The 2th task" in focused(page)


def test_a_transcript_and_another_answer_are_at_hand(opened: Open) -> None:
    page = opened(small(), at="#cell=case-0/c0-criterion-0").page
    side = page.locator("dialog .side").nth(1)
    assert "finding: all rows came back" in side.locator("pre").first.inner_text()
    side.get_by_role("radio").nth(2).check()
    assert side.get_by_role("radio").nth(2).is_checked()
    assert "finding: all rows came back" in side.locator("pre").first.inner_text()


def test_evidence_buttons_scroll_to_the_mark(opened: Open) -> None:
    comparison, context = made()
    context = with_text(context, "line\n" * 400 + context.answers["base", "case-0", 1])
    page = opened(comparison_page(comparison, context), at="#cell=case-0/c0-criterion-1").page
    body = page.locator("dialog .side").nth(1).locator(".scroll")
    assert page.locator("dialog .side").nth(1).locator("mark").first.is_visible()
    body.evaluate("e => { e.scrollTop = 0 }")
    page.locator("dialog .side").nth(1).get_by_role("button", name="Show evidence 1").click()
    assert body.evaluate("e => e.scrollTop") > 1000


def test_previous_and_next_walk_the_flips(opened: Open) -> None:
    page = opened(small()).page
    page.locator(".flip button.row").first.click()
    first = cell_in(page)
    page.get_by_role("button", name="Next →").click()
    assert cell_in(page) != first
    page.get_by_role("button", name="← Previous").click()
    assert cell_in(page) == first


@pytest.mark.parametrize(
    ("chip", "wanted"),
    [("Regressed", "fail"), ("Improved", "pass"), ("Graders disagree", "disagree"), ("Unscored", "4 of 4")],
)
def test_filters_show_what_they_name_and_fade_the_rest(opened: Open, chip: str, wanted: str) -> None:
    page = opened(small()).page
    button = page.locator(".chip", has_text=chip)
    number = int(button.locator("small").inner_text())
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    lit = page.locator(".tile:not(.off)")
    assert lit.count() == number > 0
    assert any(wanted in str(text) for text in lit.all_text_contents())
    assert f"{number}\u00a0cell" in page.locator("output").inner_text()
    button.click()
    assert page.locator(".tile.off").count() == 0


def test_search_finds_reasons_and_says_when_nothing_matches(opened: Open) -> None:
    page = opened(small()).page
    search = page.get_by_role("searchbox")
    search.fill("no database in this answer")
    expect(page.locator(".tile:not(.off)")).to_have_count(1)
    search.fill("zebra")
    page.get_by_role("button", name="Clear filters and search").click()
    assert search.input_value() == ""
    assert page.locator(".tile").count() == 18


def test_the_grid_is_one_stop_and_walks_with_arrows(opened: Open) -> None:
    page = opened(matrix()).page
    assert page.locator(".tile[tabindex='0']").count() == 1
    page.locator(".tile[tabindex='0']").focus()
    first = focused(page)
    page.keyboard.press("ArrowRight")
    second = focused(page)
    page.keyboard.press("ArrowDown")
    third = focused(page)
    page.keyboard.press("ArrowUp")
    assert focused(page) == second
    page.keyboard.press("ArrowLeft")
    assert focused(page) == first
    assert len({first, second, third}) == 3
    page.keyboard.press("Control+End")
    last = focused(page)
    page.keyboard.press("Control+Home")
    assert focused(page) == first != last
    page.keyboard.press("End")
    page.keyboard.press("PageDown")
    page.keyboard.press("Home")
    assert focused(page) not in (first, second, third, last)
    page.keyboard.press("Enter")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    assert page.locator(".tile[tabindex='0']").evaluate("e => e === document.activeElement")


def test_every_cell_says_its_whole_name(opened: Open) -> None:
    page = opened(small()).page
    name = page.locator(".tile", has_text="c2-criterion-1").locator(".vh").text_content()
    assert name == "c2-criterion-1, The 2th task, a login route: A 4 of 5, B 0 of 5, flipped to fail, graders disagree"


def test_the_whole_page_is_reached_by_tab(opened: Open) -> None:
    page = opened(small()).page
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        box = page.evaluate(
            "(e => { const b = e.getBoundingClientRect(), m = document.elementFromPoint(b.x + b.width / 2, b.y + Math.min(b.height / 2, 8));"
            " return [e.tagName, e.className, e === document.body || e.contains(m) || (m && m.contains(e))] })(document.activeElement)"
        )
        if box[0] == "BODY":
            break
        seen.append((box[0], str(box[1]).split()[0] if box[1] else ""))
        assert box[2], f"the focus is hidden behind something: {box}"
    assert seen[:2] == [("A", "skip"), ("A", "skip")]
    kinds = set(seen)
    assert {("BUTTON", "row"), ("BUTTON", "chip"), ("BUTTON", "eff"), ("INPUT", "")} <= kinds
    assert len([kind for kind in seen if kind == ("BUTTON", "tile")]) == 1


def test_a_changed_instruction_leads_to_its_criteria(opened: Open) -> None:
    page = opened(small()).page
    hunk = page.locator("#hunk-1")
    assert texts(page, "#hunk-1 .ln.add") == ["3\n+\nadded:\nBe safe with all data and secrets."]
    assert "be-safe reworded" in hunk.inner_text()
    assert "No criterion covers it" in page.locator("#hunk-3").inner_text()
    hunk.locator(".eff", has_text="c2-criterion-1").click()
    page.locator("dialog").get_by_role("link", name="changed instruction, hunk 1").click()
    assert not page.locator("dialog").is_visible()
    assert page.evaluate("scrollY") > 0
