"""Names of a package that are loaded when they are first asked for, so that importing the package costs nothing.

Used by `graders/__init__.py` and `evals/__init__.py`. Not here: which names there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def export(package: str, homes: Mapping[str, str], name: str) -> Any:
    """The object called `name`; `homes` says in which module it is. Raises AttributeError."""
    if name not in homes:
        message = f"module {package!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(homes[name]), name)
