"""Database transactions and the connections they live on.

Here: one client from BEGIN to COMMIT, given back whatever happens. Not here: which writes belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import (
    FUNCTIONS,
    LANGUAGES,
    Call,
    Node,
    bare,
    dotted,
    function_of,
    parameters,
)
from graders.rules.javascript_pools import CLIENTS, is_pool
from graders.rules.javascript_sql import opening
from graders.rules.javascript_tree import script, site
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

CONTROL = re.compile(
    r"^\s*(?:begin|start\s+transaction|commit|rollback|savepoint|abort|end)\b(?!\s+(?:case|if))", re.IGNORECASE
)
BEGIN = re.compile(r"^\s*(?:begin|start\s+transaction)\b", re.IGNORECASE)
WRITE = re.compile(r"^\s*(?:insert|update|delete|with\b.*\b(?:insert|update|delete))\b", re.IGNORECASE | re.DOTALL)
MANAGED = re.compile(
    r"(?:^|\.)(?:\$transaction|transaction|tx|txIf|withTransaction|runInTransaction|startTransaction)$"
)


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
        (
            "const pool = new Pool();\nasync function pay() {\n  await pool.query('BEGIN');\n"
            "  await pool.query(INSERT, [1]);\n  await pool.query('COMMIT');\n}"
        ),
        "const db = require('./db');\nasync function pay() { await db.query('START TRANSACTION'); }",
        (
            "import { Pool } from 'pg';\nclass Store {\n  db = new Pool();\n"
            "  async save() { await this.db.query(`BEGIN ISOLATION LEVEL SERIALIZABLE`); }\n}"
        ),
        (
            "async function pay(pool) {\n  const client = await pool.connect();\n  await client.query('BEGIN');\n"
            "  await pool.query('INSERT INTO payments (id) VALUES ($1)', [1]);\n  await client.query('COMMIT');\n}"
        ),
        (
            "await prisma.$transaction(async (tx) => {\n  await tx.account.update(a);\n"
            "  await prisma.payment.create(b);\n});"
        ),
    )
    GOOD = (
        (
            "const client = await pool.connect();\ntry {\n  await client.query('BEGIN');\n"
            "  await client.query('COMMIT');\n"
            "} catch (e) {\n  await client.query('ROLLBACK');\n  throw e;\n} finally { client.release(); }"
        ),
        "await prisma.$transaction(async (tx) => { await tx.account.update(a); });",
        "await pool.query('SELECT 1');\nconst client = new Client();\nawait client.query('BEGIN');",
        (
            "async function inTx(client, work) { await client.query('BEGIN'); await work(client); await "
            "client.query('COMMIT'); }"
        ),
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
                if is_pool(call.receiver):
                    yield site(
                        source, call.node, f"{text.split(';')[0].strip()[:30]} goes to a pool, not to one connection."
                    )
                elif not _is_unknown(call.receiver):
                    yield site(source, call.node)
            elif WRITE.match(text) and is_pool(call.receiver) and _beside_client(call):
                yield site(
                    source, call.node, "The write goes to the pool, outside the transaction that is open on the client."
                )


def _is_unknown(receiver: Node) -> bool:
    return not (
        CLIENTS.search(receiver.script.origin(receiver))
        or re.search(r"client|conn|tx|trx|runner|session", dotted(receiver), re.IGNORECASE)
    )


def _beside_client(call: Call) -> bool:
    """Whether a client's transaction is open where the call stands."""
    others = [
        c
        for c in call.node.script.calls_in(function_of(call.node))
        if c.name == "query" and c.args and c.receiver is not None
    ]
    mine = [
        c
        for c in others
        if function_of(c.node) is function_of(call.node) and c.receiver is not None and not is_pool(c.receiver)
    ]
    begun = [c for c in mine if BEGIN.match(opening(c.args[0])) and c.node.index < call.node.index]
    ended = [
        c
        for c in mine
        if re.match(r"\s*commit\b", opening(c.args[0]), re.IGNORECASE) and c.node.index > call.node.index
    ]
    return bool(begun) and bool(ended)


def _managed(source: Source, call: Call) -> Iterator[Site]:
    """A transaction that the library manages: inside, only its own handle may be used."""
    work = next((bare(arg) for arg in call.args if bare(arg).kind in FUNCTIONS), None)
    owner = call.receiver
    if (
        work is None
        or owner is None
        or not parameters(work)
        or (call.path.startswith("this.") and owner.kind == "this")
    ):
        yield site(source, call.node)
        return
    strays = [
        c
        for c in call.node.script.calls_in(work)
        if c.path.startswith(dotted(owner) + ".") and owner.kind == "identifier"
    ]
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
    return (
        base.kind == "identifier"
        and base.text == owner.text
        and read.binding(base) is read.binding(owner)
        and call.path.count(".") > 1
    )


RULES_TRANSACTIONS: tuple[Rule, ...] = (TransactionOnPool(),)
