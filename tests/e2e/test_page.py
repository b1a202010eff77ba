"""The comparison page in a real browser: read, clicked, filtered, walked by keyboard, and attacked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from evals.comparison import BrokenMust, Comparison, Difference, Verdict
from evals.context import Context
from evals.persona import Persona
from evals.report.page import comparison_page
from graders.criterion import Dimension
from tests.pages import World, made, with_text

Open = Callable[..., Any]
EVIL = (
    "<script>window.hacked = 1</script></script><!-- <img src=x onerror='window.hacked = 2'> "
    "]]> {{ 7*7 }} \u202egnp.exe \u200b \x00 \x1b[31m &lt; javascript:window.hacked=3"
)


@lru_cache
def small() -> str:
    return comparison_page(*made())


@lru_cache
def matrix() -> str:
    return comparison_page(*made(World(cases=12, criteria=8, shared_ids=True, licensed=tuple(Dimension))))


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


def hostile() -> str:
    comparison, context = made()
    world_case = replace(context.suite.cases[0], title=EVIL)
    lines = []
    for line in context.candidate.grades:
        grade = (
            replace(
                line.grade,
                reason=EVIL,
                evidence=(*line.grade.evidence, replace(line.grade.evidence[0], quote=EVIL, line=None)),
            )
            if line.grade.evidence
            else line.grade
        )
        lines.append(replace(line, grade=grade))
    flips = tuple(
        replace(flip, criterion=replace(flip.criterion, statement=EVIL, guidance=EVIL)) for flip in comparison.flips
    )
    return comparison_page(
        replace(comparison, sentence=EVIL, flips=flips, base=replace(comparison.base, model=EVIL)),
        replace(
            with_text(context, f"{EVIL}\n```html\n{EVIL}\n```\n{EVIL}"),
            suite=replace(context.suite, cases=(world_case, *context.suite.cases[1:])),
            candidate=replace(context.candidate, grades=tuple(lines)),
            candidate_persona=Persona("helper", "0002", EVIL),
        ),
    )


def test_hostile_text_stays_text_everywhere(opened: Open) -> None:
    page = opened(hostile(), at="#cell=case-0/c0-criterion-0").page
    assert "<script>window.hacked = 1</script>" in page.locator("dialog .ans").first.inner_text()
    page.locator("dialog summary").first.click()
    page.keyboard.press("Escape")
    assert "<script>window.hacked = 1</script>" in page.locator(".verdict").inner_text()
    assert "<script>window.hacked = 1</script>" in page.locator("#persona").inner_text()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, iframe, object, embed, link, base, form").count() == 0
    assert page.evaluate("document.scripts.length") == 2
    assert "U+202E" in page.locator(".verdict").inner_text()
    assert "\u202e" not in page.evaluate("document.body.innerText")
    assert "49" not in page.locator(".verdict").inner_text()


def test_the_policy_is_in_force(opened: Open) -> None:
    one = opened(small())
    outcome = one.page.evaluate(
        """() => {
          const tried = [];
          const attempt = (name, act) => { try { act(); tried.push(name + ' ran'); } catch (error) { tried.push(error.name); } };
          attempt('innerHTML', () => { document.body.innerHTML = '<p>x</p>'; });
          attempt('write', () => { document.write('<p>x</p>'); });
          attempt('text', () => { const s = document.createElement('script'); s.text = 'window.hacked = 1'; document.body.append(s); });
          const inline = document.createElement('p');
          inline.setAttribute('style', 'color: rgb(1, 2, 3)');
          document.body.append(inline);
          tried.push(getComputedStyle(inline).color);
          return tried;
        }"""
    )
    assert outcome[:3] == ["TypeError", "TypeError", "TypeError"]
    assert outcome[3] != "rgb(1, 2, 3)"
    assert one.page.evaluate("window.hacked") is None
    refused = one.page.evaluate("fetch('https://example.invalid/').then(() => 'sent', error => error.name)")
    assert refused == "TypeError"
    assert any("style-src" in text for text in one.complaints)
    assert any("connect-src" in text or "default-src" in text for text in one.complaints)
    one.complaints.clear()
    one.requests[:] = [url for url in one.requests if "example.invalid" not in url]


def test_a_line_of_200_kb_cannot_widen_the_page(opened: Open) -> None:
    comparison, context = made()
    page = opened(comparison_page(comparison, with_text(context, "a" * 200_000)), at="#cell=case-0/c0-criterion-0").page
    assert len(page.locator("dialog .ans").first.inner_text()) == 200_000
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("dialog .scroll").first.evaluate("e => e.scrollWidth <= e.clientWidth")


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
    assert made()[0].sentence in page.locator("noscript, main").first.inner_text()
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
