"""Every grader, by name. To add a rule, name it in `graders/rules/every.py`; a suite of attacks, in `SUITE_NAMES`; then
`make docs` renews the index.

Which names there are is known at once (`graders.index`); each grader is loaded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from graders.index import attack_suites, rule_modules

if TYPE_CHECKING:
    from graders.execution.attack import Attack, Suite
    from graders.rules.rule import Rule

    SUITES: tuple[Suite, ...]

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


def __getattr__(name: str) -> Any:
    """`SUITES`, loaded when it is first named."""
    if name == "SUITES":
        return tuple(map(suite_of, SUITE_NAMES))
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
