"""The runtimes of answers: Python, Node and PostgreSQL as the cases' contracts name them, read-only in every box.

Here: where they lie, whether they are there, how they are mounted and called. Not here: how they are made (`prepare`).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.execution.box import BoxError, Mount

PACKAGES = Path(__file__).with_name("packages")
"""Exact versions and hashes of what the runtimes are made from."""
INSIDE = "/runtimes"
"""Where they lie in a box."""
SOURCES = {
    "python": ("python.lock", "../prepare.py"),
    "node": ("../prepare.py", "binaries.lock", "node/package.json", "node/package-lock.json"),
    "postgres": ("binaries.lock", "../prepare.py"),
    "cluster": ("binaries.lock", "../prepare.py", "postgresql.conf", "pg_hba.conf", "roles.sql", "../cluster.py"),
}


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """One runtime, and how a box uses it."""

    mounts: tuple[Mount, ...]
    program: str
    """Path inside a box: the interpreter, or for PostgreSQL the folder of its programs."""
    env: Mapping[str, str]
    """Environment that its programs need; an answer's own variables are added to it."""
    folder: Path
    """Where it lies on this machine."""


def python() -> Runtime:
    """Python with the packages that payment-endpoint allows. Raises BoxError when it is not there."""
    folder = _folder("python")
    env = {"PATH": f"{INSIDE}/python/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    if any((folder / "lib").glob("libpython*")):
        env["LD_LIBRARY_PATH"] = f"{INSIDE}/python/lib"
    return _runtime(folder, "bin/python3", env)


def bare_python() -> tuple[str, Sequence[Mount], Mapping[str, str]]:
    """A Python that runs in a box, without packages: the prepared one, else the system's. Its path, mounts and environment."""
    try:
        runtime = python()
    except BoxError:
        return "/usr/bin/python3", (), {}
    return (
        runtime.program,
        runtime.mounts,
        {name: value for name, value in runtime.env.items() if name == "LD_LIBRARY_PATH"},
    )


def node() -> Runtime:
    """Node 20 with the packages that jwt-auth allows. Raises BoxError when it is not there.

    CommonJS finds them by NODE_PATH. `import` does not look there: link `node_modules` of the working folder to what
    `Box.inside("/runtimes/node/node_modules")` says. `require` of ES modules is switched on, as it is in Node since 20.19.
    """
    env = {
        "PATH": f"{INSIDE}/node/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "NODE_PATH": f"{INSIDE}/node/node_modules",
        "NODE_OPTIONS": "--experimental-require-module --disable-warning=ExperimentalWarning",
    }
    return _runtime(_folder("node"), "bin/node", env)


def postgres() -> Runtime:
    """PostgreSQL 16. Raises BoxError when it is not there."""
    return _runtime(_folder("postgres"), "pgsql/pg/bin", {"LANG": "C.UTF-8", "TZ": "UTC"})


def cluster() -> Path:
    """The prepared database cluster on this machine. Raises BoxError when it is not there."""
    return _folder("cluster")


def home() -> Path:
    """The folder of the runtimes: `EVALS_RUNTIMES`, else `.runtimes` here, else `.runtimes` of this package's project."""
    if named := os.environ.get("EVALS_RUNTIMES"):
        return Path(named).absolute()
    here, project = Path.cwd() / ".runtimes", Path(__file__).parents[2] / ".runtimes"
    return here if here.is_dir() else project


def digest(name: str) -> str:
    """What a runtime is made from, as one value."""
    total = hashlib.sha256()
    for source in SOURCES[name]:
        total.update((PACKAGES / source).read_bytes())
    return total.hexdigest()


def _folder(name: str) -> Path:
    folder = home() / name
    try:
        made = json.loads((folder / "made.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BoxError(f"the {name} runtime is not there; `make runtimes` makes it") from None
    if made["from"] != digest(name):
        raise BoxError(f"the {name} runtime is of other versions than the harness asks for; `make runtimes` renews it")
    return folder


def _runtime(folder: Path, program: str, env: Mapping[str, str]) -> Runtime:
    target = f"{INSIDE}/{folder.name}"
    return Runtime(mounts=(Mount(folder, target),), program=f"{target}/{program}", env=env, folder=folder)
