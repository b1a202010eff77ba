"""The comparison page at every width, in each state, on paper, without scripts, and under axe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from evals.comparison import BrokenMust, Comparison, Difference, Verdict
from evals.context import Context
from evals.report.page import comparison_page
from tests.e2e.drawn import matrix, small
from tests.pages import World, made

Open = Callable[..., Any]


@pytest.mark.parametrize("width", [320, 400, 800, 1400])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_every_width(opened: Open, width: int, dark: bool) -> None:
    page = opened(small(), width=width, dark=dark).page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.locator(".flip button.row").first.click()
    assert page.locator("dialog").evaluate("e => e.scrollWidth <= e.clientWidth")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(21, 23, 27)" if dark else "rgb(253, 253, 251)")


def test_on_a_narrow_screen_one_answer_shows_at_a_time(opened: Open) -> None:
    page = opened(small(), width=400, at="#cell=case-2/c2-criterion-1").page
    sides = page.locator("dialog .side")
    assert [sides.nth(0).is_visible(), sides.nth(1).is_visible()] == [False, True]
    page.locator(".which .chip").first.click()
    assert [sides.nth(0).is_visible(), sides.nth(1).is_visible()] == [True, False]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("at", ["", "#cell=case-2/c2-criterion-1"], ids=["page", "dialog"])
def test_axe_finds_nothing(opened: Open, width: int, dark: bool, at: str) -> None:
    page = opened(small(), width=width, dark=dark, at=at).page
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [n["html"][:150] for n in v["nodes"]][:3]) for v in found] == []


def test_axe_finds_nothing_in_the_matrix(opened: Open) -> None:
    found = Axe().run(opened(matrix()).page).response["violations"]
    assert [(v["id"], [n["html"][:150] for n in v["nodes"]][:3]) for v in found] == []


def test_printing_opens_everything(opened: Open) -> None:
    page = opened(matrix()).page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main details:not([open])").count() == 0
    assert not page.locator("nav.bar").is_visible()
    assert page.locator(".g:not(.matrix) .tile").count() == 96
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".g.matrix").count() == 1
    assert page.pdf(format="A4", landscape=True).startswith(b"%PDF")


def states() -> dict[str, tuple[Comparison, Context]]:
    comparison, context = made()
    few = made(World(repeats=2))
    return {
        "not comparable": (
            replace(
                comparison,
                verdict=Verdict.NOT_COMPARABLE,
                flips=(),
                musts=(),
                differences=(Difference(what="model", base="one", candidate="two", allowed=False),),
            ),
            context,
        ),
        "few": few,
        "same": (comparison, replace(context, candidate_persona=context.base_persona)),
        "bare": (comparison, replace(context, candidate_persona=None, instructions=None, answers={})),
        "must": (
            replace(comparison, musts=(BrokenMust(case="case-0", criterion="c0-criterion-0", fails=5, scored=5),)),
            context,
        ),
        "apart": (replace(comparison, set_apart=(("case-0", "c0-criterion-1"),)), context),
    }


@pytest.mark.parametrize(
    ("state", "selector", "said"),
    [
        ("not comparable", ".differs", "Why the two are not comparable"),
        ("not comparable", ".dims", "not computed"),
        ("few", "#flips", "With fewer than 3 answers a side nothing is called a flip"),
        ("same", "#persona", "the same on both sides"),
        ("bare", "#persona", "no longer to be found"),
        ("must", "#flips", "A must broke: case-0 / c0-criterion-0 failed in 5 of 5"),
        ("apart", "#flips", "different kinds of grader"),
    ],
)
def test_each_state_says_what_it_is(opened: Open, state: str, selector: str, said: str) -> None:
    page = opened(comparison_page(*states()[state])).page
    assert said in page.locator(selector).inner_text().replace("\u00a0", " ")


def test_not_comparable_has_no_hue_anywhere(opened: Open) -> None:
    page = opened(comparison_page(*states()["not comparable"])).page
    assert page.locator(".worse, .better, .fw, .fb, .sw, .sb, .tile.W, .tile.B").count() == 0


def test_with_few_answers_what_differs_is_still_one_click_away(opened: Open) -> None:
    page = opened(comparison_page(*states()["few"])).page
    page.locator("#flips button.plain", has_text="pass counts differ").click()
    assert page.locator(".chip", has_text="Pass counts differ").get_attribute("aria-pressed") == "true"
    assert page.locator(".tile:not(.off)").count() > 0


def test_an_answer_that_is_not_at_hand_is_said_to_be(opened: Open) -> None:
    page = opened(comparison_page(*states()["bare"]), at="#cell=case-0/c0-criterion-1").page
    assert "not at hand" in page.locator("dialog .side").first.inner_text()
    assert "Quoted" in page.locator("dialog .side").first.inner_text()


def test_without_scripts_verdict_and_dimensions_are_read(chromium: Any, tmp_path: Any) -> None:
    path = tmp_path / "page.html"
    path.write_text(small(), encoding="utf-8")
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    text = page.locator("main").inner_text()
    assert made()[0].sentence in text
    assert "advisory only †" in text
    assert "Reading the results" not in text
    context.close()


def test_sixty_cases_of_ten_answers_are_usable(opened: Open) -> None:
    text = comparison_page(*made(World(cases=60, criteria=20, repeats=10, lines=60, shared_ids=True)))
    assert len(text.encode()) <= 15_000_000
    page = opened(text).page
    assert page.locator(".grp").count() == 15
    assert 0 < page.locator(".tile").count() < 1200
    page.get_by_role("button", name="Open all").click()
    assert page.locator(".tile").count() == 1200
    page.locator(".tile").nth(600).click()
    assert page.locator("dialog .side").count() == 2
    assert "left out" in page.locator("footer").inner_text()
