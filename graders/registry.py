"""Every grader, by name. To add a rule, name it in `graders/rules/every.py`; a suite of attacks, in `SUITE_NAMES`; then
`make docs` renews the index.

Which names there are is known at once (`graders.index`); each grader is loaded when it is asked for. A project adds its own by
a registry of its own (`Registry.extended`); nothing is ever added to the house's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from graders.index import attack_suites, rule_modules

if TYPE_CHECKING:
    from graders.execution.attack import Attack, Suite
    from graders.rules.rule import Rule


SUITE_NAMES = ("payment", "migration", "jwt")


T = TypeVar("T")


class Deferred(Mapping[str, T]):
    """Graders by id, each loaded when it is asked for; whether there is one is known before."""

    def __init__(self, places: Callable[[], Mapping[str, str]], load: Callable[[str, str], T]) -> None:
        """`places`: where each is, by id. `load`: the grader of an id at a place."""
        self._list = places
        self._load = load
        self._loaded: dict[str, T] = {}

    @cached_property
    def _places(self) -> Mapping[str, str]:
        return self._list()

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            self._loaded[name] = self._load(name, self._places[name])
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def rules_of(module: str) -> tuple[Rule, ...]:
    """The rules that a module below `graders.rules` names in its `RULES_…`."""
    values = vars(import_module(f"graders.rules.{module}"))
    return tuple(rule for name, value in values.items() if name.startswith("RULES_") for rule in value)


def _rule(name: str, module: str) -> Rule:
    return next(rule for rule in rules_of(module) if rule.id == name)


def suite_of(name: str) -> Suite:
    """The suite of attacks with that name."""
    found: Suite = import_module(f"graders.execution.{name}.suite").SUITE
    return found


def _attack(name: str, suite: str) -> Attack:
    return next(attack for attack in suite_of(suite).attacks if attack.id == name)


RULES_BY_ID: Mapping[str, Rule] = Deferred(rule_modules, _rule)
ATTACKS: Mapping[str, Attack] = Deferred(attack_suites, _attack)


class Joined(Mapping[str, T]):
    """Graders of the house, and more of a project."""

    def __init__(self, house: Mapping[str, T], more: Mapping[str, T]) -> None:
        self._house = house
        self._more = more

    def __getitem__(self, name: str) -> T:
        return self._more[name] if name in self._more else self._house[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._house
        yield from self._more

    def __len__(self) -> int:
        return len(self._house) + len(self._more)

    def __contains__(self, name: object) -> bool:
        return name in self._house or name in self._more


@dataclass(frozen=True, eq=False)
class Registry:
    """The graders that cases may name."""

    rules: Mapping[str, Rule]
    attacks: Mapping[str, Attack]
    """Both by id."""
    own_rules: tuple[Rule, ...] = ()
    own_suites: tuple[Suite, ...] = ()
    """What is not of the house."""

    @property
    def suites(self) -> tuple[Suite, ...]:
        """The suites of attacks, the house's first."""
        return (*map(suite_of, SUITE_NAMES), *self.own_suites)

    def extended(self, rules: Iterable[Rule], suites: Iterable[Suite]) -> Registry:
        """This one with more graders. Raises ValueError for an id that is taken."""
        more, added = tuple(rules), tuple(suites)
        attacks = [attack for suite in added for attack in suite.attacks]
        names, ids = [rule.id for rule in more], [attack.id for attack in attacks]
        taken = {n for n in names if n in self.rules or names.count(n) > 1}
        taken |= {n for n in ids if n in self.attacks or ids.count(n) > 1}
        if taken:
            message = f"there is a grader {', '.join(f'`{name}`' for name in sorted(taken))} already"
            raise ValueError(message)
        return Registry(
            Joined(self.rules, dict(zip(names, more, strict=True))),
            Joined(self.attacks, dict(zip(ids, attacks, strict=True))),
            (*self.own_rules, *more),
            (*self.own_suites, *added),
        )


BUILT_IN = Registry(RULES_BY_ID, ATTACKS)
