"""Promises that nobody waits for.

Here: async calls as statements of their own. Not here: errors that are caught and dropped (`js_errors`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import (
    CLASSES,
    FUNCTIONS,
    LANGUAGES,
    Call,
    Node,
    bare,
    function_of,
    is_async,
    parameters,
)
from graders.rules.javascript_options import resolved
from graders.rules.javascript_tree import is_test, script, site
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

PROMISES = re.compile(
    r"^(?:globalThis\.)?fetch$|^axios(?:\.\w+)?$|^(?:fs/promises|fs\.promises|fsp|fsPromises)\.\w+$|^node-fetch$"
    r"|(?:^|\.)prisma\.(?:\w+\.(?:create|update|delete|upsert|createMany|updateMany|deleteMany)"
    r"|\$transaction|\$executeRaw\w*)$"
    r"|^(?:bcrypt|bcryptjs|argon2)\.(?:hash|compare|verify)$|^stripe\.\w+(?:\.\w+)*\.(?:create|update"
    r"|capture|cancel|confirm)$"
)
QUERIES = re.compile(
    r"(?:^|\.)(?:pool|client|db|conn|connection|pgPool|pgClient|dbPool|trx|tx|pgp|database)\.query$"
    r"|(?:^|\.)(?:userStore|orderStore|store|repo|repository|\w+Store|\w+Repo|\w+Repository)\.(?:save"
    r"|create|insert|update|delete|remove)$"
)
MODEL = re.compile(
    r"^[A-Z][a-z]\w*\.(?:create|updateOne|updateMany|deleteOne|deleteMany|findByIdAndUpdate"
    r"|findOneAndUpdate|insertMany|bulkCreate|upsert|destroy)$"
)
SYNCHRONOUS = re.compile(
    r"better-sqlite3|sqlite3|bun:sqlite|node:sqlite|DatabaseSync|^mysql2?\.create(?:Connection|Pool)|new Map|new Set"
)


class FloatingPromise(Rule):
    """A promise is started and nobody waits for it. Its failure becomes an unhandled rejection, which ends the process
    or is lost, and the code after it runs as if the work were done. Await it, return it, or give it a `catch`.
    """

    id = "js-floating-promise"
    dimension = Dimension.ERROR_HANDLING
    severity = Severity.HIGH
    cwe = 252
    languages = LANGUAGES
    BAD = (
        (
            "async function save(order) { await db.query('X', [order]); }\nasync function handle(req, res) {\n"
            "  save(req.body);\n  res.sendStatus(201);\n}"
        ),
        "app.post('/pay', async (req, res) => {\n  pool.query('UPDATE a SET b = 1');\n  res.json({ ok: true });\n});",
        "async function all(items) {\n  items.forEach(async (item) => { await push(item); });\n}",
        "class S {\n  async audit() { await write(); }\n  async run() { this.audit(); }\n}",
        "async function ping() { fetch(url, { method: 'POST' }).then(() => done()); }",
    )
    GOOD = (
        "async function save() { await f(); }\nasync function handle() { await save(); return save(); }",
        (
            "async function run() { save().catch(log); void save(); await Promise.all(items.map(async (i) => "
            "save(i))); }\nasync function save() { await f(); }"
        ),
        (
            "async function tick() {\n  try { await poll(); } catch (err) { log(err); }\n}\n"
            "async function start() { tick(); }"
        ),
        (
            "async function f() {\n  connection.query('SELECT 1', (err, rows) => { if (err) throw err; });\n"
            "  const p = fetch(url);\n  await p;\n}"
        ),
        "async function main() { await boot(); }\nmain();",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        if is_test(source):
            return
        for call in read.calls:
            if call.node.kind != "call_expression":
                continue
            if call.name == "forEach":
                if _is_async_loop(call):
                    yield site(source, call.node, "forEach does not wait for its async callback.")
            elif _is_promise(call):
                yield from _judged(source, call)


def _is_async_loop(call: Call) -> bool:
    work = bare(call.args[0]) if call.args else None
    return work is not None and work.kind in FUNCTIONS and is_async(work) and not _never_rejects(work)


def _judged(source: Source, call: Call) -> Iterator[Site]:
    parent = call.node.parent
    if call.awaited or (parent is not None and parent.kind == "return_statement"):
        yield site(source, call.node)
    elif _floats(call) and _in_request(call.node):
        yield site(source, call.node, f"Nobody waits for {call.path}.")


def _is_promise(call: Call) -> bool:
    """Whether a call gives a promise: of an async function of this source, or of a well-known library."""
    if call.args and _is_callback(call.args[-1]) and not call.path.endswith("transaction"):
        return False
    function = _local(call)
    if function is not None:
        return is_async(function) and not _never_rejects(function)
    if PROMISES.search(call.origin):
        return call.callee.kind != "identifier" or not _is_shadowed(call)
    if call.receiver is None:
        return False
    if QUERIES.search(call.path):
        return not SYNCHRONOUS.search(call.node.script.origin(call.receiver)) and not _is_sync_store(call)
    return bool(MODEL.match(call.path)) and call.path.split(".")[0] not in (
        "Object",
        "Promise",
        "Array",
        "Reflect",
        "Buffer",
    )


def _is_callback(node: Node) -> bool:
    return resolved(node).kind in FUNCTIONS or node.text in ("cb", "callback", "done", "next")


def _is_sync_store(call: Call) -> bool:
    """A store counts only where this source waits for one of its calls elsewhere."""
    owner = call.path.rsplit(".", 1)[0]
    if call.name == "query":
        return False
    return not any(other.awaited and other.path.startswith(owner + ".") for other in call.node.script.calls)


def _is_shadowed(call: Call) -> bool:
    bound = call.node.script.binding(call.callee)
    return bound is not None and bound.how in ("parameter", "function")


def _local(call: Call) -> Node | None:
    """The function of this source that a call leads to: by name, or a method of the same class."""
    read = call.node.script
    if call.callee.kind == "identifier":
        bound = read.binding(call.callee)
        value = bare(bound.value) if bound is not None and bound.value is not None and bound.key is None else None
        return value if value is not None and value.kind in FUNCTIONS else None
    if call.path == f"this.{call.name}":
        around = next((n for n in call.node.ancestors() if n.kind in CLASSES), None)
        methods = around.find("method_definition") if around is not None else []
        return next(
            (m for m in methods if (name := m.field("name")) is not None and name.text.lstrip("#") == call.name), None
        )
    return None


def _never_rejects(function: Node) -> bool:
    """An async function that catches all it does: only plain statements stand outside its `try … catch`."""
    body = function.field("body")
    if body is None or body.kind != "statement_block" or not body.children:
        return False
    tries = [
        s for s in body.children if s.kind == "try_statement" and any(c.kind == "catch_clause" for c in s.children)
    ]
    outside = [s for s in body.children if s not in tries]
    rethrown = any(c.find("throw_statement") for s in tries for c in s.children if c.kind == "catch_clause")
    return bool(tries) and not rethrown and not any(s.find("await_expression", "throw_statement") for s in outside)


def _floats(call: Call) -> bool:
    """Whether a call, with the `then`s after it, is a statement of its own that nobody handles."""
    node = call.node
    while node.parent is not None:
        parent = node.parent
        if parent.kind == "expression_statement":
            return True
        if parent.kind == "member_expression" and parent.parent is not None and parent.parent.kind == "call_expression":
            chained = call.node.script.call(parent.parent)
            if chained is None or chained.name not in ("then", "finally") or len(chained.args) > 1:
                return False
            node = parent.parent
        elif parent.kind == "parenthesized_expression":
            node = parent
        else:
            return False
    return False


def _in_request(node: Node) -> bool:
    """In an async function, or in the handler of a request."""
    function = function_of(node)
    if function.kind == "program":
        return False
    named = [p.text for p in parameters(function)]
    return is_async(function) or (
        len(named) > 1 and named[0] in ("req", "request", "_req") and named[1] in ("res", "response", "reply")
    )


RULES_PROMISES: tuple[Rule, ...] = (FloatingPromise(),)
