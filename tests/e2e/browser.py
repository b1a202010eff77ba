"""Which browser the tests of pages run in, and how it is started."""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str:
    """The browser; skips without one, or fails where EVALS_REQUIRE_BROWSER says that it must be there."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        message = f"no browser (looked for {', '.join(NAMES)}); on Debian: apt-get install chromium"
        if os.environ.get("EVALS_REQUIRE_BROWSER"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def flags() -> list[str]:
    """Headless, quiet, and without its own sandbox only where root leaves no choice."""
    quiet = [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    return [*quiet, "--no-sandbox"] if os.geteuid() == 0 else quiet
