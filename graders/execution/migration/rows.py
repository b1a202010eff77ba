"""The shop's rows before and after: is every value still there, in its place, in another column, or in a copy?

Here: reading rows and comparing them. Not here: the dirty rows themselves (`dirt.sql`), or verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

Rows = dict[str, dict[str, str | None]]
"""Key → column → value as text."""

TABLES = {
    "countries": ("code", ("code", "name")),
    "customers": ("id", ("id", "email", "password", "full_name", "birth_date", "country_code", "created_at", "deleted_at")),
    "products": ("id", ("id", "sku", "title", "price", "currency", "updated_at")),
    "stock": ("product_id", ("product_id", "quantity")),
    "carts": ("id", ("id", "customer_id", "status", "created_at")),
    "cart_items": ("cart_id", ("cart_id", "product_id", "quantity")),
    "orders": ("id", ("id", "customer_id", "total", "currency", "status", "created_at")),
    "order_items": ("id", ("id", "order_id", "product_id", "quantity", "unit_price")),
    "payments": ("id", ("id", "order_id", "provider_ref", "idempotency_key", "amount_minor", "currency", "card_token",
                        "card_last4", "status", "created_at")),
    "refunds": ("id", ("id", "payment_id", "amount_minor", "reason", "created_at")),
    "coupons": ("code", ("code", "percent_off", "once_per_customer")),
    "coupon_redemptions": ("redeemed_at", ("coupon_code", "customer_id", "order_id", "redeemed_at")),
    "events": ("id", ("id", "customer_id", "kind", "body", "created_at")),
}  # fmt: skip
"""Key (it is unique in our rows) and columns of each table; card number and CVV are meant to go."""
LAST = {"order_items": 600_000}
"""Largest id that a table's rows had, where it is not `LAST_ID`; the attacks add rows beyond it."""
LAST_ID = 225_000
MONEY = ("total", "price", "unit_price")
"""Columns in whole currency units; cents are the same value."""
DERIVED = 14
"""Hours by which a moment may be moved, when a time zone is put on it."""
INNER = {"pg_catalog", "information_schema", "probe"}


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Values of one table that are nowhere any more."""

    table: str
    column: str | None
    """None: whole rows."""
    count: int
    key: str
    """The first of them."""
    before: str = ""
    after: str = ""


def present(connection: Connection[Any], table: str) -> tuple[str, ...]:
    """Columns of a table of schema public as it is now; empty when there is none of that name."""
    found = connection.execute(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        (f"public.{table}",),
    )
    return tuple(row[0] for row in found)


def sums(connection: Connection[Any]) -> dict[str, dict[str, str]]:
    """A sum over (key, value) for each column that is there, by table; equal sums are equal values."""
    return {
        table: _sums(connection, table, key, [name for name in columns if name in present(connection, table)])
        for table, (key, columns) in TABLES.items()
    }


def content(connection: Connection[Any], table: str) -> Rows:
    """All rows of a table with all its columns as text, by key."""
    columns = present(connection, table)
    key = TABLES[table][0]
    if key not in columns:
        return {}
    listed = ", ".join(f'"{name}"::text' for name in columns)
    found = connection.execute(f'SELECT "{key}"::text, {listed} FROM public."{table}"')
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in found}


def losses(
    connection: Connection[Any],
    before: Mapping[str, Mapping[str, str]],
    original: Callable[[str], Rows],
    untouched: frozenset[str] = frozenset(),
) -> Iterator[Loss]:
    """What is nowhere any more, table by table.

    `original` gives a table's rows as they were; it is asked only where sums differ. In the tables named `untouched` no row
    can have changed, but columns may be gone.
    """
    copies: list[frozenset[str]] | None = None
    for table, (key, columns) in TABLES.items():
        there = present(connection, table)
        if table in untouched and set(columns) <= set(there):
            continue
        now = _sums(connection, table, key, [name for name in columns if name in there])
        differing = [name for name in columns if before[table][name] != now.get(name)]
        if differing:
            copies = _copies(connection) if copies is None else copies
            yield from _losses(table, differing, original(table), content(connection, table), copies)


def same(column: str, before: str | None, after: str | None) -> bool:
    """Whether a value says the same as before: the same text, number, amount in cents, or moment in some time zone.

    >>> same("total", "0.30000000000000004", "0.30"), same("total", "0.30", "30"), same("email", "A@x", "a@x")
    (True, True, False)
    """
    if before is None:
        return True  # nothing was there that could be lost
    if after is None:
        return False
    if before.rstrip() == after.rstrip():
        return True
    first, second = _number(before), _number(after)
    if first is not None and second is not None:
        if column not in MONEY:
            return first == second
        cents = round(first, 2)
        return cents in (second, second / 100, round(second, 2))
    return column.endswith("_at") and _near(before, after)


def _sums(connection: Connection[Any], table: str, key: str, columns: Sequence[str]) -> dict[str, str]:
    if key not in columns:
        return {}
    pieces = ", ".join(
        f"sum(hashtextextended(\"{key}\"::text || '|' || coalesce({_text(name)}, '~'), 0)::numeric)::text || '/' || count(*)"
        for name in columns
    )
    ours = f' WHERE "{key}" <= {LAST.get(table, LAST_ID)}' if key == "id" else ""
    values = connection.execute(f'SELECT {pieces} FROM public."{table}"{ours}').fetchone()
    assert values is not None
    return dict(zip(columns, values, strict=True))


def _text(column: str) -> str:
    return f'round("{column}"::numeric, 2)::text' if column in MONEY else f'"{column}"::text'


def _losses(
    table: str, differing: Sequence[str], old: Rows, new: Rows, copies: Sequence[frozenset[str]]
) -> Iterator[Loss]:
    key_column, columns = TABLES[table]
    shelf = _Shelf(copies)
    gone = [
        key
        for key in old
        if key not in new and not shelf.has(key, [old[key][name] for name in columns if name != key_column])
    ]
    if gone:
        yield Loss(table=table, column=None, count=len(gone), key=gone[0])
    for name in differing:
        changed = [
            key
            for key in old
            if key in new and not _kept(name, old[key][name], new[key]) and not shelf.has(key, [old[key][name]])
        ]
        if changed:
            first = changed[0]
            yield Loss(
                table=table,
                column=name,
                count=len(changed),
                key=first,
                before=str(old[first][name]),
                after=str(new[first].get(name)),
            )


def _kept(column: str, value: str | None, row: Mapping[str, str | None]) -> bool:
    """Whether a row has a value in its own column, or in one that the table did not have before."""
    if column in row and same(column, value, row[column]):
        return True
    known = {name for _, names in TABLES.values() for name in names}
    return value is not None and any(name not in known and same(column, value, other) for name, other in row.items())


class _Shelf:
    """Copies that the migration made in tables of its own."""

    def __init__(self, copies: Sequence[frozenset[str]]) -> None:
        self._by_value: dict[str, list[frozenset[str]]] = {}
        self._copies = copies

    def has(self, key: str, values: Sequence[str | None]) -> bool:
        """Whether one copied row holds the key and all those values."""
        wanted = {_plain(value) for value in values if value is not None}
        if not self._by_value:
            for copy in self._copies:
                for value in copy:
                    self._by_value.setdefault(value, []).append(copy)
        return any(wanted <= copy for copy in self._by_value.get(_plain(key), ()))


def _copies(connection: Connection[Any]) -> list[frozenset[str]]:
    """Rows of tables that were not there before, each as the set of its values; JSON is taken apart."""
    found: list[frozenset[str]] = []
    for schema, table in new_tables(connection):
        for (row,) in connection.execute(f"SELECT to_jsonb(x) FROM {_quoted(schema)}.{_quoted(table)} AS x"):
            found.append(frozenset(_values(row)))
    return found


def new_tables(connection: Connection[Any]) -> list[tuple[str, str]]:
    """(schema, name) of ordinary and partitioned tables that the migration made."""
    found = connection.execute(
        "SELECT n.nspname::text, c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition ORDER BY 1, 2"
    )
    return [
        (schema, name) for schema, name in found
        if schema not in INNER and not schema.startswith("pg_") and not (schema == "public" and name in TABLES)
    ]  # fmt: skip


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _values(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    elif value is not None:
        yield _plain(value)


def _plain(value: object) -> str:
    """One spelling for a value, whether it comes from a column's text or from JSON."""
    text = str(value).rstrip()
    number = _number(text)
    if number is not None:
        return format(number.normalize(), "f")
    moment = _moment(text)
    if moment is not None:
        return moment.isoformat()
    return text.lower() if isinstance(value, bool) else text


def _number(text: str) -> Decimal | None:
    if not re.fullmatch(r"-?\d{1,30}(\.\d{1,30})?(e[+-]?\d{1,3})?", text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _moment(text: str) -> datetime | None:
    if not re.match(r"\d{4}-\d\d-\d\d[ T]\d\d:", text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _near(before: str, after: str) -> bool:
    first, second = _moment(before), _moment(after)
    if first is None or second is None:
        return False
    apart = abs((first - second).total_seconds())
    return apart <= DERIVED * 3600 and apart % 1800 == 0
