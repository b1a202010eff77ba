"""Static rules: one class, one defect.

`RULES` are all of them (`graders.rules.every`), loaded when it is first named: what only reads a rule's grades needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graders.rules.every import RULES as RULES


def __getattr__(name: str) -> Any:
    if name == "RULES":
        from graders.rules.every import RULES

        return RULES
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
