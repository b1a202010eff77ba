"""What a database says of itself: definitions, rights, and the files that its tables and indexes lie in.

Here: reading catalogs as the superuser, which runs no code of the migration. Not here: rows (`rows`), or verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

MINE = "n.nspname NOT IN ('pg_catalog', 'information_schema', 'probe') AND n.nspname !~ '^pg_'"
"""Schemas in which a migration's objects lie; those of temporary objects are left out."""

DEFINITIONS = (
    f"""
    SELECT format('column %I.%I.%I %s%s%s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
                  coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') || a.attidentity::text)
      FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE {MINE} AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
    """,
    f"""
    SELECT format('constraint %I on %I.%I %s%s', k.conname, n.nspname, c.relname, pg_get_constraintdef(k.oid),
                  CASE WHEN k.convalidated THEN '' ELSE ' (not valid)' END)
      FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE {MINE}
    """,
    f"""
    SELECT pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
      FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE {MINE}
    """,
    f"""
    SELECT pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
      FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE {MINE} AND NOT t.tgisinternal
    """,
    f"""
    SELECT format('function %I.%I(%s) %s %s %s', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), md5(p.prosrc),
                  CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END, p.proconfig::text)
      FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE {MINE}
    """,
)
"""One line for each thing that is defined."""
RIGHTS = (
    f"""
    SELECT format('rights on %I.%I %s', n.nspname, c.relname, (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(c.relacl) AS x))
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE {MINE} AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
    """,
    f"""
    SELECT format('rights on %I.%I(%s) %s', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid),
                  (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(p.proacl) AS x))
      FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE {MINE}
    """,
)
"""One line for the rights on each table, sequence and function."""


def definitions(connection: Connection[Any]) -> frozenset[str]:
    """Columns, constraints, indexes, triggers and functions, one line each."""
    return frozenset(row[0] for query in DEFINITIONS for row in connection.execute(query))


def rights(connection: Connection[Any]) -> frozenset[str]:
    """Who may do what to tables, sequences and functions, one line each."""
    return frozenset(row[0] for query in RIGHTS for row in connection.execute(query))


def files(connection: Connection[Any]) -> Mapping[int, tuple[str, str, int]]:
    """Object id → (name, `table` or `index`, file number) of everything in schema public. A new file is a rewrite."""
    found = connection.execute(
        "SELECT c.oid::bigint, coalesce(t.relname, c.relname)::text, CASE WHEN i.indexrelid IS NULL THEN 'table' ELSE 'index' END,"
        " pg_relation_filenode(c.oid)::bigint FROM pg_class AS c LEFT JOIN pg_index AS i ON i.indexrelid = c.oid"
        " LEFT JOIN pg_class AS t ON t.oid = i.indrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i')"
    )
    return {row[0]: (row[1], row[2], row[3]) for row in found}


def untouched(connection: Connection[Any], before: Mapping[int, tuple[str, str, int]]) -> frozenset[str]:
    """Names of tables in which no row was changed or deleted and which are still the same file, by the server's own counts."""
    found = connection.execute(
        "SELECT c.oid::bigint, c.relname::text, pg_relation_filenode(c.oid)::bigint FROM pg_class AS c"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
        " AND pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid) = 0"
    )
    return frozenset(name for oid, name, file in found if before.get(oid) == (name, "table", file))


def invalid_indexes(connection: Connection[Any]) -> tuple[str, ...]:
    """Names of indexes that were begun and not finished."""
    found = connection.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1")
    return tuple(row[0] for row in found)
