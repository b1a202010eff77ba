"""The prepared database cluster: made once, copied for each use.

Here: `initdb` and the roles, in a box. Not here: a running server (`postgres`).
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path

from graders.execution.box import WORK, Box, BoxError, Limits
from graders.execution.runtimes import PACKAGES, Runtime, postgres
from graders.execution.sandbox import open_box

SUPERUSER = "harness"


def build(target: Path) -> None:
    """Make a cluster below `target` as `data`, and beside it `password` of its superuser. Raises BoxError."""
    runtime = postgres()
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "password").write_text(password, encoding="utf-8")
        (folder / "roles.sql").write_text((PACKAGES / "roles.sql").read_text(encoding="utf-8"), encoding="utf-8")
        with open_box(folder, runtime.mounts, Limits(database=True)) as box:
            _run(box, runtime, "initdb", [
                f"{runtime.program}/initdb", "-D", f"{WORK}/data", "-U", SUPERUSER, f"--pwfile={WORK}/password",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--wal-segsize=1",
            ])  # fmt: skip
            single = f"exec {runtime.program}/postgres --single -j -D {WORK}/data postgres < {WORK}/roles.sql"
            _run(box, runtime, "roles", ["/bin/sh", "-c", single])
        shutil.copytree(folder / "data", target / "data")
    for part in ("postgresql.conf", "pg_hba.conf"):
        shutil.copy(PACKAGES / part, target / "data" / part)
    (target / "password").write_text(password, encoding="utf-8")


def _run(box: Box, runtime: Runtime, name: str, argv: list[str], seconds: float = 60.0) -> None:
    """Run a program of PostgreSQL to its end. Raises BoxError when it fails."""
    box.start(name, argv, runtime.env)
    code = box.wait(name, seconds)
    if code != 0:
        raise BoxError(f"{name} of the database cluster ended with {code}: {box.output(name)[-600:]}")
