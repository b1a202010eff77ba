"""Every grader, by name. To add a rule, name it in `graders/rules/__init__.py`; a suite of attacks, in `SUITES`.

A project adds its own by a registry of its own (`Registry.extended`); nothing is ever added to the house's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from graders.execution.attack import Attack, Suite
from graders.execution.jwt.suite import SUITE as JWT
from graders.execution.migration.suite import SUITE as MIGRATION
from graders.execution.payment.suite import SUITE as PAYMENT
from graders.rules import RULES
from graders.rules.rule import Rule


@dataclass(frozen=True, eq=False)
class Registry:
    """The graders that cases may name."""

    rules: Mapping[str, Rule]
    """By id."""
    suites: tuple[Suite, ...]

    @cached_property
    def attacks(self) -> Mapping[str, Attack]:
        """By id, over all suites."""
        return {attack.id: attack for suite in self.suites for attack in suite.attacks}

    def extended(self, rules: Iterable[Rule], suites: Iterable[Suite]) -> Registry:
        """This one with more graders. Raises ValueError for an id that is taken."""
        more, added = list(rules), tuple(suites)
        names = [*self.rules, *(rule.id for rule in more)]
        attacks = [*self.attacks, *(attack.id for suite in added for attack in suite.attacks)]
        taken = sorted({name for name in names if names.count(name) > 1} | {a for a in attacks if attacks.count(a) > 1})
        if taken:
            message = f"there is a grader {', '.join(f'`{name}`' for name in taken)} already"
            raise ValueError(message)
        return Registry({**self.rules, **{rule.id: rule for rule in more}}, (*self.suites, *added))


BUILT_IN = Registry({rule.id: rule for rule in RULES}, (PAYMENT, MIGRATION, JWT))
RULES_BY_ID = BUILT_IN.rules
SUITES = BUILT_IN.suites
ATTACKS = BUILT_IN.attacks
