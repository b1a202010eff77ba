"""`evals.toml`: the graders and providers of others that a project names, as `module:object`.

The file is code that its owner trusts: what it names is imported. Nothing else ever is: not what merely is installed, and
nothing that a case, a recording or an answer names. Here: reading the file, and loading what it names. Not here: what
rules, attacks and providers are (`graders.rules.rule`, `graders.execution.attack`, `evals.exchange`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.canonical import Json
from evals.errors import Fault, InputError, raise_all
from evals.importing import Missing, imported, source_of
from evals.project import Project
from graders.registry import BUILT_IN, Registry

if TYPE_CHECKING:
    from graders.execution.attack import Suite
    from graders.rules.rule import Rule

FILE = "evals.toml"
TABLES: Mapping[str, tuple[str, ...] | None] = {"graders": ("rules", "attacks"), "providers": None}
"""Tables, and the keys of each; None: names of the user's choice."""
RESERVED = ("replay", "live", "batch", "scripted")
SPEC = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
RULE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
ATTACK_ID = re.compile(r"[A-Z][A-Z0-9-]*")


@dataclass(frozen=True, kw_only=True)
class Named:
    """One entry of the file: what it is for, and the `module:object`."""

    key: str
    """`rules`, `attacks`, or the name of a provider."""
    spec: str
    line: int | None

    def fault(self, message: str) -> Fault:
        return Fault(message=f"{self.spec}: {message}", file=FILE, line=self.line)


@dataclass(frozen=True, kw_only=True)
class Extensions:
    """What a project's `evals.toml` names; nothing of it is imported yet."""

    root: Path
    graders: tuple[Named, ...] = ()
    providers: Mapping[str, Named] = field(default_factory=dict)

    def lock(self, registry: Registry) -> Json:
        """What the lock says of the graders: ids with versions, and what each module is made of."""
        rules: dict[str, Json] = {rule.id: rule.version for rule in registry.own_rules}
        attacks: dict[str, Json] = {one.id: one.version for suite in registry.own_suites for one in suite.attacks}
        return {"rules": rules, "attacks": attacks, "sources": self._sources(self.graders)}

    def provider_lock(self) -> Json:
        """The same of the providers, by name."""
        return {name: self._sources((named,)) for name, named in self.providers.items()}

    def _sources(self, entries: tuple[Named, ...]) -> dict[str, Json]:
        return {named.spec: source_of(named.spec.partition(":")[0], self.root) for named in entries}


def registry_of(project: Project) -> Registry:
    """The graders that the project's cases may name. Raises InputError for everything wrong in `evals.toml`."""
    text = _text(project.root)
    return BUILT_IN if text is None else _registry(project.root, text)


def read_extensions(project: Project) -> Extensions:
    """What the file names. Raises InputError with everything that is wrong with it."""
    text = _text(project.root)
    return Extensions(root=project.root) if text is None else _read(project.root, text)


def _text(root: Path) -> str | None:
    from evals.load import read_text

    path = root / FILE
    return read_text(path, FILE) if path.is_file() else None


@lru_cache
def _read(root: Path, text: str) -> Extensions:
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        said = re.search(r"(.*) \(at line (\d+)", str(error))
        message, line = (said[1], int(said[2])) if said else (str(error), None)
        raise InputError(Fault(message=f"not valid TOML: {message}", file=FILE, line=line)) from None
    faults = list(_shape_faults(data, text))
    raise_all(faults)
    graders = [
        Named(key=key, spec=spec, line=_line(text, "graders", spec))
        for key, specs in data.get("graders", {}).items()
        for spec in specs
    ]
    providers = {
        name: Named(key=name, spec=spec, line=_line(text, "providers", name))
        for name, spec in data.get("providers", {}).items()
    }
    return Extensions(root=root, graders=tuple(graders), providers=providers)


def _shape_faults(data: Mapping[str, Any], text: str) -> Iterator[Fault]:
    from evals.nearest import nearest

    def fault(message: str, table: str, key: str = "") -> Fault:
        return Fault(message=message, file=FILE, line=_line(text, table, key))

    for table, content in data.items():
        if table not in TABLES:
            yield fault(f"no table `{table}` is known here{nearest(table, TABLES)} (there: {', '.join(TABLES)})", table)
        elif not isinstance(content, dict):
            yield fault(f"`{table}` must be a table, `[{table}]`", table)
        else:
            for key, value in content.items():
                yield from (fault(message, table, key) for message in _entry_faults(table, key, value))


