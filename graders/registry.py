"""Every grader, by name. To add a rule, name it in `graders/rules/every.py`; a suite of attacks, in `_suites` here.

Which names there are is known at once (`graders.index`); the graders are loaded when the first of them is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from graders.index import attack_ids, rule_ids

if TYPE_CHECKING:
    from graders.execution.attack import Attack, Suite
    from graders.rules.rule import Rule

    SUITES: tuple[Suite, ...]


class _Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Named)


class Deferred(Mapping[str, T]):
    """Graders by id, loaded when the first is asked for; whether there is one is known before."""

    def __init__(self, names: Callable[[], Sequence[str]], load: Callable[[], Iterable[T]]) -> None:
        self._list = names
        self._load = load

    @cached_property
    def _names(self) -> dict[str, None]:
        return dict.fromkeys(self._list())

    @cached_property
    def _values(self) -> dict[str, T]:
        return {value.id: value for value in self._load()}

    def __getitem__(self, name: str) -> T:
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _rules() -> tuple[Rule, ...]:
    from graders.rules.every import RULES

    return RULES


def _suites() -> tuple[Suite, ...]:
    from graders.execution.jwt.suite import SUITE as JWT
    from graders.execution.migration.suite import SUITE as MIGRATION
    from graders.execution.payment.suite import SUITE as PAYMENT

    return (PAYMENT, MIGRATION, JWT)


def _attacks() -> Iterator[Attack]:
    for suite in _suites():
        yield from suite.attacks


RULES_BY_ID: Mapping[str, Rule] = Deferred(rule_ids, _rules)
ATTACKS: Mapping[str, Attack] = Deferred(attack_ids, _attacks)


def __getattr__(name: str) -> Any:
    """`SUITES`, loaded when it is first named."""
    if name == "SUITES":
        return _suites()
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
