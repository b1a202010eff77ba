"""Which code grades: digests of this package's own source, by module, and the versions of the parsers behind it.

Versions of rules are raised by people, who forget; a memory of grades that asks the code as well cannot be wrong for it.
Here: digests. Not here: what is done with them.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path

from graders.rules.rule import Rule

PACKAGE = Path(__file__).parent
PARSERS = ("ast-grep-py", "google-re2", "jsonschema", "jsonschema-rs", "markdown-it-py", "sqlglot")
TOOLS = ("ruff", "squawk-cli")
READER = ("graders.answer", "graders.rules.grading", "graders.text_grading")
"""What every grade goes through."""
IMPORT = re.compile(r"^\s*from (graders[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


@lru_cache
def parsers() -> str:
    """The Python and the parsers that read an answer: another one may read it differently."""
    python = f"python-{sys.version_info.major}.{sys.version_info.minor}"
    return "/".join([python, *(f"{name}-{version(name)}" for name in PARSERS)])


def rule_code(rules: Iterable[Rule]) -> str:
    """Digest of everything in this package that rules are made of, directly or through other modules."""
    return _digest(_closure((*READER, *(type(rule).__module__ for rule in rules))))


@lru_cache
def attack_code() -> str:
    """Digest of everything that attacks are made of: boxes, fixtures and locked packages included."""
    files = [path for path in sorted((PACKAGE / "execution").rglob("*")) if _counts(path)]
    return _digest([*_closure(READER), *files])


@lru_cache
def fingerprint() -> str:
    """Digest of the whole package with its parsers and tools: equal ones give equal grades."""
    files = [path for path in sorted(PACKAGE.rglob("*")) if _counts(path)]
    tools = "/".join(f"{name}-{version(name)}" for name in TOOLS)
    return hashlib.sha256(f"{parsers()}/{tools}/{_digest(files)}".encode()).hexdigest()


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def _closure(modules: Iterable[str]) -> list[Path]:
    """The files of modules and of all that they import from this package, sorted."""
    found: set[Path] = set()
    rest = [path for module in modules for path in _files(module)]
    while rest:
        path = rest.pop()
        if path not in found:
            found.add(path)
            rest += _imports(path)
    return sorted(found)


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    text = path.read_text(encoding="utf-8")
    modules = [
        module
        for origin, names in IMPORT.findall(text)
        for module in (origin, *(f"{origin}.{name}" for name in re.findall(r"\w+", names)))
    ]
    return tuple(path for module in modules for path in _files(module))


def _files(module: str) -> list[Path]:
    """The file of a module; none for a name that is no module. A package's own file counts, not all in it."""
    place = PACKAGE.joinpath(*module.split(".")[1:])
    return [
        path
        for path in (place.with_suffix(".py"), place / "__init__.py")
        if path != PACKAGE / "__init__.py" and path.is_file()
    ]


def _digest(files: Iterable[Path]) -> str:
    hashed = hashlib.sha256()
    for path in files:
        hashed.update(f"{path.relative_to(PACKAGE).as_posix()}\0{_of(path)}\n".encode())
    return hashed.hexdigest()


@cache
def _of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
