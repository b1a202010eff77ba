"""Starts other people's fakes on loopback, and stops them by their process. Not here: what is asked of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.third_party.prepare import folder

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def aimock(place: Path, fixtures: Sequence[Mapping[str, object]], *options: str) -> Iterator[str]:
    """`@copilotkit/aimock` with fixtures of its own format; its address. `options`: `--chaos-drop 0.2` and the like."""
    home = folder("aimock")
    path = place / "aimock.json"
    path.write_text(json.dumps({"fixtures": fixtures}), encoding="utf-8")
    program = home / "node_modules/@copilotkit/aimock/dist/cli.js"
    command = [str(home / "node"), str(program), "-h", "127.0.0.1", "-p", "0", "-f", str(path), "--strict", *options]
    with _started(command, place / "aimock.log", {}) as address:
        yield address


@contextmanager
def mock_ai_api(place: Path) -> Iterator[str]:
    """`mock-ai-api`, its fake of the Anthropic API; its address."""
    site = folder("mock-ai-api") / "site"
    command = [sys.executable, "-m", "uvicorn", "app.anthropic_app:app", "--host", "127.0.0.1", "--port", "0"]
    with _started(command, place / "mock-ai-api.log", {"PYTHONPATH": str(site)}) as address:
        yield address


@contextmanager
def _started(command: Sequence[str], log: Path, env: Mapping[str, str]) -> Iterator[str]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=log.parent, env={**os.environ, **env}, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield _address(process, log)
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """What it says it listens at. Raises RuntimeError when it ends before it says so."""
    with log.open(encoding="utf-8") as said:
        text = ""
        while True:
            text += said.read()
            if found := ADDRESS.search(text):
                return found[0]
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            raise RuntimeError(f"it did not start: {text + said.read()}")
