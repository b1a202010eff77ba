"""What a shop does with its database: rows like those that are there, inserted as one of its roles.

A row is a copy of an existing one with some values changed, so that it satisfies whatever the migration asks of rows.
Not here: what is concluded from a refusal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graders.execution.migration.rows import TABLES
from graders.execution.migration.session import refusal

if TYPE_CHECKING:
    from psycopg import Connection

ORDER = 70
"""An order with items and one captured payment of its whole total, and no refund."""
PAYMENT = 70
CUSTOMER = 10
PRODUCT = 10


@dataclass(frozen=True, kw_only=True)
class Sale:
    """Connections that a trial needs: one that reads rows, one that writes as a role of the shop."""

    reader: Connection[Any]
    writer: Connection[Any]

    def add(self, table: str, **values: object) -> str | None:
        """Insert a row like the table's sample, with those values; the SQLSTATE of the refusal, None when it is accepted."""
        sample, columns = self._sample(table)
        chosen = [name for name in columns if name in values or not columns[name]]
        listed = ", ".join(f'"{name}"' for name in chosen)
        return refusal(
            self.writer,
            f'INSERT INTO public."{table}" ({listed}) SELECT {listed} FROM jsonb_populate_record(NULL::public."{table}", %s::jsonb)',
            json.dumps({**sample, **values}),
        )

    def _sample(self, table: str) -> tuple[dict[str, object], Mapping[str, bool]]:
        """A row as it is now, and the table's columns: True where an insert may leave it out."""
        key, known = TABLES[table]
        found = self.reader.execute(
            "SELECT a.attname::text, a.attidentity::text || a.attgenerated::text <> '' OR a.attname = 'id',"
            " a.atthasdef OR NOT a.attnotnull FROM pg_attribute AS a"
            " WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (f"public.{table}",),
        ).fetchall()
        columns = {
            name: optional and name not in known for name, made, optional in found if not made and name not in HIDDEN
        }
        row = self.reader.execute(
            f'SELECT to_jsonb(x) FROM public."{table}" AS x WHERE "{key}"::text = %s',
            (SAMPLES.get(table, "10"),),
        ).fetchone()
        return (row[0] if row else {}), columns


HIDDEN = ("card_number", "card_cvv")
"""Columns that are meant to go."""
SAMPLES = {"orders": str(ORDER), "payments": str(PAYMENT), "order_items": "70", "refunds": "120", "coupons": "ONCE-1",
           "countries": "DE", "coupon_redemptions": "2019-01-01 11:00:00.000001+00"}  # fmt: skip
"""Keys of the rows that are copied."""


def payment(number: int, **values: object) -> dict[str, object]:
    """Values of a payment that repeats no other: a key and a reference of its own, for a fresh attempt."""
    return {
        "idempotency_key": f"probe-key-{number}",
        "provider_ref": f"probe-ref-{number}",
        "status": "pending",
        **values,
    }
