"""Connections that are taken from a pool.

Here: giving them back, whatever happens. Not here: what is sent through them (`js_transactions`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import (
    FUNCTIONS,
    LANGUAGES,
    Binding,
    Call,
    Node,
    bare,
)
from graders.rules.javascript_options import resolved
from graders.rules.javascript_pools import is_pool
from graders.rules.javascript_tree import script, site
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source


class UnreleasedClient(Rule):
    """A connection is taken from the pool and not given back on every way out. After a few failures the pool is empty
    and every request hangs. Release it in a `finally`.
    """

    id = "js-unreleased-client"
    dimension = Dimension.RELIABILITY
    severity = Severity.HIGH
    cwe = 772
    languages = LANGUAGES
    BAD = (
        (
            "async function pay() {\n  const client = await pool.connect();\n  await client.query('BEGIN');\n"
            "  await client.query('COMMIT');\n"
            "  client.release();\n}"
        ),
        (
            "import mysql from 'mysql2/promise';\nconst db = mysql.createPool({});\nasync function f() {\n"
            "  const conn = await db.getConnection();\n  const [rows] = await conn.query('SELECT 1');\n"
            "  return rows;\n}"
        ),
        (
            "async function g() {\n  let c;\n"
            "  try { c = await pool.connect(); await c.query('X'); c.release(); } catch (e) { log(e); }\n}"
        ),
    )
    GOOD = (
        (
            "async function f() {\n  const client = await pool.connect();\n"
            "  try { await client.query('SELECT 1'); } finally { client.release(); }\n}"
        ),
        "async function get() {\n  const client = await pool.connect();\n  return client;\n}",
        (
            "async function h() {\n  let c;\n"
            "  try { c = await pool.connect(); await c.query('X'); } finally { if (c) c.release(); }\n}"
        ),
        "await mongoose.connect(url);\nconst client = new Client();\nawait client.connect();",
        "async function ping() {\n  const c = await pool.connect();\n  c.release();\n}",
    )

    def check(self, source: Source) -> Iterator[Site]:
        for call in script(source).calls:
            if not _takes(call):
                continue
            bound = _holder(call)
            if bound is None or _handed_on(call, bound):
                continue
            if _released(call, bound):
                yield site(source, call.node)
            else:
                yield site(source, call.node, f"{bound.name} is not released on every way out.")


def _takes(call: Call) -> bool:
    if call.receiver is None or (call.args and bare(call.args[-1]).kind in FUNCTIONS):
        return False
    if call.name in ("getConnection", "createQueryRunner"):
        return call.awaited or call.name == "createQueryRunner"
    return call.name == "connect" and call.awaited and is_pool(call.receiver)


def _holder(call: Call) -> Binding | None:
    """The name that gets the connection."""
    for around in call.node.ancestors():
        if around.kind in ("variable_declarator", "assignment_expression"):
            name = around.field("name") or around.field("left")
            value = around.field("value") or around.field("right")
            held = value is not None and bare(value) is call.node and name is not None and name.kind == "identifier"
            return call.node.script.binding(name) if held and name is not None else None
        if around.kind not in ("await_expression", "parenthesized_expression", "as_expression", "non_null_expression"):
            return None
    return None


def _uses(call: Call, bound: Binding) -> list[Node]:
    read = call.node.script
    return [
        n
        for n in read.kinds("identifier", "shorthand_property_identifier")
        if n.text == bound.name and not n.within(bound.site) and read.binding(n) is bound
    ]


def _handed_on(call: Call, bound: Binding) -> bool:
    """Whether the connection leaves the function, so that somebody else gives it back."""
    for node in _uses(call, bound):
        parent = node.parent
        if parent is None:
            continue
        if (
            parent.kind in ("return_statement", "pair", "array", "object")
            or node.kind == "shorthand_property_identifier"
        ):
            return True
        if parent.kind == "assignment_expression" and parent.field("right") is node:
            return True
    return bound.scope.kind == "program"


def _released(call: Call, bound: Binding) -> bool:
    calls = call.node.script.calls_in(bound.scope)
    giving = [c for c in calls if _gives_back(c, bound)]
    if any(around.kind == "finally_clause" for c in giving for around in c.node.ancestors()):
        return True
    caught = [c for c in giving if any(around.kind == "catch_clause" for around in c.node.ancestors())]
    if caught and len(giving) > len(caught):
        return True
    first = min((c.node.index for c in giving), default=None)
    if first is None:
        return False
    waits = [
        n
        for n in bound.scope.find("await_expression")
        if call.node.index < n.index < first and bare(n) is not call.node
    ]
    return not waits


def _gives_back(call: Call, bound: Binding) -> bool:
    read = call.node.script
    if call.name in ("release", "end", "destroy", "close") and call.receiver is not None:
        owner = resolved(call.receiver) if call.receiver.kind != "identifier" else call.receiver
        return owner.kind == "identifier" and read.binding(owner) is bound
    if re.search(r"release", call.name, re.IGNORECASE):
        return any(arg.kind == "identifier" and read.binding(arg) is bound for arg in call.args)
    return False


RULES_CONNECTIONS: tuple[Rule, ...] = (UnreleasedClient(),)
