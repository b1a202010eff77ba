"""Static rules: one class, one defect. Added by naming them in `RULES`; nothing is discovered."""

from __future__ import annotations

from graders.rules.md_answer import RULES_MD_ANSWER
from graders.rules.rule import Rule
from graders.rules.sql_dynamic import RULES_SQL_DYNAMIC
from graders.rules.sql_integrity import RULES_SQL_INTEGRITY
from graders.rules.sql_locks import RULES_SQL_LOCKS
from graders.rules.sql_losses import RULES_SQL_LOSSES
from graders.rules.sql_privileges import RULES_SQL_PRIVILEGES
from graders.rules.sql_rewrites import RULES_SQL_REWRITES
from graders.rules.sql_secrets import RULES_SQL_SECRETS
from graders.rules.sql_statements import RULES_SQL_STATEMENTS
from graders.rules.sql_types import RULES_SQL_TYPES

RULES: tuple[Rule, ...] = (
    *RULES_SQL_TYPES,
    *RULES_SQL_INTEGRITY,
    *RULES_SQL_SECRETS,
    *RULES_SQL_PRIVILEGES,
    *RULES_SQL_DYNAMIC,
    *RULES_SQL_STATEMENTS,
    *RULES_SQL_LOSSES,
    *RULES_SQL_LOCKS,
    *RULES_SQL_REWRITES,
    *RULES_MD_ANSWER,
)
