"""Database transactions and the connections they live on.

Here: one client from BEGIN to COMMIT, given back whatever happens. Not here: which writes belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_sql import opening
from graders.rules.javascript_tree import FUNCTIONS, LANGUAGES, Binding, Call, Node, bare, dotted, function_of, parameters, script, site
from graders.rules.javascript_values import resolved
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

CONTROL = re.compile(r"^\s*(?:begin|start\s+transaction|commit|rollback|savepoint|abort|end)\b(?!\s+(?:case|if))", re.IGNORECASE)
BEGIN = re.compile(r"^\s*(?:begin|start\s+transaction)\b", re.IGNORECASE)
WRITE = re.compile(r"^\s*(?:insert|update|delete|with\b.*\b(?:insert|update|delete))\b", re.IGNORECASE | re.DOTALL)
MANAGED = re.compile(r"(?:^|\.)(?:\$transaction|transaction|tx|txIf|withTransaction|runInTransaction|startTransaction)$")
POOLS = re.compile(r"^new (?:\w+\.)*(?:Pool|NodePgPool)\(\)|(?:createPool|mysql\.createPoolCluster)\(\)")
CLIENTS = re.compile(r"(?:\.connect|getConnection|\.reserve|createQueryRunner|connect)\(\)(?:\.\d)?$|^new (?:\w+\.)*(?:Client|Connection)\(\)|createConnection\(\)$"
                     r"|^new (?:\w+[./-])*(?:Database|PGlite)\(\)$")


def _is_pool(receiver: Node) -> bool:
    """Whether a receiver stands for many connections, so that each statement may go to another one."""
    origin = receiver.script.origin(receiver)
    if CLIENTS.search(origin):
        return False
    if POOLS.search(origin):
        return True
    if re.search(r"(?:^|[._])(?:\w*_)?\w*[pP]ool$", dotted(receiver)):
        return True
    bound = receiver.script.binding(receiver) if receiver.kind == "identifier" else None
    return bound is not None and bound.how in ("import", "const") and bool(re.match(r"\.{1,2}/.*\b(?:db|database|postgres|pg|mysql|pool)\b", origin))


class TransactionOnPool(Rule):
    """`BEGIN` or `COMMIT` is sent to a pool. Each call may take another connection, so the statements are not in one
    transaction, and a connection with an open one goes back to the pool. Take one client, send all through it, and
    release it at the end; inside a managed transaction use only the handle it gives.
    """

    id = "js-transaction-on-pool"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.CRITICAL
    cwe = 662
    languages = LANGUAGES
    BAD = (
        "const pool = new Pool();\nasync function pay() {\n  await pool.query('BEGIN');\n  await pool.query(INSERT, [1]);\n  await pool.query('COMMIT');\n}",
        "const db = require('./db');\nasync function pay() { await db.query('START TRANSACTION'); }",
        "import { Pool } from 'pg';\nclass Store {\n  db = new Pool();\n  async save() { await this.db.query(`BEGIN ISOLATION LEVEL SERIALIZABLE`); }\n}",
        "async function pay(pool) {\n  const client = await pool.connect();\n  await client.query('BEGIN');\n"
        "  await pool.query('INSERT INTO payments (id) VALUES ($1)', [1]);\n  await client.query('COMMIT');\n}",
        "await prisma.$transaction(async (tx) => {\n  await tx.account.update(a);\n  await prisma.payment.create(b);\n});",
    )
    GOOD = (
        "const client = await pool.connect();\ntry {\n  await client.query('BEGIN');\n  await client.query('COMMIT');\n"
        "} catch (e) {\n  await client.query('ROLLBACK');\n  throw e;\n} finally { client.release(); }",
        "await prisma.$transaction(async (tx) => { await tx.account.update(a); });",
        "await pool.query('SELECT 1');\nconst client = new Client();\nawait client.query('BEGIN');",
        "async function inTx(client, work) { await client.query('BEGIN'); await work(client); await client.query('COMMIT'); }",
    )

    def check(self, source: Source) -> Iterator[Site]:
        for call in script(source).calls:
            if MANAGED.search(call.path) and call.args and call.receiver is not None:
                yield from _managed(source, call)
                continue
            text = opening(call.args[0]) if call.args and call.name in ("query", "execute") else ""
            if call.receiver is None:
                continue
            if CONTROL.match(text):
                if _is_pool(call.receiver):
                    yield site(source, call.node, f"{text.split(';')[0].strip()[:30]} goes to a pool, not to one connection.")
                elif not _is_unknown(call.receiver):
                    yield site(source, call.node)
            elif WRITE.match(text) and _is_pool(call.receiver) and _beside_client(call):
                yield site(source, call.node, "The write goes to the pool, outside the transaction that is open on the client.")


def _is_unknown(receiver: Node) -> bool:
    return not (CLIENTS.search(receiver.script.origin(receiver)) or re.search(r"client|conn|tx|trx|runner|session", dotted(receiver), re.I))


def _beside_client(call: Call) -> bool:
    """Whether a client's transaction is open where the call stands."""
    others = [c for c in call.node.script.calls_in(function_of(call.node)) if c.name == "query" and c.args and c.receiver is not None]
    mine = [c for c in others if function_of(c.node) is function_of(call.node) and c.receiver is not None and not _is_pool(c.receiver)]
    begun = [c for c in mine if BEGIN.match(opening(c.args[0])) and c.node.index < call.node.index]
    ended = [c for c in mine if re.match(r"\s*commit\b", opening(c.args[0]), re.I) and c.node.index > call.node.index]
    return bool(begun) and bool(ended)


