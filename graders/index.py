"""Which graders there are, without loading any: loading all rules and attacks takes longer than most commands.

`index.json` is written by `make docs` (`python -m graders.index`), and a test holds it to the graders themselves.
Here: reading and writing it. Not here: the graders (`graders.registry`).
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("index.json")


class RuleEntry(NamedTuple):
    """What is said of a rule in a list."""

    id: str
    version: int
    dimension: str
    severity: str
    cwe: int | None
    languages: tuple[str, ...]
    module: str
    """The module below `graders.rules` that names it among its `RULES_…`."""


@lru_cache
def _index() -> dict[str, Any]:
    return dict(json.loads(FILE.read_bytes()))


@lru_cache
def rule_entries() -> tuple[RuleEntry, ...]:
    """Every rule, in the order of the rules."""
    return tuple(RuleEntry(**{**entry, "languages": tuple(entry["languages"])}) for entry in _index()["rules"])


def rule_modules() -> dict[str, str]:
    """The module of each rule, in the order of the rules."""
    return {entry["id"]: entry["module"] for entry in _index()["rules"]}


def attack_suites() -> dict[str, str]:
    """The suite of each attack, in the order of the suites."""
    return dict(_index()["attacks"])


def document() -> str:
    """The text of `index.json`, from the graders themselves: a line for each, so that a change is a diff of one line."""
    from graders.registry import BUILT_IN, rules_of
    from graders.rules import every

    named = [name for name, value in vars(every).items() if isinstance(value, ModuleType)]
    modules = {rule.id: name for name in named for rule in rules_of(name)}
    rules = [
        RuleEntry(r.id, r.version, r.dimension.value, r.severity.value, r.cwe, r.languages, modules[r.id])._asdict()
        for r in every.RULES
    ]
    attacks = [(attack.id, suite.name) for suite in BUILT_IN.suites for attack in suite.attacks]
    return f'{{\n"rules": [\n{_lines(rules)}\n],\n"attacks": [\n{_lines(attacks)}\n]\n}}'


def _lines(values: list[Any]) -> str:
    return ",\n".join(map(json.dumps, values))


if __name__ == "__main__":
    print(document())
