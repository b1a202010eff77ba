"""Renamed tables and columns, as squawk finds them: running programs still use the old name."""

from __future__ import annotations

from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

RENAMES = ("renaming-column", "renaming-table")


class RenameBreaksClients(Rule):
    """A table or column is renamed in a migration.

    Every program that runs while the migration is applied still uses the old name and fails until it is deployed anew.
    Add the new name beside the old one, move the readers and writers, and drop the old one in a later release.
    """

    id = "sql-rename-breaks-clients"
    dimension = Dimension.RELIABILITY
    severity = Severity.MEDIUM
    cwe = None
    languages = ("sql",)
    tools = ("squawk",)
    BAD = (
        "ALTER TABLE orders RENAME COLUMN total TO total_amount;\n",
        "SET lock_timeout = '2s';\nALTER TABLE customer RENAME TO customers;\n",
    )
    GOOD = (
        "ALTER TABLE orders ADD COLUMN total_amount numeric(14, 2);\n",
        "-- squawk says nothing of this comment: RENAME COLUMN a TO b\nALTER TABLE orders DROP COLUMN total;\n",
    )

    def check(self, source: Source) -> Iterator[Site]:
        alters = [
            statement for statement in source.statements if statement.text.lstrip().upper().startswith("ALTER TABLE")
        ]
        if not alters:
            return
        renames = [finding for finding in source.findings("squawk") if finding.code in RENAMES]
        for finding in renames:
            quote = source.lines[finding.line - 1].strip()[:200]
            yield Site(line=finding.line, ok=False, quote=quote, message="Programs that still use the old name fail.")
        if not renames:
            line = alters[0].line
            yield Site(line=line, ok=True, quote=source.lines[line - 1].strip()[:200])


RULES_SQL_RENAMES: tuple[Rule, ...] = (RenameBreaksClients(),)
