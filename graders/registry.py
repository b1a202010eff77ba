"""Every grader, by name. To add a rule, name it in `graders/rules/__init__.py`; a suite of attacks, in `SUITES`."""

from __future__ import annotations

from graders.execution.attack import Suite
from graders.execution.jwt.suite import SUITE as JWT
from graders.execution.migration.suite import SUITE as MIGRATION
from graders.execution.payment.suite import SUITE as PAYMENT
from graders.rules import RULES
from graders.rules.rule import Rule

RULES_BY_ID: dict[str, Rule] = {rule.id: rule for rule in RULES}
RULE_IDS = frozenset(RULES_BY_ID)
SUITES: tuple[Suite, ...] = (PAYMENT, MIGRATION, JWT)
ATTACKS = {attack.id: attack for suite in SUITES for attack in suite.attacks}
