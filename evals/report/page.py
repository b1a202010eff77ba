"""The comparison page: one self-contained HTML file that makes no request and runs no script but its own.

Here: the file around the data, its policy, and what is read without scripts. Not here: the data (`page_data`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

from evals.canonical import Json
from evals.comparison import Comparison
from evals.context import Context
from evals.report.page_data import page_data
from evals.report.safe import plain


def comparison_page(comparison: Comparison, context: Context) -> str:
    """The page as HTML. Equal values give equal text; at most about 15 MB, what was left out is said in it."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    data: Any = page_data(comparison, context)
    css, script = _style(), _script()
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
        _asset("page.html.j2")
    )
    base, candidate = comparison.base, comparison.candidate
    return template.render(
        title=plain(f"{comparison.verdict.value}: {base.persona} {base.revision} → {candidate.revision}", 300),
        policy=_policy(css, script),
        # our own files, and JSON in which nothing is left that could end the block
        css=Markup(css),  # noqa: S704
        script=Markup(script),  # noqa: S704
        data=Markup(_block(data)),  # noqa: S704
        sentence=plain(comparison.sentence),
        rest=[plain(line) for line in data["verdict"]["rest"]],
        rows=[_row(dimension) for dimension in data["dimensions"]],
    )


def _policy(css: str, script: str) -> str:
    """Nothing may be loaded; only the page's own style and script run; no string becomes markup."""
    rules = (
        "default-src 'none'",
        f"script-src '{_hash(script)}'",
        f"style-src '{_hash(css)}'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return "; ".join(rules)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


_HOSTILE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def _block(data: Json) -> str:
    """JSON that may stand in a script element: no `<`, `>`, `&`, line separator or lone surrogate is left in it.

    >>> _block({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _HOSTILE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _asset(name: str) -> str:
    return (files("evals.report") / "assets" / name).read_text(encoding="utf-8")


def _parts(ending: str) -> str:
    folder = files("evals.report") / "assets" / "page"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(ending))
    return "\n".join(_asset(f"page/{name}") for name in names)


@lru_cache
def _style() -> str:
    """All style sheets in the order of their numbers, without comments and indentation."""
    return "\n".join(line.strip() for line in _parts(".css").splitlines() if line.strip())


@lru_cache
def _script() -> str:
    """All scripts in the order of their numbers, in one scope."""
    return f"'use strict';\n(() => {{\n{_parts('.js')}}})();"


def _row(dimension: dict[str, Any]) -> list[str]:
    """A dimension for readers without scripts: the verdict of the grades that count, scores and difference over all."""
    gate, every = dimension["gate"], dimension["all"] or {}
    scores = ["unscored" if score is None else f"{score[0]:.2f}" for score in dimension["scores"]]
    difference, interval = every.get("difference"), every.get("interval")
    said = "not computed" if difference is None else _signed(difference)
    if interval:
        said += f" ({_signed(interval[0])} to {_signed(interval[1])})"
    advisory = _decided(every) > _decided(gate or {})
    return [
        dimension["name"],
        gate["verdict"] if gate else "advisory only †",
        *scores,
        f"{said} †" if advisory else said,
    ]


def _decided(change: dict[str, Any]) -> int:
    return sum(count for _, count in change.get("decided", ()))


def _signed(number: float) -> str:
    """
    >>> _signed(-0.111), _signed(-0.001)
    ('−0.11', '0.00')
    """
    shown = f"{abs(number):.2f}"
    return shown if float(shown) == 0 else f"{'−' if number < 0 else '+'}{shown}"
