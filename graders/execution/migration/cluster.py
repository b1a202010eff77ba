"""The shop's database as a cluster that is made once per machine and copied for each answer.

Here: schema, rows, probe and server settings, and where they are kept. Not here: running a migration on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path

from graders.execution.box import WORK, BoxError, Limits
from graders.execution.migration import rows
from graders.execution.migration.session import session
from graders.execution.runtimes import Runtime, digest
from graders.execution.sandbox import open_box

HERE = Path(__file__).parent
LAYOUT = 1
"""Raised when a cluster made before must not be used any more."""
SUPERUSER = "grader"
OWNER, APP, OUTSIDER = "shop_owner", "shop_app", "outsider"
"""The migration's role, the web servers' role, and a role that may only connect, such as a reporting tool's."""
READER = "reader"
"""Reads every row for the oracle. Code of the migration that such a read might call has no more rights than that."""
CLEAN = ("clean_run", "clean_stop")
"""Databases without dirty rows: the undisturbed run, and the one that is interrupted."""
DIRTY = "dirty_run"
LIMITS = Limits(memory_mb=1024, processes=64, file_mb=256, wall_seconds=240)
DEADLINE = 60.0
"""Seconds that a step of the preparation may take."""

SETTINGS = """
listen_addresses = ''
unix_socket_directories = '/work/run'
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 24
min_wal_size = 2MB
shared_buffers = 96MB
max_worker_processes = 0
max_parallel_workers = 0
max_logical_replication_workers = 0
autovacuum = off
jit = off
track_commit_timestamp = on
password_encryption = 'scram-sha-256'
scram_iterations = 1
log_error_verbosity = terse
log_min_error_statement = panic
log_checkpoints = off
log_line_prefix = ''
timezone = 'UTC'
log_timezone = 'UTC'
"""
"""One process works at a time and nothing happens by the clock; durability is not needed."""
ACCESS = f"local all {SUPERUSER},{READER} password\nlocal all {OWNER},{APP},{OUTSIDER} trust\nlocal all all reject\n"
EMPTY = "\nlocal all all trust\n"


def prepared(runtime: Runtime) -> Path:
    """The folder of the prepared cluster, made when it is not there. Raises BoxError."""
    home = runtime.folder.parent
    folder = home / f"shop-{_digest()}"
    if folder.is_dir():
        return folder
    work = Path(tempfile.mkdtemp(prefix="shop-", dir=home))
    try:
        _make(work, runtime)
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def copied(prepared_folder: Path, folder: Path) -> str:
    """Copy a prepared cluster into a box's shared folder; the superuser's password."""
    shutil.copytree(prepared_folder / "data", folder / "data", symlinks=True, copy_function=shutil.copyfile)
    (folder / "data").chmod(0o700)
    (folder / "run").mkdir()
    return (prepared_folder / "password").read_text()


def _digest() -> str:
    parts = [str(LAYOUT), digest("postgres"), SETTINGS, ACCESS, *(_text(name) for name in ("schema.sql", "seed.sql", "dirt.sql", "probe.sql"))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _make(work: Path, runtime: Runtime) -> None:
    password = secrets.token_hex(16)
    (work / "run").mkdir()
    for name in ("schema.sql", "seed.sql", "dirt.sql", "probe.sql"):
        (work / name).write_text(_text(name), encoding="utf-8")
    (work / "build.sql").write_text(_build(password), encoding="utf-8")
    with open_box(work, runtime.mounts, LIMITS) as box:
        environment = {**runtime.env, "PGHOST": f"{WORK}/run", "PGUSER": SUPERUSER}
        box.start(
            "initdb",
            [f"{runtime.program}/initdb", "-D", f"{WORK}/data", "-U", SUPERUSER, "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"],
            environment,
        )
        _wait(box.poll, work, "initdb")
        with (work / "data/postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(SETTINGS)
        box.start("server", [f"{runtime.program}/postgres", "-D", f"{WORK}/data", "-c", "max_wal_size=4MB"], environment)
        _appears(work / "run/.s.PGSQL.5432")
        box.start("build", [f"{runtime.program}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-f", "build.sql"], environment)
        _wait(box.poll, work, "build")
        for database in (CLEAN[0], DIRTY):
            _note_rows(work, database)
        (work / "data/pg_hba.conf").write_text(ACCESS, encoding="utf-8")
        box.kill("server", 2)
        _wait(box.poll, work, "server")
    (work / "password").write_text(password)
    os.chmod(work / "password", 0o600)  # noqa: PTH101 - beside its path


def _note_rows(work: Path, database: str) -> None:
    """Keep the rows as they are before any migration, for comparison."""
    with session(work, database, READER) as connection:
        folder = work / database
        folder.mkdir()
        (folder / "sums.json").write_text(json.dumps(rows.sums(connection)), encoding="utf-8")
        for table in rows.TABLES:
            (folder / f"{table}.json").write_text(json.dumps(rows.content(connection, table)), encoding="utf-8")


def _build(password: str) -> str:
    run, stop = CLEAN
    return f"""
CREATE ROLE {OWNER} LOGIN; CREATE ROLE {APP} LOGIN; CREATE ROLE {OUTSIDER} LOGIN;
ALTER ROLE {SUPERUSER} PASSWORD '{password}'; CREATE ROLE {READER} LOGIN BYPASSRLS PASSWORD '{password}'; GRANT pg_read_all_data TO {READER};
CREATE DATABASE {run} OWNER {OWNER};
\\connect {run}
-- a database that was first created before PostgreSQL 15, and upgraded since
GRANT CREATE ON SCHEMA public TO PUBLIC;
SET ROLE {OWNER};
\\i schema.sql
\\i seed.sql
RESET ROLE;
VACUUM ANALYZE;
\\i probe.sql
\\connect postgres
CREATE DATABASE {stop} TEMPLATE {run} OWNER {OWNER};
CREATE DATABASE {DIRTY} TEMPLATE {run} OWNER {OWNER};
\\connect {DIRTY}
\\i dirt.sql
CHECKPOINT;
"""


def _wait(poll: object, work: Path, name: str) -> None:
    """Wait for a step of the preparation to end well. Raises BoxError with the end of its log."""
    assert callable(poll)
    until = time.monotonic() + DEADLINE
    while (code := poll(name)) is None and time.monotonic() < until:
        time.sleep(0.01)
    if code != 0:
        log = (work / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        raise BoxError(f"the shop's database could not be prepared: {name}: {log[-300:]}")


def _appears(path: Path) -> None:
    until = time.monotonic() + DEADLINE
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.01)
