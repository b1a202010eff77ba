"""Attacks on rights: what anybody who may connect can do, what the web servers' role can do, and what comes later.

Each is tried by logging in as that role. Not here: rules that hold for every role (`rules`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from graders.execution.attack import Outcome
from graders.execution.migration.roles import APP, OUTSIDER, OWNER, READER, SUPERUSER
from graders.execution.migration.rows import TABLES, present
from graders.execution.migration.scene import FORBIDDEN, Scene, decided, unscored
from graders.execution.migration.session import asked, refusal, undone
from graders.execution.migration.shop import payment

MONEY = ("orders", "payments", "refunds")
NEEDED = (
    "SELECT id, title, price FROM public.products LIMIT 1",
    "SELECT id, status FROM public.orders LIMIT 1",
    "UPDATE public.stock SET quantity = quantity - 1 WHERE product_id = 20",
    "UPDATE public.orders SET status = 'shipped' WHERE id = 70",
)
"""A shop cannot do without these."""
WORD = "probe-word-only-for-the-owner"


def outsiders_shut_out(scene: Scene) -> Outcome:
    """A role without any right of its own logs in and tries to read and change every table; then `shop_app` goes shopping.

    Pass: the outsider is refused everywhere, views and new tables included, and `shop_app` can still sell. Fail: not so.
    """
    lines = [
        f"outsider reads {table}: accepted"
        for table in TABLES
        if _state(scene, OUTSIDER, f'SELECT FROM public."{table}" LIMIT 1') is None
    ]
    found = scene.session(SUPERUSER).execute(_OPEN, {"who": OUTSIDER})
    lines += [f"outsider may {what} on {name}" for name, what in found]
    lines += [
        f"shop_app is locked out: {statement.split(' WHERE')[0]}: {state}"
        for statement in NEEDED
        if (state := _state(scene, APP, statement))
    ]
    sale = scene.sale(APP)
    with undone(sale.writer):
        for table, values in (("orders", {}), ("order_items", {}), ("payments", payment(20))):
            if state := sale.add(table, **values):
                lines.append(f"shop_app is locked out: insert into {table}: {state}")
    return decided(
        not lines,
        "rights are wrong" if lines else "only shop_app has access",
        *(lines or ["outsider: refused on all 13 tables", "shop_app: sells as before"]),
    )


_OPEN = """
SELECT c.oid::regclass::text, string_agg(DISTINCT p.what, ', ')
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace,
       unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p(what)
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'probe') AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'p', 'v', 'm')
   AND has_schema_privilege(%(who)s, n.oid, 'USAGE')
   AND CASE WHEN p.what IN ('DELETE', 'TRUNCATE') THEN has_table_privilege(%(who)s, c.oid, p.what)
            ELSE has_any_column_privilege(%(who)s, c.oid, p.what) END
 GROUP BY 1 ORDER BY 1
"""


def functions_safe(scene: Scene) -> Outcome:
    """A filter with SQL of its own is given to `search_orders`, as `shop_app` and as an outsider, to read a table that only its owner may read.

    Pass: the function is gone, refuses, or runs with the caller's rights; and no function that runs with its owner's rights
    leaves its search path to the caller. Fail: the secret comes back, an outsider may call it, or a search path is open.
    """
    owner = scene.session(OWNER)
    owner.execute(f"CREATE TABLE public.probe_secret AS SELECT '{WORD}'::text AS word")
    owner.execute("REVOKE ALL ON public.probe_secret FROM PUBLIC, shop_app")
    columns = scene.session(SUPERUSER).execute(_ROW).fetchall()
    listed = ", ".join(f"{'word' if kind == 'text' else 'NULL'}::{kind}" for (kind,) in columns)
    attack = json.dumps(f"false UNION ALL SELECT {listed} FROM public.probe_secret").strip('"').replace("'", "''")
    lines = []
    for user in (APP, OUTSIDER):
        seen = _called(scene, user, f"SELECT x::text FROM public.search_orders('{attack}') AS x")
        if WORD in seen:
            lines.append(
                f"{user}: search_orders('false UNION ALL SELECT … FROM probe_secret'): the owner's secret came back"
            )
        elif (
            user == OUTSIDER
            and _called(scene, user, "SELECT x::text FROM public.search_orders('id = 10') AS x") not in FORBIDDEN
        ):
            lines.append("outsider: search_orders('id = 10'): may still be called")
    owner.execute("DROP TABLE public.probe_secret")
    lines += [
        f"{row[0]}: runs as its owner with an open search path" for row in scene.session(SUPERUSER).execute(_DEFINERS)
    ]
    return decided(
        not lines,
        "a function hands out its owner's rights" if lines else "no function hands out its owner's rights",
        *(lines or ["search_orders with SQL in its filter: nothing of the owner's came back"]),
    )


_ROW = """
SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a
 WHERE a.attrelid = to_regclass('public.orders') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_DEFINERS = """
SELECT p.oid::regprocedure::text FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
 WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'probe') AND n.nspname !~ '^pg_'
   AND NOT coalesce(p.proconfig::text LIKE '%search_path=%', false) ORDER BY 1
"""


