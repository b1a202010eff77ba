"""Every grader, by name. To add a rule, name it in `graders/rules/__init__.py`; a suite of attacks, in `SUITES`."""

from __future__ import annotations

from graders.execution.attack import Suite
from graders.rules import RULES
from graders.rules.rule import Rule

RULES_BY_ID: dict[str, Rule] = {rule.id: rule for rule in RULES}
RULE_IDS = frozenset(RULES_BY_ID)
SUITES: tuple[Suite, ...] = ()
ATTACKS = {attack.id: attack for suite in SUITES for attack in suite.attacks}
