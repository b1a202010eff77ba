"""The shop's databases, made once per machine from the empty cluster and copied for each answer.

Here: schema, rows, probe and server settings, and where they are kept. Not here: running a migration on them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from graders.execution import runtimes
from graders.execution.migration import rows
from graders.execution.migration.roles import APP, OUTSIDER, OWNER, READER
from graders.execution.migration.session import session
from graders.execution.postgres import SOCKETS, Postgres, open_postgres
from graders.execution.scratch import scratch

HERE = Path(__file__).parent
SOURCES = ("schema.sql", "seed.sql", "dirt.sql", "probe.sql", "rows.py", "cluster.py")
"""What a prepared cluster is made from; another content is another cluster."""
CLEAN = ("clean_run", "clean_stop")
"""Databases without dirty rows: the undisturbed run, and the one that is interrupted."""
DIRTY = "dirty_run"

SETTINGS = """
# beyond those of the empty cluster: an answer works alone in it, and what it does is written to the log
max_connections = 30
shared_buffers = 64MB
max_worker_processes = 0
max_logical_replication_workers = 0
track_commit_timestamp = on
log_error_verbosity = terse
log_min_messages = log
log_min_error_statement = panic
log_checkpoints = off
"""


def prepared() -> Path:
    """The folder with the prepared `data` and `password`, made when it is not there. Raises BoxError."""
    home = runtimes.home()
    folder = home / f"shop-{_digest()}"
    if folder.is_dir():
        return folder
    password = (runtimes.cluster() / "password").read_text(encoding="utf-8")
    with scratch() as place, tempfile.TemporaryDirectory(dir=home, prefix="shop-") as aside:
        made = Path(aside, "made")
        made.mkdir()
        with open_postgres(place) as server:
            _fill(server, password, made)
            server.stop()
            shutil.copytree(place / "data", made / "data", ignore=shutil.ignore_patterns(SOCKETS))
        with (made / "data/postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(SETTINGS)
        (made / "password").write_text(password, encoding="utf-8")
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was quicker, with the same result
                raise
    return folder


def _digest() -> str:
    parts = [runtimes.digest("cluster").encode(), *((HERE / name).read_bytes() for name in SOURCES)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _fill(server: Postgres, password: str, made: Path) -> None:
    run, stop = CLEAN
    with session(server, "postgres") as connection:
        for role in (OWNER, APP, OUTSIDER):
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{role}'")
        connection.execute(f"CREATE ROLE {READER} LOGIN BYPASSRLS PASSWORD '{password}'")
        connection.execute(f"GRANT pg_read_all_data TO {READER}")
        connection.execute(f"CREATE DATABASE {run} TEMPLATE template0 OWNER {OWNER}")
    with session(server, run) as connection:
        connection.execute("SET search_path = public")
        # as in a database that was first created before PostgreSQL 15, and upgraded since
        connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        connection.execute(f"SET ROLE {OWNER}")
        for name in ("schema.sql", "seed.sql"):
            connection.execute(_sql(name))
        connection.execute("RESET ROLE")
        connection.execute("VACUUM ANALYZE")
        connection.execute(_sql("probe.sql"))
    with session(server, "postgres") as connection:
        for copy in (stop, DIRTY):
            connection.execute(f"CREATE DATABASE {copy} TEMPLATE {run} OWNER {OWNER} STRATEGY file_copy")
    with session(server, DIRTY) as connection:
        connection.execute("SET search_path = public")
        connection.execute(_sql("dirt.sql"))
        connection.execute("CHECKPOINT")
    for database in (run, DIRTY):
        _note_rows(server, password, database, made / database)


def _note_rows(server: Postgres, password: str, database: str, folder: Path) -> None:
    """Keep the rows as they are before any migration, for comparison."""
    folder.mkdir()
    with session(server, database, READER, password) as connection:
        (folder / "sums.json").write_text(json.dumps(rows.sums(connection)), encoding="utf-8")
        for table in rows.TABLES:
            (folder / f"{table}.json").write_text(json.dumps(rows.content(connection, table)), encoding="utf-8")


def _sql(name: str) -> bytes:
    return (HERE / name).read_bytes()
