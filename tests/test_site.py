"""The documentation builds without a broken link, has every page in its table of contents, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tools.licences import document

ROOT = Path(__file__).parent.parent
LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href"}


def built(folder: Path) -> tuple[int, str]:
    """Build a copy of the site. Exit code and output."""
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run(
        [program, "build", "--strict"], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def copied(folder: Path) -> Path:
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(tmp_path_factory.mktemp("site"))
    code, said = built(folder)
    assert code == 0, said
    return folder / ".evals/site"


def test_every_page_is_built_and_in_the_table_of_contents(site: Path) -> None:
    docs = ROOT / "docs"
    pages = {path.relative_to(docs).as_posix() for path in (*docs.glob("*.md"), docs / "schemas/README.md")}
    nav = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    assert sorted(named(nav)) == sorted(pages)
    for page in pages - {"index.md"}:
        assert (site / page.removesuffix(".md").removesuffix("README") / "index.html").is_file(), page


def named(nav: list[Any]) -> Iterator[str]:
    for entry in nav:
        for where in entry.values():
            yield from [where] if isinstance(where, str) else named(where)


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    seen = 0
    for path in site.rglob("*.html"):
        loads = loaded(path.read_text(encoding="utf-8"))
        seen += len(loads)
        assert [where for where in loads if re.match(r"(?:https?:)?//", where)] == [], path
    assert seen > 0


def loaded(html: str) -> list[str]:
    """What a browser asks for by itself when it shows the page."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag in LOADS and given.get("rel") not in {"canonical", "next", "prev"}:
                found.append(given.get(LOADS[tag]) or "")

    Reader().feed(html)
    return [where for where in found if where]


def test_a_broken_link_is_an_error(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    page = folder / "docs/faq.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n[nowhere](no-such-page.md)\n", encoding="utf-8")
    code, said = built(folder)
    assert code != 0
    assert "no-such-page" in re.sub(r"\x1b\[[0-9;]*m", "", said)


def test_links_out_of_the_documents_lead_somewhere() -> None:
    """README and CONTRIBUTING are no part of the site, so their links are looked at here; also those to headings."""
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        for where in re.findall(r"\]\((?!https?:)([^)#\s]+)", path.read_text(encoding="utf-8")):
            assert (ROOT / where).exists(), f"{path.name}: {where}"


def test_the_licences_are_those_of_what_is_installed() -> None:
    assert (ROOT / "docs/licences.md").read_text(encoding="utf-8") == document()
