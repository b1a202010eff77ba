"""SQL in JavaScript: which calls run it, and with which text.

Here: recognising statements. Not here: whether what is inserted is harmless (`javascript_sql_pieces`).
"""

from __future__ import annotations

import re

from graders.rules.javascript_node import Call, Node, bare
from graders.rules.javascript_options import branches, options
from graders.rules.javascript_values import pieces

STATEMENT = re.compile(
    r"^[\s(]*(?:/\*.*?\*/\s*)?(?:select\s|insert\s+(?:into|ignore|or)\b|update\s+\S|delete\s+(?:from\b"
    r"|\w+\s)|with\s+(?:recursive\s+)?\w+"
    r"\s*(?:\(|as\b)|(?:create|alter|drop)\s+(?:or\s+replace\s+|unique\s+|temp\w*\s+"
    r"|materialized\s+)?(?:table|index|view|schema|database"
    r"|extension|type|role|user|function|trigger|sequence|policy|publication)\b|call\s+\w"
    r"|exec(?:ute)?\s+\w|truncate\b|merge\s+into\b"
    r"|replace\s+into\b|set\s+(?:local\b|session\b|role\b|transaction\b|\w+\s*(?:=|to\b)|$)|show\s"
    r"|lock\s+table|begin\b|commit\b|rollback\b"
    r"|start\s+transaction|explain\s|grant\s|revoke\s|copy\s|pragma\s|notify\s|listen\s|savepoint\b)",
    re.IGNORECASE | re.DOTALL,
)
BUSY = re.compile(
    r"\b(?:from|into|set|where|values|table|index)\b|^\s*(?:pragma|select|begin|commit|rollback)\b", re.IGNORECASE
)
RUN = frozenset(
    {
        "query",
        "execute",
        "exec",
        "run",
        "get",
        "all",
        "each",
        "prepare",
        "one",
        "oneOrNone",
        "none",
        "any",
        "many",
        "manyOrNone",
        "result",
        "raw",
        "unsafe",
        "queryRaw",
        "executeSql",
        "batch",
        "queryOne",
        "queryAsync",
        "executeAsync",
        "stream",
        "task",
    }
)
PLAIN = frozenset({"query", "execute", "queryAsync", "executeAsync"})
RAW = frozenset(
    {
        "$queryRawUnsafe",
        "$executeRawUnsafe",
        "whereRaw",
        "orWhereRaw",
        "andWhereRaw",
        "orderByRaw",
        "havingRaw",
        "selectRaw",
        "joinRaw",
        "fromRaw",
        "groupByRaw",
        "literal",
        "unsafe",
    }
)
BUILDER = frozenset({"where", "andWhere", "orWhere", "having", "andHaving", "orderBy", "addSelect"})


def statement(call: Call) -> Node | None:
    """The expression that gives the SQL which a call runs; None where the call runs none that can be seen."""
    if not call.args or call.node.kind == "new_expression":
        return None
    text = _text_argument(call.args[0])
    if call.name in RAW:
        return text
    if call.name in BUILDER:
        return text if text.kind == "template_string" and _is_query_builder(call) else None
    if call.name not in RUN and not (
        call.callee.kind == "identifier"
        and re.fullmatch(r"(?:run|exec|execute)?_?(?:query|sql)", call.name, re.IGNORECASE)
    ):
        return None
    if call.name == "raw" and call.receiver is not None:
        return text
    start = opening(text)
    if not STATEMENT.match(start) or (call.name not in PLAIN and not BUSY.search(start)):
        return None
    return text


def _text_argument(node: Node) -> Node:
    """The text itself, or the `text`/`sql` of a query object."""
    known = options(node)
    given = (known.keys.get("text") or known.keys.get("sql")) if known is not None else None
    return bare(given if given is not None else node)


def _is_query_builder(call: Call) -> bool:
    return bool(re.search(r"createQueryBuilder\(\)|qb|queryBuilder", call.path)) or "createQueryBuilder" in call.origin


def opening(node: Node) -> str:
    """The first constant piece of a text, through names and their later values."""
    for value in texts(node):
        for piece in pieces(value):
            if isinstance(piece, str) and piece.strip():
                return piece
            if not isinstance(piece, str):
                break
    return ""


def texts(node: Node) -> list[Node]:
    """All values a text can have: the ends of a conditional, what a name is given at first and later."""
    found: list[Node] = []
    todo = [node]
    for _ in range(64):
        if not todo:
            break
        at = todo.pop(0)
        for end in branches(at):
            bound = end.script.binding(end) if end.kind in ("identifier", "shorthand_property_identifier") else None
            values = bound.values if bound is not None and bound.how in ("const", "let", "var") else []
            fresh = [value for value in values if value.index not in {n.index for n in found}]
            if fresh and len(found) < 64:
                todo.extend(fresh)
                found.extend(fresh)
            found.append(end)
    return found