def app_minimal(scene: Scene) -> Outcome:
    """`shop_app` tries to delete orders, payments and refunds, and to truncate every table.

    Pass: all of it is refused, and its rights are not the same on all tables. Fail: one is accepted, or they are.
    """
    lines = [
        f"shop_app deletes from {table}: accepted"
        for table in MONEY
        if _state(scene, APP, f"DELETE FROM public.{table} WHERE false") not in FORBIDDEN
    ]
    probe = scene.session(SUPERUSER)
    for table in (name for name in TABLES if present(probe, name)):
        row = probe.execute("SELECT has_table_privilege(%s, %s, 'TRUNCATE')", (APP, f"public.{table}")).fetchone()
        if row and row[0]:
            lines.append(f"shop_app truncates {table}: accepted")
    if not lines and len(set(_rights(scene))) < 2:
        lines.append("shop_app has the same rights on all tables")
    return decided(
        not lines,
        "shop_app keeps rights that it does not need" if lines else "shop_app has what it needs, table by table",
        *(lines or ["delete and truncate: refused"]),
    )


def future_closed(scene: Scene) -> Outcome:
    """The migration's role makes a function, and others try to call it and to make tables in schema public.

    Pass: an outsider may not call the new function, or may not make tables any more (both could before). Fail: both as
    before. Left open: only new tables' rights for `shop_app` were settled in advance.
    """
    owner = scene.session(OWNER)
    with undone(owner):
        owner.execute("CREATE FUNCTION public.probe_later() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        row = owner.execute(
            f"SELECT has_function_privilege('{OUTSIDER}', 'public.probe_later()', 'EXECUTE')"
        ).fetchone()
        owner.execute("CREATE TABLE public.probe_later ()")
        table = owner.execute(f"SELECT has_table_privilege('{APP}', 'public.probe_later', 'SELECT')").fetchone()
    calls = row is not None and bool(row[0])
    makes = _state(scene, OUTSIDER, "CREATE TABLE public.probe_later ()") is None
    lines = (
        f"outsider calls a function made later: {'accepted' if calls else 'refused'}",
        f"outsider makes a table: {'accepted' if makes else 'refused'}",
    )
    if calls and makes and table is not None and table[0]:
        return unscored("only the rights of shop_app on later tables are settled in advance", *lines)
    return decided(
        not (calls and makes), "later objects open up again" if calls and makes else "later objects stay closed", *lines
    )


def _state(scene: Scene, user: str, statement: str) -> str | None:
    """The SQLSTATE with which a role is refused; what it did is undone."""
    connection = scene.session(user)
    with undone(connection):
        return refusal(connection, statement)


def _called(scene: Scene, user: str, query: str) -> str:
    """What a query gives a role: rows as one text, or the SQLSTATE."""
    connection = scene.session(user)
    with undone(connection):
        found = asked(connection, query)
    return found if isinstance(found, str) else "\n".join(str(row[0]) for row in found)


def _rights(scene: Scene) -> Iterator[str]:
    """The rights of `shop_app` on each table of the shop, as one word a table."""
    for table in TABLES:
        row = (
            scene.session(READER)
            .execute(
                "SELECT string_agg(w, '') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS w"
                " WHERE has_table_privilege(%s, to_regclass(%s), w)",
                (APP, f"public.{table}"),
            )
            .fetchone()
        )
        yield str(row and row[0])
