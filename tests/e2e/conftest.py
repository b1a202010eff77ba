"""A real browser: Debian's Chromium, headless, without a network, spoken to over its own protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.browser import executable, flags


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags())
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page in the browser, and what it did that it should not have."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    """Messages on the console, errors, and violations of the policy."""
    requests: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a page's text as a file. Fails afterwards if it complained or asked for anything but the file itself."""
    contexts: list[BrowserContext] = []
    seen: list[tuple[Opened, str]] = []

    def open_(text: str, *, width: int = 1400, dark: bool = False, at: str = "") -> Opened:
        path = tmp_path / f"page-{len(seen)}.html"
        path.write_text(text, encoding="utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            offline=True,
            reduced_motion="reduce",
        )
        contexts.append(context)
        one = Opened(context.new_page())
        one.page.on("console", lambda message: one.complaints.append(message.text))
        one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
        one.page.on("request", lambda request: one.requests.append(request.url))
        one.page.goto(path.as_uri() + at)
        one.page.wait_for_selector("html[data-ready]")
        seen.append((one, path.as_uri()))
        return one

    yield open_
    for one, address in seen:
        assert one.complaints == []
        assert {url.split("#")[0] for url in one.requests} == {address}
    for context in contexts:
        context.close()
