"""PostgreSQL for answers: databases, roles, restarts, and the way from an answer's box to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from graders.execution import runtimes
from graders.execution.box import Box, BoxError
from graders.execution.postgres import Postgres, open_postgres, url
from graders.execution.sandbox import open_box
from graders.execution.scratch import scratch
from tests.sandbox_host import needs_runtimes

ASK = "import psycopg, sys; print(psycopg.connect(sys.argv[1], connect_timeout=5).execute('select current_user').fetchone()[0])"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    needs_runtimes("python", "postgres", "cluster")
    with scratch() as folder:
        (folder / "server").mkdir()
        yield folder


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Postgres]:
    with open_postgres(place / "server") as running:
        running.create("shop")
        yield running


def test_it_is_sixteen(server: Postgres) -> None:
    with server.connect() as connection:
        row = connection.execute("show server_version").fetchone()
        assert row is not None
        assert row[0].startswith("16.")


def test_the_owner_makes_tables_and_nothing_beyond(server: Postgres) -> None:
    with server.connect("shop", "app") as connection:
        connection.execute("create table own (id int primary key)")
        for harm in (
            "copy own to program 'id'",
            "select pg_read_file('/etc/passwd')",
            "create role friend superuser",
            "create database other",
            "alter system set fsync = on",
            "select passwd from pg_shadow",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(harm)


@pytest.mark.parametrize("role", ["harness", "app"])
def test_a_wrong_password_is_refused(server: Postgres, role: str) -> None:
    address = server.address("shop", role) | {"password": "guess"}
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**address)


def test_the_owner_cannot_become_the_driver(server: Postgres) -> None:
    with server.connect("shop", "app") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("set session authorization harness")


def test_a_copy_of_a_database_is_its_own(server: Postgres) -> None:
    server.create("first")
    with server.connect("first", "app") as connection:
        connection.execute("create table t as select 1 as id")
    server.create("second", "first")
    with server.connect("second", "app") as connection:
        connection.execute("delete from t")
    with server.connect("first", "app") as connection:
        assert connection.execute("select count(*) from t").fetchone() == (1,)
    server.drop("second")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        server.connect("second", "app")


def ask(box: Box, name: str) -> str:
    """What a process in a box gets to hear from the database."""
    python = runtimes.python()
    box.start(name, [python.program, "-c", ASK, url("shop")], python.env)
    end = time.monotonic() + 20
    while box.poll(name) is None and time.monotonic() < end:
        time.sleep(0.01)
    return (box.folder / f"{name}.log").read_text(encoding="utf-8").strip()


def test_a_box_reaches_it_by_port_also_after_crash_and_restart(server: Postgres, place: Path) -> None:
    folder = place / "answer"
    folder.mkdir()
    with open_box(folder, runtimes.python().mounts) as box:
        server.join(box)
        assert ask(box, "before") == "app"
        with server.connect("shop", "app") as connection:
            connection.execute("create table if not exists kept as select 1 as id")
        server.stop(crash=True)
        assert "OperationalError" in ask(box, "down")
        server.start()
        assert ask(box, "after") == "app"
        with server.connect("shop", "app") as connection:
            assert connection.execute("select * from kept").fetchone() == (1,)
        server.stop()
        server.start()
        assert ask(box, "again") == "app"


def test_the_driver_reaches_it_below_a_long_path(place: Path) -> None:
    folder = place / ("long" * 30)
    folder.mkdir()
    with open_postgres(folder) as server, server.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_missing_runtime_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVALS_RUNTIMES", str(tmp_path))
    with pytest.raises(BoxError, match="postgres runtime is not there; `make runtimes`"), open_postgres(tmp_path):
        pass
