"""The plain part of Nunjucks, `{{name}}`, `{{user.name}}`; whatever has logic is refused, never guessed.

Here: filling in variables. Not here: where they come from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

PLACE = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
NAME = re.compile(r"[A-Za-z_]\w*(\.\w+|\[\d+\])*")


class NotPlain(Exception):
    """The template needs more than its variables; the message says what."""


def render(template: str, values: Mapping[str, Any]) -> str:
    """The template with its variables filled in. Raises NotPlain.

    >>> render("{{ greeting }}, {{user.name}}{{n[1]}}", {"greeting": "Hi", "user": {"name": "Bo"}, "n": [1, True]})
    'Hi, Botrue'
    """
    if mark := re.search(r"\{[%#]", template):
        what = "a comment" if mark[0] == "{#" else "logic"
        raise NotPlain(f"the template has {what} (`{template[mark.start() : mark.start() + 30]}`)")
    return PLACE.sub(lambda found: _text(_value(found[1].strip(), values)), template)


def _value(name: str, values: Mapping[str, Any]) -> Any:
    if not NAME.fullmatch(name):
        raise NotPlain(f"`{{{{{name[:40]}}}}}` is more than the name of a variable")
    found: Any = values
    for part in re.findall(r"\w+", name):
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise NotPlain(f"there is no variable `{name[:40]}`") from None
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Variables whose texts name other variables, filled in once. Raises NotPlain."""
    return {k: render(v, values) if isinstance(v, str) and ("{{" in v or "{%" in v) else v for k, v in values.items()}
