"""What is published: sdist and wheel build, install, hold every file they need, and work far from the repository.

The wheel is built from the sdist. Nothing is fetched: the dependencies are those of the environment that runs the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PARTS = ("evals", "graders", "pyproject.toml", "README.md", "LICENSE")


def done(*argv: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run to a good end; standard output and error."""
    ran = subprocess.run(
        [str(part) for part in argv], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=600
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel that is built from it."""
    place = tmp_path_factory.mktemp("built")
    source = place / "source"
    source.mkdir()
    for name in PARTS:
        part = ROOT / name
        if part.is_dir():
            shutil.copytree(part, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(part, source / name)
    done(
        sys.executable, "-c", "from setuptools.build_meta import build_sdist as b; b('../out')", cwd=source, env=plain()
    )
    [sdist] = (place / "out").glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        packed.extractall(place / "unpacked", filter="data")
    [tree] = (place / "unpacked").iterdir()
    pip = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "-q", "-w"]
    done(*pip, place / "out", tree, cwd=place, env=plain())
    [wheel] = (place / "out").glob("*.whl")
    return sdist, wheel


def plain() -> dict[str, str]:
    """The environment without anything that leads back to the repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "MAKE"))}


def test_the_wheel_holds_every_file_of_the_packages(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    there = {
        path.relative_to(ROOT).as_posix()
        for package in ("evals", "graders")
        for path in (ROOT / package).rglob("*")
        # the gold set is data of this repository's suite; every project has its own
        if path.is_file() and not {"__pycache__", "gold"} & set(path.parts)
    }
    assert packed == there


def test_the_wheel_holds_nothing_else(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as sdist:
        tops = {name.split("/")[1] for name in sdist.getnames() if "/" in name}
    assert tops <= {*PARTS, "PKG-INFO", "setup.cfg", "persona_evals.egg-info"}


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_init_and_make_eval_with_only_the_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    env = tmp_path / "env"
    venv.create(env, with_pip=False)
    python = env / "bin/python"
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-index",
        "--no-deps",
        "-q",
    ]
    done(*pip, built[1], cwd=tmp_path, env=plain())
    own = Path(done(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    # a path file makes the dependencies seen, and leaves out the editable install that may lie beside them
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    work = tmp_path / "work"
    work.mkdir()
    path = {**plain(), "PATH": f"{env / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    where = done(python, "-c", "import evals, graders; print(evals.__file__, graders.__file__)", cwd=work, env=path)
    assert where.count(str(own)) == 2
    done("evals", "init", "demo", cwd=work, env=path)
    said = done("make", "eval", cwd=work / "demo", env=path)
    assert "2 criteria of answers: 1 by rule, 1 by judge; 0 unscored." in said
    assert "no model was asked" in said
    options = ["cases", "-v", "-W", "error", "--strict-markers", "--evals-provider", "scripted", "--evals-repeats", "1"]
    said = done("python", "-m", "pytest", *options, cwd=work / "demo", env=path)
    assert "cases/careful-engineer/customer-lookup.yaml::0001::1 PASSED" in said
    assert "sound" in done("make", "lock", cwd=work / "demo", env=path)
