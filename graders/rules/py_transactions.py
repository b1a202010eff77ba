"""Transactions: what belongs together, and what must stay outside.

Here: the order of acts within one function. Not here: the acts themselves (`python_database`),
lost updates (`py_races`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.py_races import ReadThenWrite
from graders.rules.python_database import Act, acts, opens, transaction_around
from graders.rules.python_nodes import Function, identifier
from graders.rules.python_remote import reaches_out
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.python_words import contended
from graders.rules.rule import Rule, Severity


class RemoteCallInTransaction(PythonRule):
    """Another service is called while a database transaction is open. Its locks and its connection are held for as long as the
    other side takes, and a rollback does not undo what was done over there. Commit a pending state, call, then record the
    outcome in a second transaction.
    """

    id = "py-remote-call-in-transaction"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.HIGH
    cwe = None
    BAD = (
        (
            "async def pay(session, http, order):\n    async with session.begin():\n        session.add(Payment(order=order))\n"
            '        reply = await httpx.AsyncClient().post("https://psp.example", json={})\n'
        ),
        'import requests\n\n@transaction.atomic\ndef pay(order):\n    order.save()\n    requests.post("https://psp.example", json={}, timeout=5)\n',
        (
            "async def pay(pool, gateway):\n    async with pool.acquire() as conn:\n        async with conn.transaction():\n"
            '            await conn.execute("UPDATE accounts SET balance = balance - $1", 5)\n            await gateway.charge(5)\n'
        ),
        (
            "import stripe\n\ndef pay(db, order):\n    payment = Payment(order=order)\n    db.add(payment)\n    db.flush()\n"
            '    intent = stripe.PaymentIntent.create(amount=order.cents, currency="eur")\n    payment.intent = intent.id\n    db.commit()\n'
        ),
        (
            'import requests\n\ndef charge_card(body):\n    return requests.post("https://psp.example", json=body, timeout=5)\n\n'
            'def pay(engine):\n    with engine.begin() as conn:\n        conn.execute(text("INSERT INTO payments DEFAULT VALUES"))\n        charge_card({})\n'
        ),
    )
    GOOD = (
        (
            'async def pay(session, gateway, order):\n    async with session.begin():\n        session.add(Payment(order=order, status="pending"))\n'
            "    reply = await gateway.charge(order.cents)\n    async with session.begin():\n        order.status = reply.status\n"
        ),
        (
            "import requests\n\ndef pay(order):\n    with transaction.atomic():\n        order.save()\n"
            '        transaction.on_commit(lambda: requests.post("https://hook.example", timeout=5))\n'
        ),
        'import requests\n\ndef rates():\n    with open("rates") as file:\n        return requests.get("https://api.example", timeout=5)\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        calls = [call for call in module.calls if reaches_out(module, call) and not module.in_test(call.node)]
        if not calls or not _has_transactions(module):
            return
        for call in calls:
            inside = transaction_around(module, call.node) is not None or _between(module, call)
            yield (call.node, "Another service is called while a transaction is open." if inside else "")


def _has_transactions(module: Module) -> bool:
    if any(
        opens(module, item.context_expr)
        for node in module.nodes
        if isinstance(node, ast.With | ast.AsyncWith)
        for item in node.items
    ):
        return True
    return any(call.name in ("commit", "atomic", "begin") for call in module.calls) or any(
        "atomic" in path for function in module.functions for path in module.decorators(function)
    )


def _between(module: Module, call: Call) -> bool:
    """Whether the call stands after a write or lock and before the commit that ends it, on the same session."""
    around = module.function(call.node)
    if around is None:
        return False
    at = module.place[call.node]
    opened = ""
    for act in acts(module, around):
        if module.place[act.node] > at:
            break
        if not _same_path(module, act.node, call.node):
            continue
        if act.kind in ("commit", "rollback"):
            opened = ""
        elif act.kind in ("flush", "lock", "begin") or (act.kind == "write" and act.sql):
            opened = act.on if not _autocommits(module, around) else ""
    if not opened:
        return False
    after = [
        act
        for act in acts(module, around)
        if module.place[act.node] > at and act.kind == "commit" and not _in_handler(module, act.node)
    ]
    return bool(after)


def _autocommits(module: Module, function: Function) -> bool:
    return "autocommit" in module.identifiers and any(
        isinstance(node, ast.keyword | ast.Attribute)
        and (getattr(node, "arg", "") == "autocommit" or getattr(node, "attr", "") == "autocommit")
        for node in module.nodes
    )


def _in_handler(module: Module, node: ast.AST) -> bool:
    return any(isinstance(above, ast.ExceptHandler) for above in module.ancestors(node))


def _same_path(module: Module, first: ast.AST, second: ast.AST) -> bool:
    """Whether both can run in one pass, the first before the second: not in two branches, and none left in between."""
    for above in module.ancestors(first):
        if module.inside(second, above):
            return not _apart(module, above, first, second)
        if isinstance(above, ast.If | ast.ExceptHandler | ast.Match) and _leaves(_branch(module, above, first)):
            return False
        if isinstance(above, ast.ExceptHandler):
            return False
    return True


def _branch(module: Module, above: ast.AST, node: ast.AST) -> list[ast.stmt]:
    """The list of statements of a compound statement in which the node stands."""
    for _name, value in ast.iter_fields(above):
        if isinstance(value, list) and any(isinstance(item, ast.stmt) and module.inside(node, item) for item in value):
            return [item for item in value if isinstance(item, ast.stmt)]
    return []


def _leaves(body: list[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def _apart(module: Module, above: ast.AST, first: ast.AST, second: ast.AST) -> bool:
    """Whether two nodes stand in branches of which only one runs."""
    if not isinstance(above, ast.If | ast.Match | ast.Try | ast.IfExp):
        return False
    if isinstance(above, ast.Try):
        in_handler = [any(module.inside(node, handler) for handler in above.handlers) for node in (first, second)]
        return in_handler[0] or in_handler[1]
    if isinstance(above, ast.If):
        return _branch(module, above, first) != _branch(module, above, second)
    return True


ASIDE = re.compile(
    r"(?i)audit|log|notif|attempt|session|cache|metric|event|email|idempot|token|outbox|migration|version|lock|job|task|history|last_"
)
SETUP = re.compile(
    r"(?i)^(?:main|seed\w*|setup\w*|set_up|init\w*|migrate\w*|create_tables|populate\w*|load\w*|import\w*|fill\w*|upgrade|downgrade|demo\w*|"
    r"bootstrap\w*|reset\w*|clean\w*|prepare\w*|_?init_db|example\w*|backfill\w*|run_migrations|sync\w*|process_batch\w*)$"
)


class CommitBetweenWrites(PythonRule):
    """One operation writes twice, and commits between the writes. A crash or an error after the first commit leaves half of it
    done: money taken and nowhere booked. Put what belongs together into one transaction, committed once at the end.
    """

    id = "py-commit-between-writes"
    dimension = Dimension.TRANSACTIONALITY
    severity = Severity.HIGH
    cwe = None
    BAD = (
        (
            "def transfer(conn, a, b, cents):\n    cur = conn.cursor()\n"
            '    cur.execute("UPDATE accounts SET balance = balance - %s WHERE id = %s", (cents, a))\n    conn.commit()\n'
            '    cur.execute("UPDATE accounts SET balance = balance + %s WHERE id = %s", (cents, b))\n    conn.commit()\n'
        ),
        (
            "def place(db, cart):\n    order = Order(cart=cart.id)\n    db.add(order)\n    db.commit()\n"
            "    db.refresh(order)\n    db.add(OrderLine(order_id=order.id))\n    db.commit()\n    return order\n"
        ),
    )
    GOOD = (
        (
            "def transfer(conn, a, b, cents):\n    cur = conn.cursor()\n"
            '    cur.execute("UPDATE accounts SET balance = balance - %s WHERE id = %s", (cents, a))\n'
            '    cur.execute("UPDATE accounts SET balance = balance + %s WHERE id = %s", (cents, b))\n    conn.commit()\n'
        ),
        (
            'def pay(db, gateway, cents):\n    payment = Payment(cents=cents, status="pending")\n    db.add(payment)\n    db.commit()\n'
            "    reply = gateway.charge(cents)\n    db.add(Receipt(payment=payment.id, reference=reply.id))\n    db.commit()\n"
        ),
        "def save(db, rows):\n    for at, row in enumerate(rows):\n        db.add(Row(row))\n        if at % 1000 == 0:\n            db.commit()\n    db.commit()\n",
        "def change(db, order, ok):\n    if ok:\n        db.add(Shipment(order))\n        db.commit()\n    else:\n        db.add(Refund(order))\n        db.commit()\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for function in module.functions:
            if SETUP.match(function.name) or module.in_test(function):
                continue
            yield from _commits(module, function)


def _commits(module: Module, function: Function) -> Iterator[Judged]:
    done = [act for act in acts(module, function) if not _in_handler(module, act.node)]
    writes = [act for act in done if act.kind == "write"]
    commits = [act for act in done if act.kind == "commit"]
    if len(writes) < 2:
        return
    split = next((c for c in commits if _splits(module, function, writes, c)), None)
    if split is not None:
        yield (split.node, "The operation's writes are committed one by one, so it can stop half way.")
    elif len(commits) == 1 or all(transaction_around(module, write.node) is not None for write in writes):
        yield ((commits[0] if commits else writes[0]).node, "")


def _splits(module: Module, function: Function, writes: list[Act], commit: Act) -> bool:
    """Whether a commit stands between two writes of one pass, with nothing between them that must not be in a transaction."""
    at = module.place[commit.node]
    before = [
        w
        for w in writes
        if module.place[w.node] < at and _same_path(module, w.node, commit.node) and not ASIDE.search(_matter(w))
    ]
    after = [
        w
        for w in writes
        if module.place[w.node] > at and _same_path(module, commit.node, w.node) and not ASIDE.search(_matter(w))
    ]
    before, after = [w for w in before if _lasts(w)], [w for w in after if _lasts(w)]
    if not before or not after or _in_loop(module, commit.node, function):
        return False
    if transaction_around(module, after[0].node) is not transaction_around(module, before[-1].node):
        return False
    start, stop = module.place[before[-1].node], module.place[after[0].node]
    between = [call for call in module.calls_in(module.own(function)) if start < module.place[call.node] < stop]
    return not any(_may_wait(module, call) for call in between) and before[-1].node is not after[0].node


def _matter(act: Act) -> str:
    """What a write is about, by its table or class."""
    return act.subject


def _lasts(act: Act) -> bool:
    """A field set on a loaded object counts only as a change of quantity; a status may well be set step by step."""
    if act.on or act.sql:
        return True
    target = (
        act.node.targets[0]
        if isinstance(act.node, ast.Assign)
        else act.node.target
        if isinstance(act.node, ast.AugAssign)
        else None
    )
    return contended(identifier(target))


def _in_loop(module: Module, node: ast.AST, function: Function) -> bool:
    return any(
        isinstance(above, ast.For | ast.AsyncFor | ast.While) and module.inside(above, function)
        for above in module.ancestors(node)
    )


def _may_wait(module: Module, call: Call) -> bool:
    """A call to another service, or one of which we cannot see whether it is; that is a reason to commit first."""
    if reaches_out(module, call):
        return True
    return (
        re.search(
            r"(?i)gateway|psp|provider|client|processor|http|charge|send|publish|enqueue|notify|delay|stripe|api\b|webhook|sleep",
            call.path,
        )
        is not None
    )


RULES_PY_TRANSACTIONS: tuple[Rule, ...] = (RemoteCallInTransaction(), CommitBetweenWrites(), ReadThenWrite())
