"""Importing what a project's `evals.toml` names, from the project's folder or from what is installed.

Here: finding modules and saying what they are made of. Not here: what is done with them (`evals.extensions`).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any


class Missing(Exception):
    """What was named cannot be had, or is not what it is named as; the message says why."""


def imported(spec: str, root: Path) -> Any:
    """The object of `module:object`. Raises Missing; whatever the module itself raises is told, not passed on."""
    name, _, wanted = spec.partition(":")
    local = local_files(name, root)
    top = name.partition(".")[0]
    if local and (top in sys.stdlib_module_names or top in ("evals", "graders")):
        raise Missing(f"{local[0].relative_to(root)} has the name of another module; rename it")
    try:
        with _found_first(root) if local else nullcontext():
            _forget_others(top, root, local=bool(local))
            module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            raise Missing(f"there is no module `{error.name}`, neither in this folder nor installed") from None
        raise Missing(f"the module needs `{error.name}`, which is not installed") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a module of somebody else's may raise anything
        raise Missing(f"importing it failed: {type(error).__name__}: {error}"[:300]) from None
    if not hasattr(module, wanted):
        from evals.nearest import nearest

        raise Missing(f"the module has no `{wanted}`{nearest(wanted, vars(module))}")
    return getattr(module, wanted)


@contextmanager
def _found_first(root: Path) -> Iterator[None]:
    """The project's folder goes before all others while one of its modules is imported, and behind them afterwards."""
    place = str(root.resolve())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
        if place not in sys.path:
            sys.path.append(place)


def _forget_others(top: str, root: Path, *, local: bool) -> None:
    """Another project's module of the same name, left from before in this process, is not this one's."""
    known = sys.modules.get(top)
    places = [getattr(known, "__file__", None) or "", *getattr(known, "__path__", [])] if known else []
    if local and known and not any(Path(place).resolve().is_relative_to(root.resolve()) for place in places if place):
        for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
            del sys.modules[name]


def local_files(name: str, root: Path) -> list[Path]:
    """The files of a module in the project's folder, the module's own first; empty when it is not there."""
    path = root.joinpath(*name.split("."))
    if path.with_suffix(".py").is_file():
        return [path.with_suffix(".py")]
    if (path / "__init__.py").is_file():
        return [path / "__init__.py", *sorted(p for p in path.rglob("*.py") if p != path / "__init__.py")]
    return []


def source_of(name: str, root: Path) -> str:
    """What a module is made of, as one value: a digest of its files in the project, else the distribution and its version."""
    files = local_files(name, root)
    if files:
        total = hashlib.sha256()
        for path in files:
            content = path.read_bytes()
            total.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
        return f"sha256:{total.hexdigest()[:16]}"
    from importlib.metadata import packages_distributions, version

    owners = sorted(set(packages_distributions().get(name.partition(".")[0], ())))
    return ", ".join(f"{owner} {version(owner)}" for owner in owners) or "not known"