def _entry_faults(table: str, key: str, value: Any) -> Iterator[str]:
    from evals.nearest import nearest

    keys = TABLES[table]
    if keys is not None and key not in keys:
        yield f"[{table}] has no `{key}`{nearest(key, keys)} (there: {', '.join(keys)})"
    elif keys is None and (key in RESERVED or not RULE_ID.fullmatch(key)):
        yield f"`{key}` cannot name a provider: lower case, digits and hyphens, and none of {', '.join(RESERVED)}"
    elif not _specs(value, several=keys is not None):
        form = 'a list such as ["my_rules:NoPrint"]' if keys else 'text such as "my_gateway:Gateway"'
        yield f"`{key}` must be {form}: module, colon, object"


def _specs(value: Any, *, several: bool) -> bool:
    items = value if several and isinstance(value, list) else [value]
    return all(isinstance(item, str) and SPEC.fullmatch(item) for item in items) and isinstance(value, list) is several


def _line(text: str, table: str, word: str) -> int | None:
    """The line of a table that has a word in it; else the table's own."""
    inside = start = None
    for number, line in enumerate(text.split("\n"), 1):
        if head := re.match(r"\s*\[+\s*([\w-]+)", line):
            inside = head[1]
        elif found := re.match(r"\s*([\w-]+)\s*[.=]", line):
            inside = inside or found[1]  # `providers.acme = …` above every table
        start = start or (number if inside == table else None)
        if inside == table and word and re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", line):
            return number
    return start


@lru_cache
def _registry(root: Path, text: str) -> Registry:
    rules: list[Rule] = []
    suites: list[Suite] = []
    faults: list[Fault] = []
    for named in _read(root, text).graders:
        try:
            for item in _objects(named, root):
                if named.key == "rules":
                    rules.append(_rule(item))
                else:
                    suites.append(_suite(item))
        except Missing as error:
            faults.append(named.fault(str(error)))
    raise_all(faults)
    if not rules and not suites:
        return BUILT_IN
    try:
        return BUILT_IN.extended(rules, suites)
    except ValueError as error:
        raise InputError(Fault(message=f"{error}; give it another id", file=FILE)) from None


def _objects(named: Named, root: Path) -> Iterator[Any]:
    """What a spec names; a tuple or list is taken apart."""
    found = imported(named.spec, root)
    if isinstance(found, (tuple, list)):
        yield from found
    else:
        yield found


def _rule(item: Any) -> Rule:
    """A rule, or the class of one. Raises Missing for what is none, or cannot fail or pass."""
    from graders.rules.rule import Rule

    try:
        rule = item() if isinstance(item, type) and issubclass(item, Rule) else item
    except Exception as error:  # noqa: BLE001 - a class of somebody else's may raise anything
        raise Missing(f"making the rule failed: {type(error).__name__}: {error}"[:300]) from None
    if not isinstance(rule, Rule):
        raise Missing("is no rule: it must be a class made from graders.Rule, or a tuple of such")
    name = getattr(rule, "id", None)
    if not isinstance(name, str) or not RULE_ID.fullmatch(name):
        raise Missing(f"a rule's `id` is lower case with hyphens, this is {name!r}")
    for part in ("dimension", "severity", "languages", "BAD", "GOOD"):
        if not getattr(rule, part, None):
            raise Missing(
                f"rule `{name}` has no `{part}`; a rule brings examples that it fails (BAD) and passes (GOOD)"
            )
    if not isinstance(rule.version, int) or not hasattr(rule, "cwe"):
        raise Missing(f"rule `{name}` needs `version` (a whole number) and `cwe` (a number, or None)")
    return rule


def _suite(item: Any) -> Suite:
    from graders.execution.attack import Attack, Suite

    if not isinstance(item, Suite):
        raise Missing("is no suite of attacks: it must be a graders.AttackSuite")
    for attack in item.attacks:
        if not isinstance(attack, Attack) or not ATTACK_ID.fullmatch(attack.id):
            raise Missing(f"an attack's id is upper case with hyphens, this is {getattr(attack, 'id', attack)!r}")
    if not item.attacks:
        raise Missing("the suite has no attacks")
    return item