def _managed(source: Source, call: Call) -> Iterator[Site]:
    """A transaction that the library manages: inside, only its own handle may be used."""
    work = next((bare(arg) for arg in call.args if bare(arg).kind in FUNCTIONS), None)
    owner = call.receiver
    if work is None or owner is None or not parameters(work) or call.path.startswith("this.") and owner.kind == "this":
        yield site(source, call.node)
        return
    strays = [c for c in call.node.script.calls_in(work) if c.path.startswith(dotted(owner) + ".") and owner.kind == "identifier"]
    strays = [c for c in strays if call.name == "$transaction" and not _takes_handle(c, work) and _is_outer(c, owner)]
    for stray in strays:
        yield site(source, stray.node, f"{stray.path} runs outside the transaction; use the handle that it gives.")
    if not strays:
        yield site(source, call.node)


def _takes_handle(call: Call, work: Node) -> bool:
    names = {node.text for node in parameters(work)}
    return any(node.text in names for arg in call.args for node in arg.find("identifier"))


def _is_outer(call: Call, owner: Node) -> bool:
    base: Node = call.callee
    while base.kind == "member_expression" and base.children:
        base = bare(base.children[0])
    read = call.node.script
    return base.kind == "identifier" and base.text == owner.text and read.binding(base) is read.binding(owner) and call.path.count(".") > 1


class UnreleasedClient(Rule):
    """A connection is taken from the pool and not given back on every way out. After a few failures the pool is empty and
    every request hangs. Release it in a `finally`.
    """

    id = "js-unreleased-client"
    dimension = Dimension.RELIABILITY
    severity = Severity.HIGH
    cwe = 772
    languages = LANGUAGES
    BAD = (
        "async function pay() {\n  const client = await pool.connect();\n  await client.query('BEGIN');\n  await client.query('COMMIT');\n"
        "  client.release();\n}",
        "import mysql from 'mysql2/promise';\nconst db = mysql.createPool({});\nasync function f() {\n"
        "  const conn = await db.getConnection();\n  const [rows] = await conn.query('SELECT 1');\n  return rows;\n}",
        "async function g() {\n  let c;\n  try { c = await pool.connect(); await c.query('X'); c.release(); } catch (e) { log(e); }\n}",
    )
    GOOD = (
        "async function f() {\n  const client = await pool.connect();\n  try { await client.query('SELECT 1'); } finally { client.release(); }\n}",
        "async function get() {\n  const client = await pool.connect();\n  return client;\n}",
        "async function h() {\n  let c;\n  try { c = await pool.connect(); await c.query('X'); } finally { if (c) c.release(); }\n}",
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
    if call.receiver is None or call.args and bare(call.args[-1]).kind in FUNCTIONS:
        return False
    if call.name in ("getConnection", "createQueryRunner"):
        return call.awaited or call.name == "createQueryRunner"
    return call.name == "connect" and call.awaited and _is_pool(call.receiver)


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
    return [n for n in read.kinds("identifier", "shorthand_property_identifier")
            if n.text == bound.name and not n.within(bound.site) and read.binding(n) is bound]


def _handed_on(call: Call, bound: Binding) -> bool:
    """Whether the connection leaves the function, so that somebody else gives it back."""
    for node in _uses(call, bound):
        parent = node.parent
        if parent is None:
            continue
        if parent.kind in ("return_statement", "pair", "array", "object") or node.kind == "shorthand_property_identifier":
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
    waits = [n for n in bound.scope.find("await_expression") if call.node.index < n.index < first and bare(n) is not call.node]
    return not waits


def _gives_back(call: Call, bound: Binding) -> bool:
    read = call.node.script
    if call.name in ("release", "end", "destroy", "close") and call.receiver is not None:
        owner = resolved(call.receiver) if call.receiver.kind != "identifier" else call.receiver
        return owner.kind == "identifier" and read.binding(owner) is bound
    if re.search(r"release", call.name, re.IGNORECASE):
        return any(arg.kind == "identifier" and read.binding(arg) is bound for arg in call.args)
    return False


RULES_TRANSACTIONS: tuple[Rule, ...] = (TransactionOnPool(), UnreleasedClient())
