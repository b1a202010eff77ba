"""Connections to the shop's database from outside its box, and statements tried through them.

A login is never stronger than what it is for: the superuser reads catalogs and steers the probe, `reader` reads rows, and
whatever writes does so as one of the shop's own roles, since it may call the migration's triggers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graders.execution.box import BoxError
from graders.execution.migration.roles import READER, SUPERUSER
from graders.execution.postgres import Postgres

if TYPE_CHECKING:
    from psycopg import Connection

OPTIONS = (
    "-c statement_timeout=10000 -c lock_timeout=10000 -c TimeZone=UTC -c DateStyle=ISO"
    " -c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed -c extra_float_digits=1"
)
"""They win over what the migration set for the database or its roles."""
LOOKING = " -c search_path=pg_catalog"
"""For who only looks: no function or operator of the migration takes the place of the server's own. The shop's roles keep
the search path that they have."""


def session(server: Postgres, database: str, role: str = SUPERUSER, password: str | None = None) -> Connection[Any]:
    """A connection from outside, each statement its own transaction. Raises BoxError."""
    import psycopg

    address = server.address(database, role)
    if password is not None:
        address["password"] = password
    options = OPTIONS + (LOOKING if role in (SUPERUSER, READER) else "")
    try:
        return psycopg.connect(**address, options=options, autocommit=True, connect_timeout=5, prepare_threshold=None)
    except psycopg.OperationalError as error:
        raise BoxError(f"the database could not be reached: {error}") from error


@contextmanager
def undone(connection: Connection[Any]) -> Iterator[None]:
    """A transaction that is rolled back in the end, whatever happened in it."""
    with connection.transaction(force_rollback=True):
        yield


def refusal(connection: Connection[Any], statement: str, *values: object) -> str | None:
    """The SQLSTATE with which a statement is refused, deferred constraints included; None when it is accepted.

    Inside a transaction the statement's effects stay there when it is accepted.
    """
    import psycopg

    try:
        with connection.transaction():
            connection.execute(statement.encode(), values or None)
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        return error.sqlstate or "lost connection"
    return None


def asked(connection: Connection[Any], query: str) -> list[tuple[Any, ...]] | str:
    """At most a hundred rows of a query, or the SQLSTATE with which it is refused."""
    import psycopg

    try:
        with connection.transaction():
            return connection.execute(query.encode()).fetchmany(100)
    except psycopg.Error as error:
        return error.sqlstate or "lost connection"


def committed(connection: Connection[Any]) -> str | None:
    """Commit the open transaction; the SQLSTATE with which that is refused."""
    import psycopg

    try:
        connection.execute("COMMIT")
    except psycopg.Error as error:
        return error.sqlstate or "lost connection"
    return None


def trouble() -> type[Exception]:
    """What every failing statement raises."""
    import psycopg

    return psycopg.Error
