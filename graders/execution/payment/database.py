"""The answer's database, seen and disturbed from outside as its superuser.

Here: reading money, holding locks, triggers that fail, moving the past. Not here: the server itself, or what is concluded.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

from graders.execution.cluster import SUPERUSER
from graders.execution.payment.money import Payment
from graders.execution.payment.stage import DATABASE, PASSWORD
from graders.execution.postgres import OWNER, Postgres

FAULT = "storage-node-42-offline"
"""What a failing trigger says; it must not reach a caller."""

INSIDE = """
CREATE SCHEMA harness;
CREATE FUNCTION harness.fail() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'storage-node-42-offline' USING ERRCODE = '58030'; END $$;
CREATE FUNCTION harness.drop() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
CREATE TABLE harness.limits (customer text, name text, value text);
CREATE FUNCTION harness.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN INSERT INTO harness.limits SELECT TG_ARGV[0], name, setting FROM pg_settings
    WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
      AND setting <> '0'; RETURN NEW; END $$;
GRANT USAGE ON SCHEMA harness TO PUBLIC;
"""
"""Kept apart from the answer's own schema. The functions are made once, in the database that all attacks use."""

MOMENTS = """
SELECT format('UPDATE %I.%I SET %s', n.nspname, c.relname, string_agg(CASE
         WHEN a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype)
         THEN format('%1$I = %1$I - make_interval(secs => %2$s)', a.attname, $1)
         ELSE format('%1$I = CASE WHEN abs(%1$I::numeric - extract(epoch FROM now())) < 1e7 THEN %1$I - %2$s
              WHEN abs(%1$I::numeric - extract(epoch FROM now()) * 1000) < 1e10 THEN %1$I - %2$s * 1000
              ELSE %1$I END', a.attname, $1) END, ', '))
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'harness') AND n.nspname NOT LIKE 'pg\\_%'
   AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
   AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'int8'::regtype, 'float8'::regtype, 'numeric'::regtype)
   AND NOT (a.atttypid = 'int8'::regtype AND a.atthasdef)
   AND NOT (c.relname IN ('accounts', 'payments') AND a.attname IN ('balance', 'amount'))
 GROUP BY n.nspname, c.relname
"""
"""For each table of the answer one UPDATE that moves every moment in it, also those kept as Unix seconds or milliseconds."""


MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]")
OTHER_TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE tablename NOT IN ('accounts', 'payments')
   AND schemaname NOT IN ('pg_catalog', 'information_schema', 'harness') ORDER BY 1
"""


class TableError(Exception):
    """The answer's tables did not take or give what was asked; which kind of error it was."""


