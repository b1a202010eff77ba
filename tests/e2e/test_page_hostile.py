"""The comparison page under attack: by its data, and by whatever might run in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from evals.persona import Persona
from evals.report.page import comparison_page
from tests.e2e.drawn import small
from tests.pages import made, with_text

Open = Callable[..., Any]
EVIL = (
    "<script>window.hacked = 1</script></script><!-- <img src=x onerror='window.hacked = 2'> "
    "]]> {{ 7*7 }} \u202egnp.exe \u200b \x00 \x1b[31m &lt; javascript:window.hacked=3"
)


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
