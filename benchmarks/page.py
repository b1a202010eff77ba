"""How large the comparison page gets and how soon it is there: prints figures, asserts nothing.

Run as `python -m benchmarks.page` with a Chromium on the machine. The comparison is made up (`tests.pages`): 60 cases,
20 criteria, 10 answers a case and side, some 24 kB each.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from evals.report.page import comparison_page
from tests.e2e.browser import executable, flags
from tests.pages import World, made

MARKS = "performance.getEntriesByType('mark').map(m => [m.name, m.startTime])"
PAINT = "performance.getEntriesByType('paint').map(m => [m.name, m.startTime])"
OPEN_ALL = """() => {
  const begun = performance.now();
  [...document.querySelectorAll('#grid .plain')].find(b => b.textContent === 'Open all').click();
  document.body.offsetHeight;
  return [performance.now() - begun, document.querySelectorAll('*').length];
}"""
OPEN_CELL = """() => {
  const begun = performance.now();
  document.querySelector('.row').click();
  document.body.offsetHeight;
  return performance.now() - begun;
}"""


def main() -> None:
    comparison, context = made(World(cases=60, criteria=20, repeats=10, lines=70, shared_ids=True))
    begun = time.perf_counter()
    text = comparison_page(comparison, context)
    print(f"made in {time.perf_counter() - begun:.1f} s, {len(text.encode()) / 1e6:.2f} MB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "page.html")
        path.write_text(text, encoding="utf-8")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(), args=flags())
            for _ in range(3):
                measure(browser.new_page(viewport={"width": 1400, "height": 900}), path)
            browser.close()


def measure(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    figures = {name: f"{ms:.0f} ms" for name, ms in [*page.evaluate(PAINT), *page.evaluate(MARKS)]}
    took, elements = page.evaluate(OPEN_ALL)
    figures |= {"all groups opened": f"{took:.0f} ms ({elements} elements)"}
    figures |= {"both answers opened": f"{page.evaluate(OPEN_CELL):.0f} ms"}
    print(", ".join(f"{name} {figure}" for name, figure in figures.items()))
    page.close()


if __name__ == "__main__":
    main()