class Database:
    """A superuser's connection to the answer's database."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._connection: Any = None

    async def open(self) -> None:
        """Make the database, empty."""
        self._server.create(DATABASE)
        self._connection = await self._connect()
        from psycopg import sql

        # schema.sql may make a role for the service
        await self._connection.execute(
            sql.SQL("ALTER ROLE {} CREATEROLE PASSWORD {}").format(sql.Identifier(OWNER), sql.Literal(PASSWORD))
        )

    async def equip(self) -> None:
        """Add what the attacks need beside the answer's own schema."""
        await self._connection.execute(INSIDE)

    def stop(self) -> None:
        """Stop the server, as an outage does."""
        self._server.stop(crash=True)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> Any:
        import psycopg

        address = self._server.address(DATABASE, SUPERUSER)
        return await psycopg.AsyncConnection.connect(**address, autocommit=True, connect_timeout=5)

    async def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        async with _told():
            cursor = await self._connection.execute(statement, values or None)
            return list(await cursor.fetchall())

    async def do(self, statement: Any, *values: Any) -> None:
        async with _told():
            await self._connection.execute(statement, values or None)

    async def import_account(self, customer: str, balance: str, currency: str = "EUR") -> None:
        """As the case says that accounts come in."""
        await self.do(
            "INSERT INTO accounts (customer_id, currency, balance) VALUES (%s, %s, %s::numeric)",
            customer,
            currency,
            balance,
        )

    async def balance(self, customer: str, currency: str = "EUR") -> Decimal:
        found = await self.rows(
            "SELECT balance::numeric FROM accounts WHERE customer_id::text = %s AND currency = %s", customer, currency
        )
        return Decimal(found[0][0]) if found else Decimal()

    async def payments(self, customer: str) -> tuple[Payment, ...]:
        found = await self.rows(
            "SELECT id::text, merchant_id::text, amount::numeric, currency::text, lower(status::text) FROM payments"
            " WHERE customer_id::text = %s ORDER BY 1",
            customer,
        )
        return tuple(
            Payment(
                id=row[0],
                merchant=row[1],
                amount=row[2],
                currency=row[3].strip(),
                status=row[4] if row[4] in ("succeeded", "failed") else "pending",
            )
            for row in found
        )

    @contextlib.asynccontextmanager
    async def trigger(
        self, table: str, event: str, customer: str, function: str = "fail", when: str = "true"
    ) -> AsyncIterator[None]:
        """While inside, every such event on that customer's rows calls a function of `harness`."""
        from psycopg import sql

        statement = sql.SQL(
            "CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW"
            " WHEN (NEW.customer_id::text = {customer} AND {when})"
            " EXECUTE FUNCTION harness.{function}({customer})"
        ).format(
            name=sql.Identifier(f"harness_{customer}"),
            event=sql.SQL(event),
            table=sql.Identifier(table),
            customer=sql.Literal(customer),
            function=sql.Identifier(function),
            when=sql.SQL(when),
        )
        await self.do(statement)
        try:
            yield
        finally:
            await self.do(
                sql.SQL("DROP TRIGGER {} ON {}").format(sql.Identifier(f"harness_{customer}"), sql.Identifier(table))
            )

    @contextlib.asynccontextmanager
    async def barrier(self, accounts: bool, progress: Callable[[], int], wanted: int) -> AsyncIterator[None]:
        """While inside, nothing can write to `accounts`, or else to any other table of the answer; reading goes on.

        Leaving waits until `wanted` sessions stand before the barrier, or nothing has moved for a while, and lifts it.
        """
        from psycopg import sql

        tables = await self.rows(
            "SELECT schemaname, tablename FROM pg_tables WHERE (tablename = 'accounts') = %s"
            " AND schemaname NOT IN ('pg_catalog', 'information_schema', 'harness') ORDER BY 1, 2",
            accounts,
        )
        holder = await self._connect()
        try:
            async with _told(), holder.transaction():
                for schema, table in tables:
                    await holder.execute(
                        sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(sql.Identifier(schema, table))
                    )
                yield
                await self._stand_still(progress, wanted)
        finally:
            await holder.close()

    async def _stand_still(self, progress: Callable[[], int], wanted: int) -> None:
        seen, quiet = -1, 0
        for _ in range(200):
            waiting = int((await self.rows("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"))[0][0])
            now = waiting * 1000 + progress()
            quiet = quiet + 1 if now == seen else 0
            seen = now
            if waiting >= wanted or quiet >= 15:
                return
            await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def held(self, statement: str, *values: Any) -> AsyncIterator[None]:
        """While inside, another session holds what the statement locked."""
        holder = await self._connect()
        try:
            async with _told(), holder.transaction(force_rollback=True):
                await holder.execute(statement, values or None)
                yield
        finally:
            await holder.close()

    async def age(self, seconds: int) -> None:
        """Make all that is stored that much older: for the answer, the same as if so much time had passed since."""
        for (statement,) in await self.rows(MOMENTS.replace("$1", str(int(seconds)))):
            await self.do(
                "DO $moved$ BEGIN SET LOCAL session_replication_role = replica; EXECUTE "
                + _quoted(statement)
                + "; END $moved$"
            )

    async def in_transaction(self) -> set[tuple[int, str]]:
        """Sessions of the answer that have a transaction open, each with its beginning."""
        found = await self.rows(
            "SELECT pid, xact_start::text FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND usename <> current_user"
        )
        return {(row[0], row[1]) for row in found}

    async def marks(self, customer: str) -> str:
        """What the database says of a customer's payments, without numbers and moments, and how many other rows name them."""
        found = await self.rows(
            "SELECT id::text, to_jsonb(p) FROM payments p WHERE customer_id::text = %s ORDER BY 1", customer
        )
        said = [
            {
                name: value
                for name, value in row.items()
                if isinstance(value, str | bool) and not MOMENT.match(str(value))
            }
            for _, row in found
        ]
        others = 0
        for (table,) in await self.rows(OTHER_TABLES):
            # the table's name is quoted by the server
            counting = f"SELECT count(*) FROM {table} t WHERE strpos(t::text, %s) > 0"  # noqa: S608
            for identity, _ in found:
                others += (await self.rows(counting, identity))[0][0]
        return f"{said} {others}"

    async def cut(self) -> None:
        """End every session of the answer."""
        await self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND usename <> current_user"
        )


@contextlib.asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """Raises TableError for any error of the database."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise TableError(type(error).__name__) from None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
